package gpio

import (
	"time"

	"lungbox/daemon/panel"
	"lungbox/ensemble"
)

// consumer is the name that gpioinfo shows for lines in use.
const consumer = "lungbox"

// answer is how long a chip may take. One inside the processor takes microseconds;
// one behind a bus can hang.
const answer = 900 * time.Millisecond

// Config says which lines the lamps are on.
type Config struct {
	Chip      string                  // name, path (links too) or label: "gpiochip0", "/dev/gpiochip0", "tegra234-gpio"
	Score     [ensemble.Scores]string // lines of lamps 0 to 3: offset or name, "7" or "PG.06"
	Live      string                  // line of the live lamp
	ActiveLow bool                    // a lamp is lit when its line is low
}

func (c Config) lines() []string { return append(c.Score[:], c.Live) }

// Open takes the lines and darkens the lamps. The driver is a [panel.Bounded]. It
// takes the lines anew after an error, so a chip may be unplugged and come back.
func Open(c Config) (panel.Driver, error) {
	d, err := open(kernel{}, c)
	if err != nil {
		return nil, err
	}
	return panel.Bound(d, answer), nil
}

// Blank darkens the lamps of a process that has ended without doing so. It is an
// error if a process still holds the lines.
func Blank(c Config) error { return blank(kernel{}, c) }

func blank(s system, c Config) error {
	d, err := open(s, c)
	if err != nil {
		return err
	}
	return d.Close()
}

// driver is five lines.
type driver struct {
	system system
	config Config
	lines  outputs // nil when not held
	closed bool
}

func open(s system, c Config) (*driver, error) {
	d := &driver{system: s, config: c}
	return d, d.take(panel.Lamps{})
}

// take requests the lines with these lamps lit.
func (d *driver) take(l panel.Lamps) error {
	c, err := findChip(d.system, d.config.Chip)
	if err != nil {
		return err
	}
	defer c.Close()
	offsets, err := findLines(c, d.config.lines())
	if err != nil {
		return err
	}
	lines, err := c.outputs(offsets, values(l), d.config.ActiveLow)
	if err != nil {
		return refused(c, offsets, err)
	}
	d.lines = lines
	return nil
}

func values(l panel.Lamps) []int {
	v := make([]int, ensemble.Scores+1)
	for i, lit := range append(l.Score[:], l.Live) {
		if lit {
			v[i] = 1
		}
	}
	return v
}

// Show sets all lines.
func (d *driver) Show(l panel.Lamps) error {
	if d.closed {
		return panel.ErrClosed
	}
	if d.lines == nil {
		return d.take(l)
	}
	return d.set(l)
}

// set sets lines that are held, and lets them go if that fails.
func (d *driver) set(l panel.Lamps) error {
	err := d.lines.SetValues(values(l))
	if err != nil {
		d.lines.Close()
		d.lines = nil
		return failed("set its lines", d.config.Chip, err)
	}
	return nil
}

// Close darkens the lamps and lets the lines go.
func (d *driver) Close() error {
	if d.closed {
		return nil
	}
	d.closed = true
	if d.lines == nil {
		if err := d.take(panel.Lamps{}); err != nil {
			return err
		}
	} else if err := d.set(panel.Lamps{}); err != nil {
		return err
	}
	return d.lines.Close()
}
