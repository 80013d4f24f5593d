package serial

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lungbox/daemon/panel"
	"lungbox/daemon/panel/paneltest"
)

// relayBoard decodes frames as a relay board does.
func relayBoard(channels [5]int) decoder {
	return func(b []byte) (int, int, bool, error) {
		if b[0] != 0xA0 {
			return 0, 0, false, errors.New("no start of a frame")
		}
		if len(b) < 4 {
			return 0, -1, false, nil
		}
		lamp := slices.Index(channels[:], int(b[1]))
		if lamp < 0 || b[2] > 1 || int(b[3]) != (int(b[0])+int(b[1])+int(b[2]))%256 {
			return 0, 0, false, errors.New("wrong channel, state or sum")
		}
		return 4, lamp, b[2] == 1, nil
	}
}

// adafruitTower decodes single bytes; lights from below are green, yellow, red.
func adafruitTower(b []byte) (int, int, bool, error) {
	switch b[0] {
	case 0x14, 0x12, 0x11:
		return 1, map[byte]int{0x14: 0, 0x12: 1, 0x11: 2}[b[0]], true, nil
	case 0x24, 0x22, 0x21:
		return 1, map[byte]int{0x24: 0, 0x22: 1, 0x21: 2}[b[0]], false, nil
	case 0x28:
		return 1, -1, false, nil
	}
	return 0, 0, false, errors.New("blinks, sounds or means nothing")
}

// letters is a custom tower: "A" to "E" and CR LF switch lamps on, "a" to "e" off.
var letters = Config{Protocol: Custom, Baud: 19200, Table: Table{
	Score: [4]Switch{{"41 0D 0A", "61 0d 0a"}, {"420D0A", "620D0A"}, {"43 0D 0A", "63 0D 0A"}, {"44 0D 0A", "64 0D 0A"}},
	Live:  Switch{"45 0D 0A", "65 0D 0A"},
}}

func lettersTower(b []byte) (int, int, bool, error) {
	if len(b) < 3 {
		return 0, -1, false, nil
	}
	on := strings.IndexByte("ABCDE", b[0])
	off := strings.IndexByte("abcde", b[0])
	if !bytes.Equal(b[1:3], []byte("\r\n")) || on+off == -2 {
		return 0, 0, false, errors.New("no letter with an end of line")
	}
	return 3, max(on, off), on >= 0, nil
}

func five(lit []bool) panel.Lamps { return panel.Lamps{Score: [4]bool(lit), Live: lit[4]} }

// tower opens a driver with its tower.
func newTower(t *testing.T, c Config, lights int, d decoder) (*line, panel.Driver) {
	t.Helper()
	l := newLine(t, lights, d)
	c.Port = l.path
	driver, err := open(c, l.dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { driver.Close() })
	return l, driver
}

func TestTowersOfFive(t *testing.T) {
	mixed := [5]int{3, 9, 255, 1, 2}
	for _, test := range []struct {
		name   string
		config Config
		tower  decoder
	}{
		{"relay", Config{Protocol: Relay}, relayBoard([5]int{1, 2, 3, 4, 5})},
		{"relay channels", Config{Protocol: Relay, Channels: mixed}, relayBoard(mixed)},
		{"custom", letters, lettersTower},
	} {
		t.Run(test.name, func(t *testing.T) {
			paneltest.Run(t, func(t *testing.T) paneltest.Fixture {
				l, d := newTower(t, test.config, 5, test.tower)
				return paneltest.Fixture{
					Driver: d,
					Lit:    func() panel.Lamps { return five(l.read()) },
					History: func() (all []panel.Lamps) {
						l.read()
						l.mu.Lock()
						defer l.mu.Unlock()
						for _, lit := range l.history {
							all = append(all, five(lit))
						}
						return all
					},
				}
			})
		})
	}
}

// threeLights is the table in the package documentation, the lowest light first.
var threeLights = map[panel.Sign]string{
	panel.Blank: "...", panel.Dash: ".o.", "0": "..o", "1": "o..", "2": "oo.", "3": "ooo", panel.Eight: "ooo",
}

func packed(lit []bool) (b uint64) {
	for i, on := range lit {
		if on {
			b |= 1 << i
		}
	}
	return b
}

func TestTowerOfThree(t *testing.T) {
	for _, redBelow := range []bool{false, true} {
		t.Run(fmt.Sprintf("red below %v", redBelow), func(t *testing.T) {
			paneltest.RunSigns(t, func(t *testing.T) paneltest.SignFixture {
				l, d := newTower(t, Config{Protocol: Adafruit, RedBelow: redBelow}, 3, adafruitTower)
				return paneltest.SignFixture{
					Driver: d,
					Lit:    func() uint64 { return packed(l.read()) },
					History: func() (all []uint64) {
						l.read()
						l.mu.Lock()
						defer l.mu.Unlock()
						for _, lit := range l.history {
							all = append(all, packed(lit))
						}
						return all
					},
					Lights: func(s panel.Sign) uint64 {
						var lit []bool
						for _, c := range threeLights[s] {
							lit = append(lit, c == 'o')
						}
						if redBelow {
							slices.Reverse(lit)
						}
						return packed(lit)
					},
				}
			})
		})
	}
}

// With five lamps as with three, only a bar that loses its top may become another
// score, a lower one by one, which the lamp test shows.
func TestDeadLampOfThree(t *testing.T) {
	for score, lights := range threeLights {
		for i := range lights {
			dead := lights[:i] + "." + lights[i+1:]
			for other, same := range threeLights {
				if dead == same && dead != lights && other >= "0" && other <= "3" && (score < "1" || score[0]-other[0] != 1) && score != panel.Eight {
					t.Errorf("%q with a dead lamp %d looks like %q", score, i, other)
				}
			}
		}
	}
}

// A bar that is being built or taken down is not live.
func TestBarIsLiveWhenFinished(t *testing.T) {
	l, d := newTower(t, Config{Protocol: Relay}, 5, relayBoard([5]int{1, 2, 3, 4, 5}))
	for _, lamps := range []panel.Lamps{panel.Bar(3), {}, panel.Bar(2), {}} {
		if err := d.Show(lamps); err != nil {
			t.Fatal(err)
		}
	}
	l.read()
	for _, lit := range l.seen() {
		if got := five(lit); got.Live && got != panel.Bar(3) && got != panel.Bar(2) {
			t.Errorf("%v on the way", got)
		}
	}
}

func TestPortSettings(t *testing.T) {
	for _, test := range []struct {
		config Config
		speed  uint32
	}{{Config{Protocol: Relay}, unix.B9600}, {letters, unix.B19200}} {
		l, d := newTower(t, test.config, 5, func(b []byte) (int, int, bool, error) { return len(b), -1, false, nil })
		s, err := unix.IoctlGetTermios(l.slave, unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if s.Cflag&unix.CBAUD != test.speed || s.Cflag&unix.CSIZE != unix.CS8 || s.Cflag&(unix.PARENB|unix.CSTOPB|unix.CRTSCTS) != 0 ||
			s.Oflag&unix.OPOST != 0 || s.Iflag&(unix.IXON|unix.IXOFF) != 0 {
			t.Errorf("%s: %+v", test.config.Protocol, s)
		}
		d.Close()
	}
}

// What is left lit by a process that was killed.
func TestBlank(t *testing.T) {
	l := newLine(t, 5, relayBoard([5]int{1, 2, 3, 4, 5}))
	l.mu.Lock()
	for i := range l.state {
		l.state[i] = true
	}
	l.mu.Unlock()
	if err := Blank(Config{Port: l.path, Protocol: Relay}); err != nil {
		t.Fatal(err)
	}
	l.written = 20
	if got := five(l.read()); got != (panel.Lamps{}) {
		t.Errorf("%v is lit", got)
	}
}

// A worker that is started later must not keep the port open.
func TestChildrenDoNotInheritThePort(t *testing.T) {
	if _, err := exec.LookPath("ls"); err != nil {
		t.Skip("no ls on this machine")
	}
	l, d := newTower(t, Config{Protocol: Relay}, 5, relayBoard([5]int{1, 2, 3, 4, 5}))
	if err := d.Show(panel.Bar(0)); err != nil {
		t.Fatal(err)
	}
	device, err := filepath.EvalSymlinks(l.path)
	if err != nil {
		t.Fatal(err)
	}
	mine := 0
	for _, file := range files() {
		if file == device {
			mine++
		}
	}
	out, err := exec.CommandContext(t.Context(), "ls", "-l", "/proc/self/fd").Output()
	if err != nil {
		t.Fatal(err)
	}
	if mine != 2 || strings.Contains(string(out), device+"\n") { // the test's and the driver's
		t.Errorf("%d files of the port here, in a child:\n%s", mine, out)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no port", func(c *Config) { c.Port = "" }, "no serial port is given"},
		{"no protocol", func(c *Config) { c.Protocol = "" }, `"relay", "adafruit" or "custom"`},
		{"channel", func(c *Config) { c.Protocol, c.Channels = Relay, [5]int{1, 2, 3, 4, 256} }, "channel 256 of live lamp"},
		{"channel 0", func(c *Config) { c.Protocol, c.Channels = Relay, [5]int{0, 1, 2, 3, 4} }, "channel 0 of lamp 0"},
		{"channel twice", func(c *Config) { c.Protocol, c.Channels = Relay, [5]int{1, 2, 3, 4, 2} }, "lamp 1 and live lamp"},
		{"gap", func(c *Config) { c.Gap = time.Second }, "gap 1s"},
		{"baud", func(c *Config) { c.Baud = 300 }, "300 baud"},
		{"no bytes", func(c *Config) { c.Table.Live.Off = "" }, "live lamp off: no bytes"},
		{"not hexadecimal", func(c *Config) { c.Table.Score[2].On = "A0 0G" }, `lamp 2 on: "A0 0G" is not hexadecimal`},
		{"half a byte", func(c *Config) { c.Table.AllOff = "A0 0" }, "all off: "},
		{"too long", func(c *Config) { c.Table.AllOff = strings.Repeat("00", 17) }, "17 bytes"},
		{"on is off", func(c *Config) { c.Table.Score[3].Off = c.Table.Score[3].On }, "lamp 3 on and lamp 3 off"},
		{"one lamp is another", func(c *Config) { c.Table.Live.On = c.Table.Score[0].On }, "lamp 0 on and live lamp on"},
	}
	for _, test := range tests {
		c := letters
		c.Port = "/dev/nothing"
		test.change(&c)
		_, err := Open(c)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestErrorsOfPorts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(t.TempDir(), "ttyUSB7"): "is the tower plugged in?",
		file:                                  "is no serial port",
	} {
		if err := Blank(Config{Port: path, Protocol: Relay}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestAllOffAndGap(t *testing.T) {
	c := letters
	c.Table.AllOff, c.Gap = "58", 5*time.Millisecond // "X"
	var got bytes.Buffer
	l, d := newTower(t, c, 5, func(b []byte) (int, int, bool, error) { got.Write(b); return len(b), -1, false, nil })
	if err := d.Show(panel.Bar(0)); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	l.read()
	l.mu.Lock()
	defer l.mu.Unlock()
	const want = "X" + "e\r\nd\r\nc\r\nb\r\na\r\n" + "d\r\nc\r\nb\r\nA\r\nE\r\n" + "X"
	if got.String() != want {
		t.Errorf("sent:\n%s", hex.Dump(got.Bytes()))
	}
}
