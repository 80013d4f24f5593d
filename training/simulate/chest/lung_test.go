package chest

import (
	"math"
	"testing"

	"lungbox/training/simulate/scanner"
	"lungbox/training/simulate/seed"
)

// siteOf is a site of patient i under a scanner of a look.
func siteOf(look scanner.Look, i int, state State) *scene {
	key := seed.New(uint64(i)).Of("site").Of(look.Name)
	body := NewBody(key)
	s := &scene{scan: look.Scanner(key.Of("scanner").Draws(), 2.5*body.PleuralDepth()), name: look.Name}
	s.Site = body.NewSite(key, &s.scan, i%Zones, state)
	return s
}

func TestLayersFitTheScore(t *testing.T) {
	large := 0
	for score := range 4 {
		for _, s := range scenes(t, 30, score, 0.9) {
			deepest := 0.0
			for _, at := range s.lung.layers {
				if at.fluid < 0 || at.solid < at.fluid {
					t.Fatalf("%s: fluid to %g mm, tissue to %g mm", s.name, at.fluid, at.solid)
				}
				if at.fluid > 0 && score < 3 {
					t.Fatalf("%s: an effusion of %g mm", s.name, at.fluid)
				}
				deepest = max(deepest, at.solid)
			}
			switch {
			case score < 2 && deepest > 0:
				t.Errorf("%s: a consolidation of %.1f mm", s.name, deepest)
			case score == 2 && deepest > 8:
				t.Errorf("%s: a consolidation of %.1f mm is more than subpleural", s.name, deepest)
			case score == 3 && deepest > 10:
				large++
			}
		}
	}
	if large < 10 || large > 28 {
		t.Errorf("%d of 30 lungs of score 3 have a larger consolidation, want some with and some without", large)
	}
}

// airlessLobes finds lungs with a lobe that has lost its air.
func airlessLobes(t *testing.T, n int) (found []scene) {
	t.Helper()
	for _, s := range scenes(t, 4*n+4, 3, 0.5) {
		for _, c := range s.lung.solids {
			if c.lobe && len(found) < n {
				found = append(found, s)
				break
			}
		}
	}
	if len(found) < n {
		t.Fatalf("only %d of %d lungs of score 3 have a hepatised lobe", len(found), 4*n+4)
	}
	return found
}

// A lobe is tissue with brighter air in its bronchi, and no reverberation.
func TestLobesHaveAirBronchograms(t *testing.T) {
	with := 0
	lobes := airlessLobes(t, 8)
	for _, s := range lobes {
		bright, n := 0, 0
		for c := range s.lung.columns {
			at := s.lung.layers[c]
			if at.solid-at.fluid < 20 {
				continue
			}
			if s.lung.surface[c].air > 0.01 {
				t.Fatalf("%s: air reflects %.2f in front of a lobe", s.name, s.lung.surface[c].air)
			}
			re, im := s.lung.rowsOf(c)
			for r := int((at.fluid + 4) / s.lung.step); r < min(s.lung.rows, int((at.solid-8)/s.lung.step)); r++ {
				n++
				if p := float64(re[r]*re[r] + im[r]*im[r]); decibels(p) > -17 {
					bright++
				}
			}
		}
		share := float64(bright) / float64(max(1, n))
		if share > 0.2 {
			t.Errorf("%s: %.0f %% of the lobe is as bright as air", s.name, 100*share)
		}
		if share > 0.0005 {
			with++
		}
	}
	if with < len(lobes)/3 {
		t.Errorf("%d of %d lobes show air bronchograms", with, len(lobes))
	}
}

func TestStampKeepsToTheTissue(t *testing.T) {
	s := airlessLobes(t, 1)[0]
	l := s.lung
	clear(l.re)
	clear(l.im)
	c := l.columns / 2
	at := l.layers[c].fluid + 5
	for i := range l.layers {
		l.layers[i].solid = at + 10
	}
	l.stamp(s.Site, l.place(c), at+11, 1, 0.5, -10, 1)
	for i := range l.re {
		if l.re[i] != 0 {
			t.Fatal("a spot below the tissue was drawn")
		}
	}
	l.stamp(s.Site, l.place(c), at, 1, 0.5, -10, 1)
	re, _ := l.rowsOf(c)
	if got, want := float64(re[int(at/l.step+0.5)]), amplitude(-10); math.Abs(got/want-1) > 0.2 {
		t.Errorf("the middle of a spot of -10 dB is %.2f, want %.2f", got, want)
	}
}

// curtained finds a site whose lung gives way to an organ.
func curtained(t *testing.T) scene {
	for _, s := range scenes(t, 120, 0, 0.99) {
		if s.lung.curtain != nil {
			return s
		}
	}
	t.Fatal("none of 120 sites shows an organ")
	return scene{}
}

func TestOrgansHaveNoArtefacts(t *testing.T) {
	s := curtained(t)
	organ := 0
	for c := range s.lung.columns {
		if !s.lung.curtain.covers(s.lung.place(c)) {
			continue
		}
		organ++
		if s.lung.surface[c].air != 0 {
			t.Fatalf("column %d of the organ reflects like air", c)
		}
	}
	if share := float64(organ) / float64(s.lung.columns); share < 0.05 || share > 0.4 {
		t.Errorf("the organ fills %.0f %% of the lung's map", 100*share)
	}
	for _, line := range s.Findings(0).BLines {
		if s.lung.curtain.covers(line.Place - s.motion.offset(0)) {
			t.Error("a B-line is listed inside the organ")
		}
	}
	var none *curtain
	if none.covers(0) {
		t.Error("no curtain covers something")
	}
}

func TestFindingsBehindRibsAreNotListed(t *testing.T) {
	s := scenes(t, 1, 1, 0.9)[0]
	all := s.Findings(0)
	for b := range s.beams {
		s.beams[b].open = 0.01
	}
	hidden := s.Findings(0)
	if len(all.Pleura) == 0 || len(all.BLines) == 0 {
		t.Fatalf("%d points of pleura and %d B-lines before the ribs came", len(all.Pleura), len(all.BLines))
	}
	if len(hidden.Pleura)+len(hidden.BLines)+hidden.ALines != 0 {
		t.Errorf("behind ribs: %d points of pleura, %d B-lines, %d A-lines", len(hidden.Pleura), len(hidden.BLines), hidden.ALines)
	}
}

func TestTracerJoinsNeighbours(t *testing.T) {
	var areas []Area
	var tr tracer
	for b, thick := range []float64{0, 5, 6, 7, 1, 9, 0, 4, 4} {
		tr.follow(b, 20, 20+thick, &areas)
	}
	tr.end(&areas)
	// The single beam 5 is no area.
	want := []Area{{1, 3, 20, 27}, {7, 8, 20, 24}}
	if len(areas) != 2 || areas[0] != want[0] || areas[1] != want[1] {
		t.Errorf("areas %+v, want %+v", areas, want)
	}
}

func TestALinesAreCounted(t *testing.T) {
	s := scenes(t, 1, 0, 0)[0]
	s.lung.curtain = nil
	for b := range s.beams {
		s.beams[b].facing, s.beams[b].open, s.beams[b].contact = 1, 1, 1
	}
	for c := range s.lung.surface {
		s.lung.surface[c].air = 1
	}
	depth := s.Findings(0).PleuralDepth
	fits := int(s.fan.Depth/depth) - 1 // repetitions of the pleura inside the fan
	for _, c := range []struct {
		mirror float64 // dB
		want   int
	}{{-40, 0}, {-20, min(1, fits)}, {-10.5, min(2, fits)}, {-1, min(29, fits)}} {
		s.lung.mirror = amplitude(c.mirror)
		if got := s.Findings(0).ALines; got != c.want {
			t.Errorf("with %g dB a trip %d A-lines are listed, want %d", c.mirror, got, c.want)
		}
	}
}
