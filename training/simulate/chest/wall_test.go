package chest

import (
	"math"
	"slices"
	"testing"

	"lungbox/training/simulate/scanner"
)

// The wall must be tissue: brighter than fluid, with bright sheets in it, and
// with the pleura brighter than the tissue around it.
func TestWallHasTissueAndFasciae(t *testing.T) {
	for _, s := range scenes(t, 12, 0, 0) {
		profile := make([]float64, 100) // by share of the pleural depth
		count := make([]float64, 100)
		field := s.echo(0)
		thick := s.motion.thickness(0)
		for b, beam := range s.beams {
			if beam.rib > 0 || beam.contact < 0.7 {
				continue
			}
			for i := range int(beam.pleura * thick * 0.97 / s.fan.Step()) {
				bin := int((float64(i) + 0.5) * s.fan.Step() / (beam.pleura * thick) * 100)
				profile[bin] += power(field, b, i) / square32(s.gain[i])
				count[bin]++
			}
		}
		if count[50] == 0 {
			continue // ribs everywhere
		}
		least, most := math.Inf(1), math.Inf(-1)
		for bin := 15; bin < 95; bin++ {
			level := decibels(profile[bin] / max(1, count[bin]))
			least, most = min(least, level), max(most, level)
		}
		if least < -60 || most > 0 || most-least < 5 {
			t.Errorf("%s: the wall's layers return %.0f to %.0f dB", s.name, least, most)
		}
	}
}

func square32(x float32) float64 { return float64(x) * float64(x) }

// When breathing thickens the wall, its texture stretches with it: the same
// tissue is found deeper, not other tissue at the same place.
func TestWallStretchesWithBreathing(t *testing.T) {
	s := scenes(t, 1, 0, 0)[0]
	b := len(s.beams) / 2
	pleura := s.beams[b].pleura
	read := func(thick float64) (re []float32) {
		re, im := make([]float32, s.fan.Samples), make([]float32, s.fan.Samples)
		s.echoWall(b, re, im, pleura*thick)
		return re
	}
	thin, thicker := read(1), read(1.1)
	// Correlate along the tissue and, as a control, along the depth.
	correlate := func(stretch float64) float64 {
		var xy, xx, yy float64
		for i := range int(pleura * 0.9 / s.fan.Step()) {
			x := float64(thin[i])
			at := (float64(i)+0.5)*stretch - 0.5
			k := int(at)
			share := at - float64(k)
			y := float64(thicker[k])*(1-share) + float64(thicker[k+1])*share
			xy, xx, yy = xy+x*y, xx+x*x, yy+y*y
		}
		return xy / math.Sqrt(xx*yy)
	}
	if along, across := correlate(1.1), correlate(1); along < 0.6 || across > along-0.2 {
		t.Errorf("the texture correlates by %.2f along the tissue and by %.2f at equal depth", along, across)
	}
}

// The texture's last tenth is the last tenth of the way to the pleura, at any
// depth of it.
func TestWallEndsAtThePleura(t *testing.T) {
	s := scenes(t, 1, 0, 0)[0]
	clear(s.wall.re)
	for row := s.wall.rows * 9 / 10; row < s.wall.rows; row++ {
		s.wall.re[row] = 1 // of beam 0
	}
	for _, pleura := range []float64{15, 22.3, 40} {
		re, im := make([]float32, s.fan.Samples), make([]float32, s.fan.Samples)
		s.echoWall(0, re, im, pleura)
		first := slices.IndexFunc(re, func(v float32) bool { return v > 0.5 })
		if at := (float64(first) + 0.5) * s.fan.Step() / pleura; math.Abs(at-0.9) > 0.03 {
			t.Errorf("with the pleura at %g mm its last tenth starts at %.2f", pleura, at)
		}
	}
}

func TestPleuraFollowsTheFan(t *testing.T) {
	for _, name := range []string{"convex-cart", "linear-cart", "phased", "microconvex"} {
		look, err := scanner.LookNamed(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			s := siteOf(look, i, State{Score: 0})
			middle := s.beams[len(s.beams)/2]
			if middle.pleura < 7 || middle.pleura > 0.45*s.fan.Depth {
				t.Errorf("%s %d: pleura at %.1f of %.0f mm", name, i, middle.pleura, s.fan.Depth)
			}
			best := 0.0
			for b, beam := range s.beams {
				best = max(best, beam.facing)
				if beam.facing < 0 || beam.facing > 1 || beam.contact <= 0 || beam.contact > 1 || beam.open <= 0 || beam.open > 1 {
					t.Fatalf("%s %d: beam %d is %+v", name, i, b, beam)
				}
				if b > 0 && beam.place <= s.beams[b-1].place {
					t.Fatalf("%s %d: beams %d and %d cross on the pleura", name, i, b-1, b)
				}
			}
			if best < 0.9 {
				t.Errorf("%s %d: no beam meets the pleura squarely, the best by %.2f", name, i, best)
			}
		}
	}
}
