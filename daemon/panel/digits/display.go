package digits

import (
	"fmt"

	"lungbox/daemon/panel"
)

// Chip is what drives a display.
type Chip string

// Chips.
const (
	TM1637        Chip = "tm1637"         // digits of seven segments
	MAX7219       Chip = "max7219"        // eight digits of seven segments
	MAX7219Matrix Chip = "max7219-matrix" // 8×8 lights
)

// Config says which display there is.
type Config struct {
	Chip Chip

	// For TM1637: the GPIO chip by name, path or label, and the two lines by offset
	// or name.
	GPIO, Clock, Data string
	// For MAX7219 with digits or matrix: the device, "/dev/spidev0.0".
	SPI string

	// Position of the digit that is used, 0 for the leftmost: 0 to 5 for TM1637, 0
	// to 7 for MAX7219.
	Position int
	// Turns of a matrix, 0 to 3 quarters of a circle clockwise, and whether it is
	// seen in a mirror: modules differ in how they are wired.
	Turns  int
	Mirror bool
}

// Display is a driver that is also a [panel.Dimmer].
type Display struct {
	screen screen
	sign   panel.Sign
	level  float64
	closed bool
}

// screen is a display chip.
type screen interface {
	// show sends the sign and everything that the chip must know to show it.
	show(sign panel.Sign, brightness float64) error
	Close() error
}

// Open blanks the display. The driver is a *[Display]. Show takes microseconds on
// SPI and some 20 ms on a TM1637, whose bits are sent one by one; neither waits for
// an answer.
func Open(c Config) (panel.Driver, error) {
	s, err := c.open()
	if err != nil {
		return nil, err
	}
	return newDisplay(s)
}

// Blank blanks the display of a process that has ended without doing so.
func Blank(c Config) error {
	d, err := Open(c)
	if err != nil {
		return err
	}
	return d.Close()
}

func (c Config) open() (screen, error) {
	positions := 8
	if c.Chip == TM1637 {
		positions = 6
	}
	if c.Position < 0 || c.Position >= positions {
		return nil, fmt.Errorf("digit %d of a %s display: give 0 to %d", c.Position, c.Chip, positions-1)
	}
	switch c.Chip {
	case TM1637:
		w, err := openWires(c.GPIO, c.Clock, c.Data)
		if err != nil {
			return nil, err
		}
		return newSegments(w, c.Position)
	case MAX7219, MAX7219Matrix:
		if c.Turns < 0 || c.Turns > 3 {
			return nil, fmt.Errorf("%d quarter turns of a matrix: give 0 to 3", c.Turns)
		}
		bus, err := openSPI(c.SPI)
		if err != nil {
			return nil, err
		}
		if c.Chip == MAX7219 {
			return newRegisters(bus, c.Position)
		}
		return newMatrix(bus, c.Turns, c.Mirror)
	}
	return nil, fmt.Errorf("display %q: give %q, %q or %q", c.Chip, TM1637, MAX7219, MAX7219Matrix)
}

func newDisplay(s screen) (*Display, error) {
	d := &Display{screen: s, level: 1}
	if err := s.show(panel.Blank, d.level); err != nil {
		s.Close()
		return nil, err
	}
	return d, nil
}

// Show shows what these lamps say.
func (d *Display) Show(l panel.Lamps) error {
	if d.closed {
		return panel.ErrClosed
	}
	sign, known := panel.SignOf(l)
	d.sign = sign
	if err := d.screen.show(sign, d.level); err != nil {
		return err
	}
	if !known {
		return panel.ErrNoSign
	}
	return nil
}

// SetBrightness sets the nearest of 8 steps (TM1637) or 16 (MAX7219).
func (d *Display) SetBrightness(level float64) error {
	if !(level >= 0 && level <= 1) {
		return fmt.Errorf("brightness %v: give a number from 0 to 1", level)
	}
	if d.closed {
		return panel.ErrClosed
	}
	d.level = level
	return d.screen.show(d.sign, level)
}

// Close blanks the display.
func (d *Display) Close() error {
	if d.closed {
		return nil
	}
	d.closed = true
	if err := d.screen.show(panel.Blank, d.level); err != nil {
		d.screen.Close()
		return err
	}
	return d.screen.Close()
}
