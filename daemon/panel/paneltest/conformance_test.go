package paneltest

import (
	"errors"
	"testing"

	"lungbox/daemon/panel"
)

func TestRecorder(t *testing.T) {
	Run(t, func(*testing.T) Fixture {
		r := &Recorder{}
		return Fixture{Driver: r, Lit: r.Lamps, History: history(r)}
	})
}

func history(r *Recorder) func() []panel.Lamps {
	return func() (all []panel.Lamps) {
		for _, s := range r.Shown() {
			all = append(all, s.Lamps)
		}
		return all
	}
}

// wrong is a driver on a recorder with one thing done wrongly.
type wrong struct {
	*Recorder
	show  func(*Recorder, panel.Lamps) error
	close func(*Recorder) error
}

func (w wrong) Show(l panel.Lamps) error {
	if w.show != nil {
		return w.show(w.Recorder, l)
	}
	return w.Recorder.Show(l)
}

func (w wrong) Close() error {
	if w.close != nil {
		return w.close(w.Recorder)
	}
	return w.Recorder.Close()
}

// The suite must see these; a driver with any of them is not fit for a ward.
func TestSuiteFindsWrongDrivers(t *testing.T) {
	tests := []struct {
		name  string
		fails string // the check that must fail
		wrong wrong
		start func(*Recorder)
	}{
		{name: "lit at start", fails: "dark when opened", start: func(r *Recorder) { _ = r.Show(panel.Bar(0)) }},
		{name: "lamps mirrored", fails: "shows every pattern", wrong: wrong{show: func(r *Recorder, l panel.Lamps) error {
			for i := range 2 {
				l.Score[i], l.Score[3-i] = l.Score[3-i], l.Score[i]
			}
			return r.Show(l)
		}}},
		{name: "a dead lamp", fails: "shows every pattern", wrong: wrong{show: func(r *Recorder, l panel.Lamps) error {
			l.Score[2] = false
			return r.Show(l)
		}}},
		{name: "never darker", fails: "shows every pattern", wrong: wrong{show: func(r *Recorder, l panel.Lamps) error {
			for i, lit := range r.Lamps().Score {
				l.Score[i] = l.Score[i] || lit
			}
			return r.Show(l)
		}}},
		{name: "refuses repeats", fails: "shows the same again", wrong: wrong{show: func(r *Recorder, l panel.Lamps) error {
			if r.Lamps() == l {
				return errors.New("no change")
			}
			return r.Show(l)
		}}},
		{name: "dark in between", fails: "every lamp changes at most once", wrong: wrong{show: func(r *Recorder, l panel.Lamps) error {
			_ = r.Show(panel.Lamps{})
			return r.Show(l)
		}}},
		{name: "stays lit", fails: "dark when closed", wrong: wrong{close: func(*Recorder) error { return nil }}},
		{name: "closes once", fails: "dark when closed", wrong: wrong{close: func(r *Recorder) error {
			if r.Closed() {
				return errors.New("closed twice")
			}
			return r.Close()
		}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			found := false
			for _, c := range checks {
				r := &Recorder{}
				if test.start != nil {
					test.start(r)
				}
				test.wrong.Recorder = r
				if c.check(Fixture{Driver: test.wrong, Lit: r.Lamps, History: history(r)}) != nil && c.name == test.fails {
					found = true
				}
			}
			if !found {
				t.Errorf("%q did not fail", test.fails)
			}
		})
	}
}
