package digits

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"periph.io/x/conn/v3/conntest"
	"periph.io/x/conn/v3/spi/spitest"

	"lungbox/daemon/panel"
	"lungbox/daemon/panel/paneltest"
	"lungbox/ensemble"
)

func display(t *testing.T, s screen, err error) *Display {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDisplay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func understood(t *testing.T, wrong *[]string) {
	t.Cleanup(func() {
		if len(*wrong) > 0 {
			t.Errorf("the chip did not understand %q", *wrong)
		}
	})
}

func TestTM1637(t *testing.T) {
	fixture := func(t *testing.T, position int) paneltest.SignFixture {
		c := &tmChip{ram: [6]byte{6, 6, 6, 6, 6, 6}, on: true} // left by a process that was killed
		understood(t, &c.wrong)
		s, err := newSegments(c.wires(), position)
		return paneltest.SignFixture{
			Driver:  display(t, s, err),
			Lit:     c.lit,
			History: func() []uint64 { return c.history },
			Lights:  func(s panel.Sign) uint64 { return onDigit(s, tmOrder, position, 6) },
		}
	}
	paneltest.RunSigns(t, func(t *testing.T) paneltest.SignFixture { return fixture(t, 3) })
	for position := range 6 { // the whole suite takes seconds: the library waits after each bit
		f := fixture(t, position)
		if err := f.Driver.Show(panel.Bar(2)); err != nil || f.Lit() != f.Lights("2") {
			t.Errorf("digit %d: %v, %x is lit", position, err, f.Lit())
		}
	}
}

func TestMAX7219(t *testing.T) {
	for _, position := range []int{0, 4, 7} {
		t.Run(fmt.Sprintf("digit %d", position), func(t *testing.T) {
			paneltest.RunSigns(t, func(t *testing.T) paneltest.SignFixture {
				c := newMaxChip()
				understood(t, &c.wrong)
				s, err := newRegisters(&spitest.Record{Port: c}, position)
				return paneltest.SignFixture{
					Driver:  display(t, s, err),
					Lit:     c.lit,
					History: func() []uint64 { return c.history },
					Lights:  func(s panel.Sign) uint64 { return onDigit(s, maxOrder, position, 8) },
				}
			})
		})
	}
}

// pictures of the matrix, seven rows; the eighth is dark.
var pictures = map[panel.Sign]string{
	panel.Dash:  "........ ........ ........ .oooooo. ........ ........ ........ ........",
	"0":         ".ooooo.. oo..ooo. oo.oooo. oooo.oo. ooo..oo. oo...oo. .ooooo.. ........",
	"1":         "...oo... ..ooo... ...oo... ...oo... ...oo... ...oo... .oooooo. ........",
	"2":         ".ooooo.. oo...oo. .....oo. .ooooo.. oo...... oo...... ooooooo. ........",
	"3":         "oooooo.. .....oo. .....oo. ..oooo.. .....oo. .....oo. oooooo.. ........",
	panel.Eight: strings.Repeat("oooooooo ", 8),
}

// picture packs rows: the lowest byte is the uppermost row, its lowest bit the
// leftmost light.
func picture(s panel.Sign) (lit uint64) {
	for y, row := range strings.Fields(pictures[s]) {
		for x, c := range row {
			if c == 'o' {
				lit |= 1 << (8*y + x)
			}
		}
	}
	return lit
}

// moved moves every light.
func moved(lit uint64, to func(x, y int) (int, int)) (m uint64) {
	for i := range 64 {
		if lit>>i&1 == 1 {
			x, y := to(i%8, i/8)
			m |= 1 << (8*y + x)
		}
	}
	return m
}

func TestMatrix(t *testing.T) {
	clockwise := func(x, y int) (int, int) { return 7 - y, x }
	for turns := range 4 {
		for _, mirror := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d turns, mirror %v", turns, mirror), func(t *testing.T) {
				paneltest.RunSigns(t, func(t *testing.T) paneltest.SignFixture {
					c := newMaxChip()
					understood(t, &c.wrong)
					s, err := newMatrix(&spitest.Record{Port: c}, turns, mirror)
					return paneltest.SignFixture{
						Driver:  display(t, s, err),
						Lit:     c.lit,
						History: func() []uint64 { return c.history },
						Lights: func(s panel.Sign) uint64 {
							lit := picture(s)
							for range turns {
								lit = moved(lit, clockwise)
							}
							if mirror {
								lit = moved(lit, func(x, y int) (int, int) { return 7 - x, y })
							}
							return lit
						},
					}
				})
			})
		}
	}
}

// No dead light makes one score, or the dash, out of another.
func TestDeadLight(t *testing.T) {
	for name, lights := range map[string]func(panel.Sign) uint64{
		"seven segments": func(s panel.Sign) uint64 { return onDigit(s, tmOrder, 0, 1) },
		"matrix":         picture,
	} {
		for sign := range figures {
			for other := range figures {
				all, fewer := lights(sign), lights(other)
				if fewer != 0 && fewer&^all == 0 && bits.OnesCount64(all^fewer) == 1 {
					t.Errorf("%s: %q with a dead light looks like %q", name, sign, other)
				}
			}
		}
	}
}

// The bytes that the data sheet asks for, in periph's playback.
func TestMAX7219Bytes(t *testing.T) {
	settings := [][]byte{{0x0F, 0}, {0x0B, 7}, {0x09, 0xFF}, {0x0A, 15}}
	digits := func(second byte) (all [][]byte) {
		for i := byte(8); i > 0; i-- {
			b := byte(0x0F)
			if i == 7 {
				b = second
			}
			all = append(all, []byte{i, b})
		}
		return all
	}
	on := [][]byte{{0x0C, 1}}
	p := &spitest.Playback{Playback: conntest.Playback{DontPanic: true}}
	for _, part := range [][][]byte{
		{{0x0F, 0}, {0x0C, 0}, {0x0A, 8}, {0x0B, 7}, {0x0C, 1}, {0x09, 0xFF}}, digits(0x0F), {{0x0C, 0}}, // the library's start
		settings, digits(0x0F), on,
		settings, digits(2), on,
		settings, digits(0x0A), on,
		settings, digits(0x0F), on,
	} {
		for _, w := range part {
			p.Ops = append(p.Ops, conntest.IO{W: w})
		}
	}
	s, err := newRegisters(p, 1)
	d := display(t, s, err)
	for _, l := range []panel.Lamps{panel.Bar(2), panel.Bar(ensemble.None)} {
		if err := d.Show(l); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil { // the playback says what was not sent
		t.Error(err)
	}
}

func TestBrightness(t *testing.T) {
	tm, mx := &tmChip{}, newMaxChip()
	s, err := newSegments(tm.wires(), 0)
	first := display(t, s, err)
	s, err = newRegisters(mx, 0)
	second := display(t, s, err)
	for _, test := range []struct {
		level   float64
		tm, max byte
	}{{1, 7, 15}, {0, 0, 0}, {0.5, 4, 8}, {0.04, 0, 1}, {0.2, 1, 3}} {
		for _, d := range []*Display{first, second} {
			if err := d.Show(panel.Bar(3)); err != nil {
				t.Fatal(err)
			}
			if err := panel.Dimmer(d).SetBrightness(test.level); err != nil {
				t.Fatal(err)
			}
		}
		for _, when := range []string{"at once", "later"} {
			if tm.brightness != test.tm || mx.register[10] != test.max {
				t.Errorf("%v, %s: %d and %d, want %d and %d", test.level, when, tm.brightness, mx.register[10], test.tm, test.max)
			}
			if tm.lit() != onDigit("3", tmOrder, 0, 6) || mx.lit() != onDigit("3", maxOrder, 0, 8) {
				t.Errorf("%v, %s: the score changed", test.level, when)
			}
			_, _ = first.Show(panel.Bar(3)), second.Show(panel.Bar(3))
		}
	}
	for _, level := range []float64{-0.01, 1.01, math.NaN(), math.Inf(1)} {
		if first.SetBrightness(level) == nil {
			t.Errorf("brightness %v is accepted", level)
		}
	}
	first.Close()
	if err := first.SetBrightness(1); !errors.Is(err, panel.ErrClosed) || tm.lit() != 0 {
		t.Errorf("after Close: %v", err)
	}
}

// What a chip forgets without power, Show tells it again.
func TestDisplayLosesPower(t *testing.T) {
	tm, mx := &tmChip{}, newMaxChip()
	s, err := newSegments(tm.wires(), 0)
	first := display(t, s, err)
	s, err = newRegisters(mx, 0)
	second := display(t, s, err)
	_, _ = first.Show(panel.Bar(1)), second.Show(panel.Bar(1))
	tm.ram, tm.on = [6]byte{}, false
	mx.register = [16]byte{15: 1} // noise may have switched the test on
	if err := errors.Join(first.Show(panel.Bar(1)), second.Show(panel.Bar(1))); err != nil {
		t.Fatal(err)
	}
	if tm.lit() != onDigit("1", tmOrder, 0, 6) || mx.lit() != onDigit("1", maxOrder, 0, 8) {
		t.Errorf("%x, %x", tm.lit(), mx.lit())
	}
}

// The library forgets errors of lines and of its start; the drivers must not.
func TestErrorsAreSeen(t *testing.T) {
	broken := errors.New("broken")
	tm := &tmChip{}
	s, err := newSegments(tm.wires(), 0)
	d := display(t, s, err)
	tm.fail = broken
	if err := d.Show(panel.Bar(1)); !errors.Is(err, broken) {
		t.Errorf("TM1637: %v", err)
	}
	tm.fail = nil
	if err := d.Show(panel.Bar(1)); err != nil {
		t.Errorf("TM1637 after an error: %v", err)
	}

	mx := newMaxChip()
	for _, once := range []bool{false, true} {
		mx.fail, mx.once, mx.closed = broken, once, 0
		if _, err := newRegisters(mx, 0); !errors.Is(err, broken) || mx.closed != 1 {
			t.Errorf("MAX7219 at start: %v, closed %d times", err, mx.closed)
		}
	}
	mx.fail, mx.once = nil, false
	s, err = newRegisters(mx, 0)
	d = display(t, s, err)
	mx.fail = broken
	if err := d.Show(panel.Bar(1)); !errors.Is(err, broken) {
		t.Errorf("MAX7219: %v", err)
	}
	if err := d.Close(); !errors.Is(err, broken) || mx.closed != 2 {
		t.Errorf("MAX7219 at the end: %v, closed %d times", err, mx.closed)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{}, `give "tm1637", "max7219" or "max7219-matrix"`},
		{Config{Chip: TM1637, Position: 6}, "give 0 to 5"},
		{Config{Chip: MAX7219, Position: -1}, "give 0 to 7"},
		{Config{Chip: MAX7219Matrix, Turns: 4}, "give 0 to 3"},
		{Config{Chip: TM1637, GPIO: "no-such-chip", Clock: "1", Data: "2"}, `no GPIO chip "no-such-chip"`},
		{Config{Chip: MAX7219, SPI: "/dev/spidev99.0"}, `no SPI device "/dev/spidev99.0"`},
		{Config{Chip: MAX7219, SPI: file}, "is no SPI device"},
		{Config{Chip: MAX7219}, `"" is no SPI device`},
	} {
		for name, err := range map[string]error{"Open": second(Open(test.config)), "Blank": Blank(test.config)} {
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s of %+v: %v", name, test.config, err)
			}
		}
	}
}

func second(_ panel.Driver, err error) error { return err }

// realChip names a GPIO chip of this machine; two of its free lines will be used as
// if a TM1637 were on them.
const realChip = "LUNGBOX_TEST_GPIOCHIP"

func TestRealLines(t *testing.T) {
	name := os.Getenv(realChip)
	if name == "" {
		t.Skipf("%s is not set: there is no real GPIO chip to test on", realChip)
	}
	chip, err := findChip(name)
	if err != nil {
		t.Fatal(err)
	}
	var free []string
	for o := range chip.Lines() {
		if info, err := chip.LineInfo(o); err == nil && !info.Used {
			free = append(free, fmt.Sprint(o))
		}
	}
	chip.Close()
	if len(free) < 2 {
		t.Fatalf("%s has only %d free lines", name, len(free))
	}
	c := Config{Chip: TM1637, GPIO: name, Clock: free[0], Data: free[1]}
	d, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := Blank(c); err == nil || !strings.Contains(err.Error(), `used by "lungbox"`) {
		t.Errorf("lines in use: %v", err)
	}
	for s := range ensemble.Score(ensemble.Scores) {
		if err := d.Show(panel.Bar(s)); err != nil {
			t.Error(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	c.Data = "999"
	if _, err := Open(c); err == nil || !strings.Contains(err.Error(), "no line 999") {
		t.Errorf("no such line: %v", err)
	}
	if err := Blank(Config{Chip: TM1637, GPIO: name, Clock: free[0], Data: free[1]}); err != nil {
		t.Error(err)
	}
}
