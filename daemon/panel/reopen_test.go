package panel_test

import (
	"errors"
	"testing"

	"lungbox/daemon/panel"
	"lungbox/daemon/panel/paneltest"
)

func TestReopeningIsADriver(t *testing.T) {
	paneltest.Run(t, func(*testing.T) paneltest.Fixture {
		r := &paneltest.Recorder{}
		return paneltest.Fixture{Driver: &panel.Reopening{Open: func() (panel.Driver, error) { return r, nil }}, Lit: r.Lamps}
	})
}

// flaky fails as often as told.
type flaky struct {
	panel.Simulated
	failures int
}

func (f *flaky) Show(l panel.Lamps) error {
	if f.failures > 0 {
		f.failures--
		return errors.New("unplugged")
	}
	return f.Simulated.Show(l)
}

func TestReopening(t *testing.T) {
	var opened []*flaky
	missing := true
	r := &panel.Reopening{Open: func() (panel.Driver, error) {
		if missing {
			return nil, errors.New("no such chip")
		}
		f := &flaky{}
		opened = append(opened, f)
		return f, nil
	}}
	if err := r.Show(panel.Bar(1)); err == nil || err.Error() != "no such chip" {
		t.Errorf("without hardware: %v", err)
	}
	missing = false
	if err := r.Show(panel.Bar(1)); err != nil || opened[0].Lamps() != panel.Bar(1) {
		t.Errorf("plugged in: %v, %v", err, opened[0].Lamps())
	}
	opened[0].failures = 1
	if err := r.Show(panel.Bar(2)); err == nil {
		t.Error("a failure is not told")
	}
	if err := r.Show(panel.Bar(2)); err != nil || len(opened) != 1 {
		t.Errorf("one failure: %v, opened %d times", err, len(opened))
	}
	opened[0].failures = 10
	for range 3 {
		if err := r.Show(panel.Bar(3)); err == nil {
			t.Error("a failure is not told")
		}
	}
	if err := r.Show(panel.Bar(3)); err != nil || len(opened) != 2 || opened[1].Lamps() != panel.Bar(3) {
		t.Errorf("plugged in again: %v, opened %d times", err, len(opened))
	}
	if err := r.Close(); err != nil || opened[1].Lamps() != (panel.Lamps{}) {
		t.Errorf("closed: %v, %v", err, opened[1].Lamps())
	}
	if err := r.Show(panel.Bar(0)); !errors.Is(err, panel.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// dimmable remembers how bright it is.
type dimmable struct {
	panel.Simulated
	level float64
}

func (d *dimmable) SetBrightness(level float64) error {
	d.level = level
	return nil
}

// A display that is plugged in at night is dimmed at once.
func TestReopeningKeepsTheBrightness(t *testing.T) {
	var opened []*dimmable
	r := &panel.Reopening{Open: func() (panel.Driver, error) {
		opened = append(opened, &dimmable{level: 1})
		return opened[len(opened)-1], nil
	}}
	if err := r.SetBrightness(0.2); err != nil {
		t.Errorf("without hardware: %v", err)
	}
	if err := r.Show(panel.Bar(1)); err != nil || opened[0].level != 0.2 {
		t.Errorf("opened with brightness %v, %v", opened[0].level, err)
	}
	if err := r.SetBrightness(0.5); err != nil || opened[0].level != 0.5 {
		t.Errorf("brightness %v, %v", opened[0].level, err)
	}
}
