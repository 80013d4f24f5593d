package explain

import (
	"math"
	"testing"

	"lungbox/ensemble"
	"lungbox/training/simulate"
)

// A map that is hot where the B-line is hits it, one that is hot elsewhere does not, and
// one that is even everywhere hits as much as the sign covers.
func TestMeasure(t *testing.T) {
	truth := simulate.Truth{Score: 1, BLines: []simulate.Line{{From: simulate.Point{X: 64, Y: 40}, To: simulate.Point{X: 64, Y: 250}}}}
	s := Signs(truth, 256, 64)
	lit := make([]bool, 64*64)
	for i := range lit {
		lit[i] = true
	}
	on := &ensemble.Heat{W: 4, H: 4, Levels: make([]byte, 16)}
	for y := 1; y < 4; y++ {
		on.Levels[y*4], on.Levels[y*4+1] = 200, 200 // on both sides of the line at a quarter
	}
	off := &ensemble.Heat{W: 4, H: 4, Levels: make([]byte, 16)}
	off.Levels[3] = 255
	even := &ensemble.Heat{W: 1, H: 1, Levels: []byte{9}}
	hit, miss, flat := s.Measure(on, lit), s.Measure(off, lit), s.Measure(even, lit)
	if hit.Mass < 1.5*hit.Cover || miss.Mass > 0.01 || miss.Peak || math.Abs(flat.Mass-flat.Cover) > 1e-6 {
		t.Errorf("on %+v, off %+v, even %+v", hit, miss, flat)
	}
	if hit.Hot <= hit.Mass || miss.Hot > 0.01 || math.Abs(flat.Hot-flat.Cover) > 1e-6 {
		t.Errorf("of the hot half: on %.3f, off %.3f, even %.3f", hit.Hot, miss.Hot, flat.Hot)
	}
	if best := s.Best(4, 4, lit); best.Mass <= hit.Mass || best.Mass > 0.5 || best.Cover != hit.Cover {
		t.Errorf("the best map of 4 by 4 places would have %+v", best)
	}
	if best := s.Best(64, 64, lit); best.Mass < 0.9 || !best.Peak {
		t.Errorf("the best map of 64 by 64 places would have %+v", best)
	}
	if c := flat.Cover; c < 0.02 || c > 0.08 {
		t.Errorf("one B-line covers %.3f of the picture", c)
	}
}

// Every score of the phantom has a sign, and the worst ones the largest.
func TestSigns(t *testing.T) {
	phantom, err := simulate.New(5, simulate.Config{Side: 128})
	if err != nil {
		t.Fatal(err)
	}
	var cover [4]float64
	const patients = 12
	for i := range patients {
		for score := range 4 {
			s := Signs(phantom.Patient(i).Loop(i%12, 0, score).Render(0).Truth, 128, 64)
			n := 0
			for _, in := range s.Inside {
				if in {
					n++
				}
			}
			cover[score] += float64(n) / 64 / 64 / patients
		}
	}
	for score, c := range cover {
		if c < 0.01 || c > 0.8 {
			t.Errorf("the signs of score %d cover %.3f of the picture", score, c)
		}
	}
}
