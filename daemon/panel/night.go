package panel

import (
	"fmt"
	"time"
)

// Dimmer is a driver whose light can be made weaker for a dark room.
type Dimmer interface {
	// SetBrightness takes 1 for the brightest light and 0 for the weakest that can
	// still be read: nothing is ever dimmed to darkness, because dark says that
	// there is nothing to trust. It holds for what is lit now and later. Other
	// levels are an error. The goroutine that calls Show calls it.
	SetBrightness(level float64) error
}

// Clock is a time of day on the clock on the wall, in minutes after midnight.
type Clock int

// day is how many minutes the clock on the wall shows.
const day Clock = 24 * 60

// ParseClock reads "22:30".
func ParseClock(text string) (Clock, error) {
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of day: write hours and minutes such as 22:30", text)
	}
	return clock(t), nil
}

func clock(t time.Time) Clock { return Clock(t.Hour()*60 + t.Minute()) }

// String writes the time as ParseClock reads it.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c/60, c%60) }

// Night says when a panel is dimmed: from one time of day to another, over midnight
// if From is later than To. The zero value never dims, nor does any night that ends
// when it begins.
//
// The clock on the wall counts, so a night is an hour shorter or longer when the
// clocks change. An hour that comes twice is dimmed twice or not at all.
type Night struct {
	From, To Clock
	Level    float64        // brightness at night, 0 to 1; see Dimmer
	Place    *time.Location // whose clock; nil means time.Local
}

// Check finds settings that mean nothing.
func (n Night) Check() error {
	for _, c := range []Clock{n.From, n.To} {
		if c < 0 || c >= day {
			return fmt.Errorf("night from %d to %d minutes after midnight: a day has times from 0 to %d", n.From, n.To, day-1)
		}
	}
	if !(n.Level >= 0 && n.Level <= 1) {
		return fmt.Errorf("brightness %v at night: give a number from 0 (weakest) to 1", n.Level)
	}
	return nil
}

// Brightness is the level at this time, 1 by day.
func (n Night) Brightness(now time.Time) float64 {
	place := n.Place
	if place == nil {
		place = time.Local
	}
	c := clock(now.In(place))
	in := n.From <= c && c < n.To
	if n.From > n.To {
		in = n.From <= c || c < n.To
	}
	if in {
		return n.Level
	}
	return 1
}

// Dim makes a driver weaker at night. A driver that is no [Dimmer] is returned as
// it is. now is the clock; nil means time.Now.
func Dim(d Driver, n Night, now func() time.Time) Driver {
	dimmer, can := d.(Dimmer)
	if !can {
		return d
	}
	if now == nil {
		now = time.Now
	}
	return &dimmed{Driver: d, dimmer: dimmer, night: n, now: now, level: -1}
}

type dimmed struct {
	Driver
	dimmer Dimmer
	night  Night
	now    func() time.Time
	level  float64 // that was set last; -1 before and after an error
}

// Show sets the brightness when it changes. A display that will not be dimmed
// still shows what it must.
func (d *dimmed) Show(l Lamps) error {
	var failed error
	if level := d.night.Brightness(d.now()); level != d.level {
		d.level = level
		if failed = d.dimmer.SetBrightness(level); failed != nil {
			d.level, failed = -1, fmt.Errorf("set the brightness: %w", failed)
		}
	}
	if err := d.Driver.Show(l); err != nil {
		return err
	}
	return failed
}
