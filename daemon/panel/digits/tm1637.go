package digits

import (
	"math"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/devices/v3/tm1637"

	"lungbox/daemon/panel"
)

// wires are the two lines of a TM1637, as the library wants them.
type wires struct {
	clock, data *wire
	Close       func() error
}

// wire keeps its first error, because the library drops errors of lines.
type wire struct {
	gpio.PinIO // only Out is used
	set        func(value int) error
	failed     error
}

func newWire(set func(value int) error) *wire { return &wire{PinIO: gpio.INVALID, set: set} }

// Out sets the line.
func (w *wire) Out(l gpio.Level) error {
	value := 0
	if l {
		value = 1
	}
	err := w.set(value)
	if w.failed == nil {
		w.failed = err
	}
	return err
}

// err is the first error since it was asked for last.
func (w wires) err() error {
	err := w.clock.failed
	if err == nil {
		err = w.data.failed
	}
	w.clock.failed, w.data.failed = nil, nil
	return err
}

// segments is a TM1637 with digits of seven segments. (TM1637, Titan Micro
// Electronics, data sheet V2.4.)
type segments struct {
	wires    wires
	device   *tm1637.Dev
	position int
}

func newSegments(w wires, position int) (screen, error) {
	d, err := tm1637.New(w.clock, w.data)
	if err != nil {
		_ = w.Close()
		return nil, err
	}
	return &segments{w, d, position}, nil
}

// patterns of seven segments and the point, PGFEDCBA.
const (
	middle     = 0x40
	everything = 0xFF
)

func (s *segments) show(sign panel.Sign, brightness float64) error {
	picture := make([]byte, 6)
	switch sign {
	case panel.Blank:
	case panel.Dash:
		picture[s.position] = middle
	case panel.Eight:
		for i := range picture {
			picture[i] = everything
		}
	default:
		picture[s.position] = tm1637.Digits(int(sign[0] - '0'))[0]
	}
	if _, err := s.device.Write(picture); err != nil {
		return err
	}
	steps := float64(tm1637.Brightness14 - tm1637.Brightness1)
	if err := s.device.SetBrightness(tm1637.Brightness1 + tm1637.Brightness(math.Round(brightness*steps))); err != nil {
		return err
	}
	return s.wires.err()
}

func (s *segments) Close() error { return s.wires.Close() }
