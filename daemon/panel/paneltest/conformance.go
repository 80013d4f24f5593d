package paneltest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"lungbox/daemon/panel"
	"lungbox/ensemble"
)

// Fixture is a driver on hardware that can be looked at: a simulated chip, the far
// end of a serial line.
type Fixture struct {
	Driver panel.Driver
	// Lit is what the hardware shows now.
	Lit func() panel.Lamps
	// History is every state that the hardware has been in, oldest first, repeats
	// allowed; nil where that cannot be seen.
	History func() []panel.Lamps
}

// Run puts a driver through the whole suite. open gives a fixture with a fresh
// driver, closed by nobody, each time.
func Run(t *testing.T, open func(t *testing.T) Fixture) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			f := open(t)
			defer f.Driver.Close()
			if err := c.check(f); err != nil {
				t.Error(err)
			}
		})
	}
}

// checks is what a driver must do; see panel.Driver.
var checks = [...]struct {
	name  string
	check func(Fixture) error
}{
	{"dark when opened", startsDark},
	{"shows every pattern", showsEvery},
	{"shows the same again", showsAgain},
	{"every lamp changes at most once", steady},
	{"dark when closed", closes},
}

// patterns are all 32 combinations of lamps.
func patterns() (all []panel.Lamps) {
	for bits := range 1 << (ensemble.Scores + 1) {
		var l panel.Lamps
		for i := range l.Score {
			l.Score[i] = bits>>i&1 == 1
		}
		l.Live = bits>>ensemble.Scores == 1
		all = append(all, l)
	}
	return all
}

func startsDark(f Fixture) error {
	if lit := f.Lit(); lit != (panel.Lamps{}) {
		return fmt.Errorf("%v is lit before the first Show", lit)
	}
	return nil
}

func showsEvery(f Fixture) error {
	for _, l := range patterns() {
		if err := f.Driver.Show(l); err != nil {
			return fmt.Errorf("show %v: %w", l, err)
		}
		if lit := f.Lit(); lit != l {
			return fmt.Errorf("%v is lit, want %v", lit, l)
		}
	}
	return nil
}

func showsAgain(f Fixture) error {
	for range 3 {
		if err := f.Driver.Show(panel.Bar(2)); err != nil {
			return fmt.Errorf("show the same again: %w", err)
		}
		if lit := f.Lit(); lit != panel.Bar(2) {
			return fmt.Errorf("%v is lit, want %v", lit, panel.Bar(2))
		}
	}
	return nil
}

// steady: on the way from one pattern to another a lamp may change once or not at
// all, so none flashes, and showing what is shown already changes nothing.
func steady(f Fixture) error {
	if f.History == nil {
		return nil
	}
	for _, from := range patterns() {
		for _, to := range []panel.Lamps{{}, panel.Bar(ensemble.None), panel.Bar(0), panel.Bar(3), from} {
			if err := f.Driver.Show(from); err != nil {
				return fmt.Errorf("show %v: %w", from, err)
			}
			seen := len(f.History())
			if err := f.Driver.Show(to); err != nil {
				return fmt.Errorf("show %v: %w", to, err)
			}
			way := append([]panel.Lamps{from}, f.History()[seen:]...)
			if !slices.Equal(changes(append(way, to)), changes([]panel.Lamps{from, to})) {
				return fmt.Errorf("from %v to %v a lamp changed more often than needed: %v", from, to, way)
			}
		}
	}
	return nil
}

// changes counts how often each lamp changes.
func changes(way []panel.Lamps) []int {
	n := make([]int, ensemble.Scores+1)
	for i := 1; i < len(way); i++ {
		for lamp := range way[i].Score {
			if way[i].Score[lamp] != way[i-1].Score[lamp] {
				n[lamp]++
			}
		}
		if way[i].Live != way[i-1].Live {
			n[ensemble.Scores]++
		}
	}
	return n
}

func closes(f Fixture) error {
	if err := f.Driver.Show(panel.Bar(3)); err != nil {
		return fmt.Errorf("show: %w", err)
	}
	for _, call := range []string{"first", "second"} {
		if err := f.Driver.Close(); err != nil {
			return fmt.Errorf("%s Close: %w", call, err)
		}
		if lit := f.Lit(); lit != (panel.Lamps{}) {
			return fmt.Errorf("%v is lit after the %s Close", lit, call)
		}
	}
	if err := f.Driver.Show(panel.Bar(1)); !errors.Is(err, panel.ErrClosed) {
		return fmt.Errorf("Show after Close gives %w, want panel.ErrClosed", err)
	}
	if lit := f.Lit(); lit != (panel.Lamps{}) {
		return fmt.Errorf("%v is lit after Close and Show", lit)
	}
	return nil
}
