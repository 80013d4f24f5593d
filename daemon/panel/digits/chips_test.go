package digits

import (
	"errors"
	"fmt"
	"strings"

	"periph.io/x/conn/v3"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"

	"lungbox/daemon/panel"
)

// figures are what is to be seen, by the letters of segments.
var figures = map[panel.Sign]string{
	panel.Blank: "", panel.Dash: "G", "0": "ABCDEF", "1": "BC", "2": "ABDEG", "3": "ABCDG", panel.Eight: "ABCDEFGP",
}

// segmentBits packs segments: order says which letter bit 0, 1, … stands for.
func segmentBits(letters, order string) (b byte) {
	for _, l := range letters {
		b |= 1 << strings.IndexRune(order, l)
	}
	return b
}

// tmOrder and maxOrder are how the chips number segments (data sheets).
const (
	tmOrder  = "ABCDEFGP"
	maxOrder = "GFEDCBAP"
)

// onDigit is a figure on one of n digits, or on all for the lamp test.
func onDigit(s panel.Sign, order string, at int, n int) (lit uint64) {
	for i := range n {
		if i == at || s == panel.Eight {
			lit |= uint64(segmentBits(figures[s], order)) << (8 * i)
		}
	}
	return lit
}

// tmChip is a TM1637, which listens to the levels of two lines (data sheet V2.4,
// "Program flow" and "Interface").
type tmChip struct {
	clock, data bool
	talking     bool
	bits        int
	current     byte
	got         int // bytes since start
	fixed       bool
	address     int
	ram         [6]byte
	on          bool
	brightness  byte
	history     []uint64
	wrong       []string
	fail        error
}

func (c *tmChip) wires() wires {
	return wires{newWire(c.setClock), newWire(c.setData), func() error { return nil }}
}

func (c *tmChip) setClock(value int) error {
	rises := value == 1 && !c.clock
	c.clock = value == 1
	if !rises || !c.talking {
		return c.fail
	}
	if c.bits++; c.bits <= 8 {
		c.current >>= 1 // the lowest bit comes first
		if c.data {
			c.current |= 0x80
		}
		return c.fail
	}
	c.bits = 0 // the ninth clock is the answer of the chip
	c.take(c.current)
	return c.fail
}

func (c *tmChip) setData(value int) error {
	falls, rises := value == 0 && c.data, value == 1 && !c.data
	c.data = value == 1
	switch {
	case !c.clock:
	case falls:
		c.talking, c.bits, c.got = true, 0, 0
	case rises:
		if c.talking && c.bits > 1 { // the clock has risen once for this stop
			c.wrong = append(c.wrong, fmt.Sprintf("stopped after %d bits", c.bits))
		}
		c.talking = false
	}
	return c.fail
}

func (c *tmChip) take(b byte) {
	c.got++
	switch {
	case c.got > 1 && c.address < 6 && !c.fixed:
		c.ram[c.address] = b
		c.address++
	case c.got > 1:
		c.wrong = append(c.wrong, fmt.Sprintf("byte %x to address %d", b, c.address))
	case b == 0x40:
		c.fixed = false
	case b&0xC0 == 0xC0:
		c.address = int(b & 0x0F)
	case b&0xF0 == 0x80:
		c.on, c.brightness = b&8 != 0, b&7
	default:
		c.wrong = append(c.wrong, fmt.Sprintf("command %x", b))
	}
	c.history = append(c.history, c.lit())
}

func (c *tmChip) lit() (lit uint64) {
	if !c.on {
		return 0
	}
	for i, b := range c.ram {
		lit |= uint64(b) << (8 * i)
	}
	return lit
}

// maxChip is a MAX7219 on SPI (data sheet 19-4452).
type maxChip struct {
	register [16]byte
	history  []uint64
	wrong    []string
	fail     error
	once     bool // fail is over after one time
	closed   int
}

// newMaxChip has the registers that a chip may have when a process was killed: it
// shows something.
func newMaxChip() *maxChip {
	c := &maxChip{}
	for i := 1; i <= 8; i++ {
		c.register[i] = 3
	}
	c.register[9], c.register[11], c.register[12] = 0xFF, 7, 1
	return c
}

func (c *maxChip) String() string                                            { return "a fake MAX7219" }
func (c *maxChip) Close() error                                              { c.closed++; return nil }
func (c *maxChip) LimitSpeed(physic.Frequency) error                         { return nil }
func (c *maxChip) Connect(physic.Frequency, spi.Mode, int) (spi.Conn, error) { return c, nil }
func (c *maxChip) Duplex() conn.Duplex                                       { return conn.Half }
func (c *maxChip) TxPackets([]spi.Packet) error                              { return errors.New("not used") }

func (c *maxChip) Tx(w, _ []byte) error {
	if err := c.fail; err != nil {
		if c.once {
			c.fail = nil
		}
		return err
	}
	if len(w) != 2 || w[0]&0xF0 != 0 {
		c.wrong = append(c.wrong, fmt.Sprintf("% x", w))
		return nil
	}
	c.register[w[0]] = w[1]
	c.history = append(c.history, c.lit())
	return nil
}

// codeB are the figures that the chip knows (data sheet, table 5).
var codeB = [16]string{"ABCDEF", "BC", "ABDEG", "ABCDG", "BCFG", "ACDFG", "ACDEFG", "ABC", "ABCDEFG", "ABCDFG", "G", "ADEFG", "BCEFG", "DEF", "ABEFG", ""}

// lit has the row or digit of register 8 in its lowest byte: that is the uppermost
// row, or the leftmost digit.
func (c *maxChip) lit() (lit uint64) {
	if c.register[12]&1 == 0 {
		return 0
	}
	if c.register[15]&1 == 1 {
		return ^uint64(0)
	}
	for i := range 8 {
		digit := 8 - i
		if digit-1 > int(c.register[11]&7) {
			continue
		}
		b := c.register[digit]
		if c.register[9]>>(digit-1)&1 == 1 {
			b = segmentBits(codeB[b&0x0F], maxOrder) | b&0x80
		}
		lit |= uint64(b) << (8 * i)
	}
	return lit
}
