package paneltest

import (
	"errors"
	"fmt"
	"math/bits"
	"testing"

	"lungbox/daemon/panel"
	"lungbox/ensemble"
)

// SignFixture is a driver on a display that shows signs: it has too few lights for
// all 32 patterns of lamps, or tells a score in another way than by a bar of four.
type SignFixture struct {
	Driver panel.Driver
	// Lit is which lights of the display are lit now, a bit each.
	Lit func() uint64
	// History is every state that the display has been in, oldest first, repeats
	// allowed; nil where that cannot be seen.
	History func() []uint64
	// Lights is what must be lit for a sign, from a table that is not the driver's.
	Lights func(panel.Sign) uint64
}

// RunSigns puts the driver of a display through its suite: Run with the patterns
// that panel.Indicator has. open is as for Run.
func RunSigns(t *testing.T, open func(t *testing.T) SignFixture) {
	t.Helper()
	for _, c := range signChecks {
		t.Run(c.name, func(t *testing.T) {
			f := open(t)
			defer f.Driver.Close()
			if err := c.check(f); err != nil {
				t.Error(err)
			}
		})
	}
}

var signChecks = [...]struct {
	name  string
	check func(SignFixture) error
}{
	{"blank when opened", startsBlank},
	{"scores, no score and blank differ", differ},
	{"shows every sign after every other", showsSigns},
	{"shows nothing for lamps that stand for nothing", refuses},
	{"every light changes at most once", steadySigns},
	{"blank when closed", closesBlank},
}

// signed are the lamps that stand for a sign.
func signed() (all []panel.Lamps) {
	for _, l := range patterns() {
		if _, ok := panel.SignOf(l); ok {
			all = append(all, l)
		}
	}
	return all
}

func (f SignFixture) show(l panel.Lamps) error {
	if err := f.Driver.Show(l); err != nil {
		return fmt.Errorf("show %v: %w", l, err)
	}
	sign, _ := panel.SignOf(l)
	return f.reads(sign)
}

func (f SignFixture) reads(sign panel.Sign) error {
	if lit, want := f.Lit(), f.Lights(sign); lit != want {
		return fmt.Errorf("lights %x are lit, want %x for %q", lit, want, sign)
	}
	return nil
}

func startsBlank(f SignFixture) error { return f.reads(panel.Blank) }

func differ(f SignFixture) error {
	if lit := f.Lights(panel.Blank); lit != 0 {
		return fmt.Errorf("lights %x are lit for a blank display", lit)
	}
	meaning := map[uint64]panel.Sign{}
	for _, sign := range []panel.Sign{panel.Blank, panel.Dash, "0", "1", "2", "3"} {
		lights := f.Lights(sign)
		if other, taken := meaning[lights]; taken {
			return fmt.Errorf("%q and %q have the same lights %x", sign, other, lights)
		}
		meaning[lights] = sign
	}
	return nil
}

func showsSigns(f SignFixture) error {
	for _, from := range signed() {
		for _, to := range signed() {
			for _, l := range []panel.Lamps{from, to, to} {
				if err := f.show(l); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func refuses(f SignFixture) error {
	for _, l := range patterns() {
		if _, ok := panel.SignOf(l); ok {
			continue
		}
		if err := f.show(panel.Bar(2)); err != nil {
			return err
		}
		if err := f.Driver.Show(l); !errors.Is(err, panel.ErrNoSign) {
			return fmt.Errorf("show %v gives %w, want panel.ErrNoSign", l, err)
		}
		if err := f.reads(panel.Blank); err != nil {
			return fmt.Errorf("after %v: %w", l, err)
		}
	}
	return f.show(panel.Bar(2))
}

// steadySigns: see steady.
func steadySigns(f SignFixture) error {
	if f.History == nil {
		return nil
	}
	for _, from := range signed() {
		for _, to := range signed() {
			if err := f.show(from); err != nil {
				return err
			}
			seen, was := len(f.History()), f.Lit()
			if err := f.show(to); err != nil {
				return err
			}
			way := append([]uint64{was}, f.History()[seen:]...)
			changed := 0
			for i := 1; i < len(way); i++ {
				changed += bits.OnesCount64(way[i] ^ way[i-1])
			}
			if needed := bits.OnesCount64(f.Lit() ^ was); changed != needed {
				return fmt.Errorf("from %v to %v lights changed %d times, %d needed: %x", from, to, changed, needed, way)
			}
		}
	}
	return nil
}

func closesBlank(f SignFixture) error {
	if err := f.show(panel.Bar(ensemble.Scores - 1)); err != nil {
		return err
	}
	for _, call := range []string{"first", "second"} {
		if err := f.Driver.Close(); err != nil {
			return fmt.Errorf("%s Close: %w", call, err)
		}
		if err := f.reads(panel.Blank); err != nil {
			return fmt.Errorf("after the %s Close: %w", call, err)
		}
	}
	if err := f.Driver.Show(panel.Bar(1)); !errors.Is(err, panel.ErrClosed) {
		return fmt.Errorf("Show after Close gives %w, want panel.ErrClosed", err)
	}
	return f.reads(panel.Blank)
}
