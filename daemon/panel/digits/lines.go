package digits

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/warthog618/go-gpiocdev"
	"golang.org/x/sys/unix"
)

// openWires takes two lines of a GPIO chip, both high, as a TM1637 rests.
func openWires(chip, clock, data string) (wires, error) {
	c, err := findChip(chip)
	if err != nil {
		return wires{}, err
	}
	defer c.Close()
	var lines []*gpiocdev.Line
	closeAll := func() error {
		var errs []error
		for _, l := range lines {
			errs = append(errs, l.Close())
		}
		return errors.Join(errs...)
	}
	for _, name := range []string{clock, data} {
		l, err := takeLine(c, name)
		if err != nil {
			_ = closeAll()
			return wires{}, err
		}
		lines = append(lines, l)
	}
	return wires{newWire(lines[0].SetValue), newWire(lines[1].SetValue), closeAll}, nil
}

// findChip opens a chip by name, path or label.
func findChip(want string) (*gpiocdev.Chip, error) {
	if target, err := filepath.EvalSymlinks(want); err == nil && filepath.IsAbs(target) {
		want = filepath.Base(target)
	}
	var seen []string
	for _, name := range gpiocdev.Chips() {
		c, err := gpiocdev.NewChip(name, gpiocdev.WithConsumer("lungbox"))
		if err != nil {
			seen = append(seen, fmt.Sprintf("%s (%v)", name, err))
			continue
		}
		if name == want || c.Label == want {
			return c, nil
		}
		seen = append(seen, fmt.Sprintf("%s (label %q)", name, c.Label))
		c.Close()
	}
	if len(seen) == 0 {
		return nil, fmt.Errorf("no GPIO chip %q: this machine has none", want)
	}
	return nil, fmt.Errorf("no GPIO chip %q: there are %s", want, strings.Join(seen, ", "))
}

// takeLine takes a line by offset or name.
func takeLine(c *gpiocdev.Chip, name string) (*gpiocdev.Line, error) {
	offset, err := strconv.Atoi(name)
	if err != nil {
		if offset, err = c.FindLine(name); err != nil {
			return nil, fmt.Errorf("GPIO chip %s has no line named %q: gpioinfo prints the names, or give an offset", c.Name, name)
		}
	}
	l, err := c.RequestLine(offset, gpiocdev.AsOutput(1))
	switch {
	case errors.Is(err, unix.EBUSY):
		who := "somebody"
		if info, err := c.LineInfo(offset); err == nil {
			who = strconv.Quote(info.Consumer)
		}
		return nil, fmt.Errorf("line %s of GPIO chip %s is used by %s: end that, or give another line", name, c.Name, who)
	case errors.Is(err, gpiocdev.ErrInvalidOffset):
		return nil, fmt.Errorf("GPIO chip %s has no line %s: give 0 to %d", c.Name, name, c.Lines()-1)
	case err != nil:
		return nil, fmt.Errorf("line %s of GPIO chip %s: %w", name, c.Name, err)
	}
	return l, nil
}
