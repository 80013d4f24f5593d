package serial

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lungbox/ensemble"
)

// Protocol says what a tower understands.
type Protocol string

// Protocols, see the package documentation.
const (
	Relay    Protocol = "relay"
	Adafruit Protocol = "adafruit"
	Custom   Protocol = "custom"
)

const lamps = ensemble.Scores + 1 // of panel.Lamps: four scores, then live

// Config says which tower there is.
type Config struct {
	// Port is the device. /dev/serial/by-id/… stays the same whatever else is
	// plugged in; /dev/ttyUSB0 does not.
	Port     string
	Protocol Protocol
	// Channels of a relay tower, 1 to 255: of lamps 0 to 3, then of the live lamp.
	// All 0 means 1 to 5.
	Channels [lamps]int
	// RedBelow says that an Adafruit tower has red at the bottom and green at the
	// top, as when it hangs from the ceiling.
	RedBelow bool
	// Baud of a custom tower, 2400 or more; 0 means 9600. Always 8 bits, no parity, 1 stop bit.
	Baud int
	// Table of a custom tower.
	Table Table
	// Gap is a pause after each frame, for boards that miss a frame that follows
	// another closely. 0 to 50 ms.
	Gap time.Duration
}

// Table is what a custom tower understands: bytes in hexadecimal such as "A0 01 01
// A2". Sending the same twice must do the same as sending it once.
type Table struct {
	Score  [ensemble.Scores]Switch
	Live   Switch
	AllOff string // switches everything off; "" if each lamp must be told
}

// Switch is what switches one lamp.
type Switch struct{ On, Off string }

// table is what a driver works with: lights, the lowest first.
type table struct {
	baud   int
	gap    time.Duration
	lights []light
	allOff [][]byte
	three  bool // three lights, not five lamps
}

// light has the bytes that switch it.
type light struct{ on, off []byte }

// table checks the settings.
func (c Config) table() (table, error) {
	t := table{baud: 9600, gap: c.Gap}
	if c.Port == "" {
		return t, fmt.Errorf("no serial port is given: %s", list())
	}
	if c.Gap < 0 || c.Gap > 50*time.Millisecond {
		return t, fmt.Errorf("gap %v between frames: give 0 to 50ms", c.Gap)
	}
	var err error
	switch c.Protocol {
	case Relay:
		t.lights, err = relays(c.Channels)
	case Adafruit:
		t.three = true
		t.lights = []light{{[]byte{0x14}, []byte{0x24}}, {[]byte{0x12}, []byte{0x22}}, {[]byte{0x11}, []byte{0x21}}}
		if c.RedBelow {
			slices.Reverse(t.lights)
		}
		t.allOff = [][]byte{{0x28}} // a buzzer that somebody else left on
	case Custom:
		if c.Baud != 0 {
			t.baud = c.Baud
		}
		if t.baud < slowest {
			return t, fmt.Errorf("%d baud: give %d or more, a slower line cannot follow", c.Baud, slowest)
		}
		if c.Table.AllOff != "" {
			off, err := parse(c.Table.AllOff)
			if err != nil {
				return t, fmt.Errorf("all off: %w", err)
			}
			t.allOff = [][]byte{off}
		}
		t.lights, err = c.Table.lights()
	default:
		err = fmt.Errorf("protocol %q: give %q, %q or %q", c.Protocol, Relay, Adafruit, Custom)
	}
	if c.Protocol != Custom || c.Table.AllOff == "" {
		for _, l := range slices.Backward(t.lights) {
			t.allOff = append(t.allOff, l.off)
		}
	}
	return t, err
}

func relays(channels [lamps]int) (lights []light, err error) {
	if channels == [lamps]int{} {
		channels = [lamps]int{1, 2, 3, 4, 5}
	}
	for i, ch := range channels {
		if ch < 1 || ch > 255 {
			return nil, fmt.Errorf("channel %d of %s: give 1 to 255", ch, lampName(i))
		}
		if other := slices.Index(channels[:i], ch); other >= 0 {
			return nil, fmt.Errorf("%s and %s have the same channel %d: give each its own", lampName(other), lampName(i), ch)
		}
		lights = append(lights, light{frame(byte(ch), 1), frame(byte(ch), 0)})
	}
	return lights, nil
}

func frame(channel, state byte) []byte {
	return []byte{0xA0, channel, state, 0xA0 + channel + state}
}

func (t Table) lights() (lights []light, err error) {
	taken := map[string]string{}
	for i, s := range append(t.Score[:], t.Live) {
		var l light
		for _, b := range []struct {
			name string
			text string
			into *[]byte
		}{{"on", s.On, &l.on}, {"off", s.Off, &l.off}} {
			name := lampName(i) + " " + b.name
			if *b.into, err = parse(b.text); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if other, again := taken[string(*b.into)]; again {
				return nil, fmt.Errorf("%s and %s have the same bytes % x: give each its own", other, name, *b.into)
			}
			taken[string(*b.into)] = name
		}
		lights = append(lights, l)
	}
	return lights, nil
}

func lampName(i int) string {
	if i == ensemble.Scores {
		return "live lamp"
	}
	return fmt.Sprintf("lamp %d", i)
}

// Ten frames must pass the line in less than a second.
const (
	longest = 16   // bytes of a frame
	slowest = 2400 // baud
)

func parse(text string) ([]byte, error) {
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is not hexadecimal: write bytes such as A0 01 01 A2", text)
	case len(b) == 0:
		return nil, errors.New("no bytes are given: write them such as A0 01 01 A2")
	case len(b) > longest:
		return nil, fmt.Errorf("%d bytes: at most %d are possible", len(b), longest)
	}
	return b, nil
}
