package serial

import (
	"errors"
	"io"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"lungbox/daemon/panel"
)

// answer is how long a tower may take; an open serial port that hangs takes for ever.
const answer = 900 * time.Millisecond

// port is what is used of a serial port.
type port interface {
	io.WriteCloser
	Drain() error // waits until everything is sent
	ResetOutputBuffer() error
}

// Open makes the driver of a tower, a [panel.Bounded], and switches everything off.
// Errors are of the settings only: a port that is not there yet, or is unplugged,
// is an error of each Show until it is there.
func Open(c Config) (panel.Driver, error) { return open(c, openPort) }

func open(c Config, dial func(path string, baud int) (port, error)) (panel.Driver, error) {
	t, err := c.table()
	if err != nil {
		return nil, err
	}
	b := panel.Bound(&tower{table: t, path: c.Port, dial: dial}, answer)
	_ = b.Show(panel.Lamps{}) // the next Show says what is wrong
	return b, nil
}

// Blank switches off the tower of a process that has ended without doing so.
func Blank(c Config) error {
	d, err := Open(c)
	if err != nil {
		return err
	}
	return d.Close()
}

// tower is a driver without a limit of time.
type tower struct {
	table
	path   string
	dial   func(path string, baud int) (port, error)
	port   port // nil when not open
	closed bool
}

func (t *tower) Show(l panel.Lamps) error {
	if t.closed {
		return panel.ErrClosed
	}
	lit, known := t.lit(l)
	if err := t.connect(); err != nil {
		return err
	}
	if err := t.send(t.frames(lit)); err != nil {
		return err
	}
	if !known {
		return panel.ErrNoSign
	}
	return nil
}

// lit says which lights show these lamps; none, and false, for lamps that three
// lights have no pattern for.
func (t *tower) lit(l panel.Lamps) ([]bool, bool) {
	if !t.three {
		return append(l.Score[:], l.Live), true
	}
	sign, ok := panel.SignOf(l)
	switch sign {
	case panel.Dash:
		return []bool{false, true, false}, ok
	case "0":
		return []bool{false, false, true}, ok
	case "1":
		return []bool{true, false, false}, ok
	case "2":
		return []bool{true, true, false}, ok
	case "3", panel.Eight:
		return []bool{true, true, true}, ok
	}
	return make([]bool, len(t.lights)), ok
}

// frames switch lights off from above, then others on from below. The live lamp is
// the uppermost: it goes out first and is lit last, so that a bar that is not
// finished counts for nothing.
func (t *tower) frames(lit []bool) (all [][]byte) {
	for i, l := range slices.Backward(t.lights) {
		if !lit[i] {
			all = append(all, l.off)
		}
	}
	for i, l := range t.lights {
		if lit[i] {
			all = append(all, l.on)
		}
	}
	return all
}

// connect opens the port if need be and switches everything off.
func (t *tower) connect() error {
	if t.port != nil {
		return nil
	}
	p, err := t.dial(t.path, t.baud)
	if err != nil {
		return err
	}
	t.port = p
	return t.send(t.allOff)
}

// send waits until the frames are on the line. A port that fails is closed.
func (t *tower) send(frames [][]byte) error {
	err := t.write(frames)
	if err != nil {
		_ = t.port.ResetOutputBuffer() // or closing waits for bytes that nobody takes
		t.port.Close()
		t.port = nil
		return said(t.path, err)
	}
	return nil
}

func (t *tower) write(frames [][]byte) error {
	if t.gap == 0 {
		frames = [][]byte{slices.Concat(frames...)}
	}
	for _, f := range frames {
		for len(f) > 0 {
			n, err := t.port.Write(f)
			if err != nil && !errors.Is(err, unix.EINTR) {
				return err
			}
			f = f[n:]
		}
		for {
			err := t.port.Drain()
			if err == nil {
				break
			}
			if !errors.Is(err, unix.EINTR) {
				return err
			}
		}
		time.Sleep(t.gap)
	}
	return nil
}

// Close switches everything off.
func (t *tower) Close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	fresh := t.port == nil
	if err := t.connect(); err != nil {
		return err
	}
	if !fresh {
		if err := t.send(t.allOff); err != nil {
			return err
		}
	}
	return t.port.Close()
}
