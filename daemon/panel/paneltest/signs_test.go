package paneltest

import (
	"errors"
	"fmt"
	"testing"

	"lungbox/daemon/panel"
)

// lights is a display of seven lights, one for each sign but the blank.
func lights(s panel.Sign) uint64 {
	for i, sign := range []panel.Sign{"0", "1", "2", "3", panel.Dash, panel.Eight} {
		if s == sign {
			return 1 << i
		}
	}
	return 0
}

// display is a driver of such a display, with one thing done wrongly if asked.
type display struct {
	wrong  string
	way    []uint64
	closed int
}

func (d *display) Show(l panel.Lamps) error {
	if d.closed > 0 && d.wrong != "shows after Close" {
		return panel.ErrClosed
	}
	sign, ok := panel.SignOf(l)
	lit := lights(sign)
	switch {
	case !ok && d.wrong == "keeps the old sign":
		return panel.ErrNoSign
	case d.wrong == "blank in between":
		d.way = append(d.way, 0)
	case d.wrong == "2 stays" && d.lit() == lights("2") && ok:
		lit = d.lit()
	case d.wrong == "refuses repeats" && d.lit() == lit:
		return errors.New("shown already")
	}
	d.way = append(d.way, lit)
	if !ok && d.wrong != "hides nonsense" {
		return panel.ErrNoSign
	}
	return nil
}

func (d *display) Close() error {
	d.closed++
	if d.closed > 1 && d.wrong == "closes once" {
		return fmt.Errorf("closed %d times", d.closed)
	}
	if d.wrong != "stays lit" {
		d.way = append(d.way, 0)
	}
	return nil
}

func (d *display) lit() uint64 { return d.way[len(d.way)-1] }

func (d *display) fixture() SignFixture {
	d.way = append(d.way, 0)
	f := SignFixture{Driver: d, Lit: d.lit, History: func() []uint64 { return d.way }, Lights: lights}
	switch d.wrong {
	case "lit at start":
		d.way[0] = lights("0")
	case "3 looks like 2":
		f.Lights = func(s panel.Sign) uint64 {
			if s == "3" {
				s = "2"
			}
			return lights(s)
		}
	}
	return f
}

func TestSignSuite(t *testing.T) {
	RunSigns(t, func(*testing.T) SignFixture { return (&display{}).fixture() })
}

func TestSignSuiteFindsWrongDrivers(t *testing.T) {
	for wrong, fails := range map[string]string{
		"lit at start":       "blank when opened",
		"3 looks like 2":     "scores, no score and blank differ",
		"2 stays":            "shows every sign after every other",
		"refuses repeats":    "shows every sign after every other",
		"keeps the old sign": "shows nothing for lamps that stand for nothing",
		"hides nonsense":     "shows nothing for lamps that stand for nothing",
		"blank in between":   "every light changes at most once",
		"stays lit":          "blank when closed",
		"closes once":        "blank when closed",
		"shows after Close":  "blank when closed",
	} {
		found := false
		for _, c := range signChecks {
			if c.name == fails && c.check((&display{wrong: wrong}).fixture()) != nil {
				found = true
			}
		}
		if !found {
			t.Errorf("%s: %q did not fail", wrong, fails)
		}
	}
}
