package digits

import (
	"fmt"
	"math"
	"math/bits"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
	"periph.io/x/devices/v3/max7219"

	"lungbox/daemon/panel"
)

// Registers of a MAX7219 that the library sets only when it starts. (MAX7219/MAX7221
// data sheet, Maxim 19-4452, tables 2, 3, 8 and 10.)
const (
	scanLimit = 0x0B // number of digits less 1
	shutdown  = 0x0C // 1 is on
	test      = 0x0F // 1 lights everything
)

const (
	size  = 8  // digits, or rows of a matrix
	steps = 15 // of brightness
)

// registers is a MAX7219, with digits or a matrix.
type registers struct {
	bus     *keeper
	device  *max7219.Dev
	decode  max7219.DecodeMode
	picture func(panel.Sign) []byte // what the library is to write
}

// newRegisters is a MAX7219 with digits.
func newRegisters(bus spi.PortCloser, position int) (screen, error) {
	return start(bus, max7219.DecodeB, nil, func(s panel.Sign) []byte {
		b := make([]byte, 0, size)
		for i := range size {
			switch {
			case s == panel.Eight:
				b = append(b, '8'-'0'|max7219.DecimalPoint)
			case i != position || s == panel.Blank:
				b = append(b, max7219.ClearDigit)
			default:
				b = append(b, s[0]) // the library knows '0' to '9' and '-'
			}
		}
		return b
	})
}

// full is the character of the library's font that lights everything.
const full = 0xDB

// newMatrix is a MAX7219 with a matrix.
func newMatrix(bus spi.PortCloser, turns int, mirror bool) (screen, error) {
	return start(bus, max7219.DecodeNone, font(turns, mirror), func(s panel.Sign) []byte {
		switch s {
		case panel.Blank:
			return []byte{' '}
		case panel.Eight:
			return []byte{full}
		}
		return []byte{s[0]}
	})
}

// font turns the characters that are used.
func font(turns int, mirror bool) [][]byte {
	glyphs := make([][]byte, len(max7219.CP437Glyphs))
	for _, c := range []byte{' ', '-', '0', '1', '2', '3', full} {
		g := append([]byte(nil), max7219.CP437Glyphs[c]...)
		for range turns {
			g = turned(g)
		}
		for y := range g {
			if !mirror { // the lowest bit is the leftmost light
				g[y] = bits.Reverse8(g[y])
			}
		}
		glyphs[c] = g
	}
	return glyphs
}

// turned is a picture of eight rows, turned clockwise by a quarter. The highest bit
// is the leftmost light.
func turned(rows []byte) []byte {
	to := make([]byte, size)
	for y, row := range rows {
		for x := range size {
			if row>>(size-1-x)&1 == 1 {
				to[x] |= 1 << y
			}
		}
	}
	return to
}

func start(bus spi.PortCloser, decode max7219.DecodeMode, glyphs [][]byte, picture func(panel.Sign) []byte) (screen, error) {
	k := &keeper{PortCloser: bus, starting: true}
	d, err := max7219.NewSPI(k, 1, size)
	if err == nil {
		err = k.failed
	}
	k.starting = false
	if err == nil { // dark until the first picture is complete
		err = k.set(shutdown, 0)
	}
	if err != nil {
		bus.Close()
		return nil, fmt.Errorf("start the display on %s: %w", bus, err)
	}
	if glyphs != nil {
		d.SetGlyphs(glyphs, false)
	}
	return &registers{k, d, decode, picture}, nil
}

func (r *registers) show(s panel.Sign, brightness float64) error {
	for _, step := range []func() error{
		func() error { return r.bus.set(test, 0) },
		func() error { return r.bus.set(scanLimit, size-1) },
		func() error { return r.device.SetDecode(r.decode) },
		func() error { return r.device.SetIntensity(byte(math.Round(brightness * steps))) },
		func() error { return r.device.Write(r.picture(s)) },
		func() error { return r.bus.set(shutdown, 1) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("display on %s: %w", r.bus, err)
		}
	}
	return nil
}

func (r *registers) Close() error { return r.bus.Close() }

// keeper is a port that keeps its connection, for the registers that the library
// does not set, and the first error of the start, which the library would log and
// forget.
type keeper struct {
	spi.PortCloser
	conn     spi.Conn
	starting bool
	failed   error
}

// Connect gives the library a connection that keeps errors.
func (k *keeper) Connect(f physic.Frequency, mode spi.Mode, bits int) (spi.Conn, error) {
	c, err := k.PortCloser.Connect(f, mode, bits)
	k.conn = c
	return kept{c, k}, err
}

func (k *keeper) set(register, value byte) error { return k.conn.Tx([]byte{register, value}, nil) }

type kept struct {
	spi.Conn
	keeper *keeper
}

// Tx sends, and keeps an error of the start to itself.
func (c kept) Tx(w, r []byte) error {
	err := c.Conn.Tx(w, r)
	if !c.keeper.starting {
		return err
	}
	if c.keeper.failed == nil {
		c.keeper.failed = err
	}
	return nil
}
