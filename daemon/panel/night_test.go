package panel

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

func at(t *testing.T, text string) Clock {
	t.Helper()
	c, err := ParseClock(text)
	if err != nil {
		t.Fatal(err)
	}
	if c.String() != text {
		t.Errorf("%q is written as %q", text, c)
	}
	return c
}

func TestNight(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("no time zones on this machine: %v", err)
	}
	tests := []struct {
		name, from, to string
		now            string // with the offset that the clock in Berlin has then
		dim            bool
	}{
		{"in one day, before", "13:00", "15:00", "2026-07-01T12:59:59+02:00", false},
		{"in one day, begins", "13:00", "15:00", "2026-07-01T13:00:00+02:00", true},
		{"in one day, last second", "13:00", "15:00", "2026-07-01T14:59:59+02:00", true},
		{"in one day, ends", "13:00", "15:00", "2026-07-01T15:00:00+02:00", false},
		{"over midnight, before", "22:00", "06:00", "2026-07-01T21:59:00+02:00", false},
		{"over midnight, evening", "22:00", "06:00", "2026-07-01T22:00:00+02:00", true},
		{"over midnight, midnight", "22:00", "06:00", "2026-07-02T00:00:00+02:00", true},
		{"over midnight, morning", "22:00", "06:00", "2026-07-02T05:59:59+02:00", true},
		{"over midnight, ends", "22:00", "06:00", "2026-07-02T06:00:00+02:00", false},
		{"until midnight", "20:00", "00:00", "2026-07-01T23:59:59+02:00", true},
		{"until midnight, ends", "20:00", "00:00", "2026-07-02T00:00:00+02:00", false},
		{"no night", "00:00", "00:00", "2026-07-02T00:00:00+02:00", false},
		{"the clock of another place", "22:00", "06:00", "2026-07-01T20:00:00Z", true},
		// 29 March 2026: 02:00 is followed by 03:00.
		{"spring, last minute", "22:00", "02:30", "2026-03-29T01:59:00+01:00", true},
		{"spring, an end that never comes", "22:00", "02:30", "2026-03-29T03:00:00+02:00", false},
		{"spring, a beginning that never comes", "02:30", "06:00", "2026-03-29T03:00:00+02:00", true},
		{"spring, seven hours of night", "22:00", "06:00", "2026-03-29T05:59:00+02:00", true},
		{"spring, ends", "22:00", "06:00", "2026-03-29T06:00:00+02:00", false},
		// 25 October 2026: 02:00 to 03:00 comes twice.
		{"autumn, first 02:15", "02:00", "02:30", "2026-10-25T02:15:00+02:00", true},
		{"autumn, first 02:45", "02:00", "02:30", "2026-10-25T02:45:00+02:00", false},
		{"autumn, second 02:15", "02:00", "02:30", "2026-10-25T02:15:00+01:00", true},
		{"autumn, ends", "22:00", "06:00", "2026-10-25T06:00:00+01:00", false},
		{"autumn, nine hours of night", "22:00", "06:00", "2026-10-25T05:59:00+01:00", true},
	}
	for _, test := range tests {
		now, err := time.Parse(time.RFC3339, test.now)
		if err != nil {
			t.Fatal(err)
		}
		n := Night{From: at(t, test.from), To: at(t, test.to), Level: 0.25, Place: berlin}
		if err := n.Check(); err != nil {
			t.Fatal(err)
		}
		want := 1.0
		if test.dim {
			want = 0.25
		}
		if got := n.Brightness(now); got != want {
			t.Errorf("%s: %v at %s, want %v", test.name, got, test.now, want)
		}
	}
	if got := (Night{}).Brightness(epoch); got != 1 {
		t.Errorf("the zero night has brightness %v", got)
	}
}

func TestNightSettings(t *testing.T) {
	for _, text := range []string{"", "25:00", "22", "22:60", "-1:00", "10pm"} {
		if c, err := ParseClock(text); err == nil {
			t.Errorf("%q is taken for %v", text, c)
		}
	}
	for _, n := range []Night{{From: -1}, {To: 24 * 60}, {Level: -0.1}, {Level: 1.1}, {Level: math.NaN()}} {
		if n.Check() == nil {
			t.Errorf("%+v is accepted", n)
		}
	}
}

// lamp is a simulated panel with a brightness.
type lamp struct {
	Simulated
	levels []float64
	fail   error
}

func (l *lamp) SetBrightness(level float64) error {
	l.levels = append(l.levels, level)
	return l.fail
}

func TestDim(t *testing.T) {
	var l lamp
	now := time.Date(2026, 7, 1, 21, 59, 58, 0, time.UTC)
	d := Dim(&l, Night{From: 22 * 60, To: 6 * 60, Level: 0.1, Place: time.UTC}, func() time.Time { return now })
	show := func() error {
		now = now.Add(time.Second)
		return d.Show(Bar(2))
	}
	for range 5 {
		if err := show(); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(l.levels, []float64{1, 0.1}) {
		t.Errorf("set to %v", l.levels)
	}

	now = now.Add(8 * time.Hour)
	l.fail = errors.New("no answer")
	l.levels = nil
	for range 2 {
		if err := show(); !errors.Is(err, l.fail) {
			t.Errorf("an error of the dimmer becomes %v", err)
		}
	}
	if l.Lamps() != Bar(2) || len(l.levels) != 2 {
		t.Errorf("%v is lit, %v set after errors", l.Lamps(), l.levels)
	}
	l.fail = nil
	if err := show(); err != nil || !slices.Equal(l.levels, []float64{1, 1, 1}) {
		t.Errorf("after the error: %v, %v", err, l.levels)
	}
	if err := d.Close(); err != nil || l.Lamps() != (Lamps{}) {
		t.Errorf("Close: %v, %v", err, l.Lamps())
	}

	var s Simulated
	if Dim(&s, Night{}, nil) != Driver(&s) {
		t.Error("a driver that cannot be dimmed is wrapped")
	}
}
