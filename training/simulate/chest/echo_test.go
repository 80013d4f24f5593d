package chest

import (
	"fmt"
	"math"
	"testing"

	"lungbox/training/simulate/scanner"
	"lungbox/training/simulate/seed"
)

// scene is one site with the machine that scans it.
type scene struct {
	*Site
	scan scanner.Scanner
	name string
}

// scenes draws sites of a score on different patients, seen by a convex array.
func scenes(t testing.TB, n, score int, severity float64) []scene {
	t.Helper()
	look, err := scanner.LookNamed("convex-cart")
	if err != nil {
		t.Fatal(err)
	}
	list := make([]scene, n)
	for i := range list {
		key := seed.New(uint64(i)).Of("scene", score)
		body := NewBody(key)
		list[i].scan = look.Scanner(key.Of("scanner").Draws(), 2.5*body.PleuralDepth())
		list[i].Site = body.NewSite(key, &list[i].scan, i%Zones, State{Score: score, Severity: severity})
		list[i].name = fmt.Sprintf("score %d site %d", score, i)
	}
	return list
}

func (s *scene) echo(time float64) *scanner.Field {
	field := scanner.NewField(s.scan.Fan.Beams, s.scan.Fan.Samples)
	s.Echo(field, time)
	return field
}

// spread is the echo as the scanner receives it.
func (s *scene) spread(time float64) *scanner.Field {
	field := s.echo(time)
	scanner.NewSpread(&s.scan.Fan, s.scan.Optics).Apply(field, s.echo(time))
	return field
}

func power(f *scanner.Field, beam, sample int) float64 {
	re, im := f.Beam(beam)
	return float64(re[sample]*re[sample] + im[sample]*im[sample])
}

func decibels(power float64) float64 { return 10 * math.Log10(power+1e-14) }

// The first repetition of the pleura must lie at twice its depth, wherever the
// pleura is.
func TestALinesAreMultiplesOfThePleuralDepth(t *testing.T) {
	tested := 0
	for _, s := range scenes(t, 24, 0, 0) {
		if s.Findings(0).ALines == 0 || s.lung.curtain != nil {
			continue
		}
		tested++
		field := s.echo(0)
		thick := s.motion.thickness(0)
		// Mean power over the beams that see the pleura squarely, by depth in units
		// of the beam's own pleural depth.
		const bins = 400 // of 1/100
		profile, count := make([]float64, bins), make([]float64, bins)
		for b, beam := range s.beams {
			if beam.facing < 0.8 || beam.open*beam.contact < 0.7 {
				continue
			}
			pleura := beam.pleura * thick
			for i := range s.fan.Samples {
				if bin := int((float64(i) + 0.5) * s.fan.Step() / pleura * 100); bin < bins {
					profile[bin] += power(field, b, i)
					count[bin]++
				}
			}
		}
		best := 0
		for bin := 150; bin < 250; bin++ {
			if count[bin] > 0 && profile[bin]/count[bin] > profile[best]/max(1, count[best]) || best == 0 {
				best = bin
			}
		}
		if at := (float64(best) + 0.5) / 100; math.Abs(at-2) > 0.04 {
			t.Errorf("%s: the brightest repetition is at %.2f pleural depths, want 2.00 ± 0.04", s.name, at)
		}
	}
	if tested < 10 {
		t.Errorf("only %d of 24 score 0 sites show A-lines", tested)
	}
}

// farProfile is each beam's mean power between two shares of the fan's depth.
func farProfile(field *scanner.Field, from, until float64) []float64 {
	profile := make([]float64, field.Beams)
	first, last := int(from*float64(field.Samples)), int(until*float64(field.Samples))
	for b := range profile {
		for i := first; i < last; i++ {
			profile[b] += power(field, b, i) / float64(last-first)
		}
	}
	return profile
}

// B-lines do not fade: next to the bottom of the fan each one still stands out
// from the lung around it.
func TestBLinesReachTheBottom(t *testing.T) {
	lines, standing, falls := 0, 0, 0.0
	for _, s := range scenes(t, 16, 1, 0.3) {
		field := s.echo(0)
		profile, nearer := farProfile(field, 0.88, 1), farProfile(field, 0.5, 0.62)
		near, bottom := int(0.56*float64(s.fan.Samples)), int(0.94*float64(s.fan.Samples))
		for _, line := range s.Findings(0).BLines {
			beam := int(line.From.Beam + 0.5)
			if beam < 5 || beam > len(profile)-6 {
				continue
			}
			lines++
			// What the display's gain over depth does is not the B-line's doing.
			gain := decibels(float64(s.gain[near]*s.gain[near])) - decibels(float64(s.gain[bottom]*s.gain[bottom]))
			fall := decibels(nearer[beam]) - decibels(profile[beam]) - gain
			falls += fall
			valley := math.Inf(1)
			for off := 3; off <= 5; off++ {
				valley = min(valley, profile[beam-off], profile[beam+off])
			}
			if peak := max(profile[beam-1], profile[beam], profile[beam+1]); decibels(peak)-decibels(valley) > 6 {
				standing++
			}
			if line.To.Depth != s.fan.Depth {
				t.Errorf("%s: a B-line is said to end at %g of %g mm", s.name, line.To.Depth, s.fan.Depth)
			}
		}
	}
	// The way is about 50 mm: 0.1 dB/mm would be 5 dB.
	if mean := falls / float64(lines); mean > 3 {
		t.Errorf("B-lines fade by %.1f dB on average over the deeper half, want less than 3", mean)
	}
	if lines < 40 || float64(standing) < 0.85*float64(lines) {
		t.Errorf("%d of %d B-lines stand 6 dB out at the bottom, want 85 %% of 40 or more", standing, lines)
	}
}

// spacings are the distances of neighbouring B-lines on the pleura; a longer way
// than the longest counts as a gap between groups.
func spacings(s *scene, longest float64) []float64 {
	var list []float64
	lines := s.Findings(0).BLines
	for i := 1; i < len(lines); i++ {
		if d := math.Abs(lines[i].Place - lines[i-1].Place); d < longest {
			list = append(list, d)
		}
	}
	return list
}

func TestSpacingOfBLines(t *testing.T) {
	for _, c := range []struct {
		score     int
		severity  float64
		low, high float64 // of the mean spacing, mm
	}{
		{1, 0, 7, 9}, {1, 0.5, 6.2, 7.8}, {1, 1, 5, 6.8},
		{2, 0, 2, 3}, {2, 0.5, 1.5, 2.6}, {2, 1, 1, 2},
	} {
		sum, n := 0.0, 0.0
		for _, s := range scenes(t, 12, c.score, c.severity) {
			longest := 11.0
			if c.score == 2 {
				longest = 3.9
			}
			list := spacings(&s, longest)
			if visible := len(s.Findings(0).BLines); visible < 3 {
				t.Errorf("%s with severity %g shows %d B-lines, want 3 or more", s.name, c.severity, visible)
			}
			for _, d := range list {
				sum, n = sum+d, n+1
				if c.score == 2 && d > 3+1e-9 {
					t.Errorf("%s: coalescent B-lines %.1f mm apart", s.name, d)
				}
			}
		}
		if mean := sum / n; mean < c.low || mean > c.high {
			t.Errorf("score %d, severity %g: B-lines are %.1f mm apart, want %g to %g", c.score, c.severity, mean, c.low, c.high)
		}
	}
}

// The spacing must be in the picture, not only in the plan: peaks across the deep
// field are where the B-lines are said to be, and about 7 mm apart.
func TestBLinesAreDrawnWhereTheyAreSaidToBe(t *testing.T) {
	said, found := 0, 0
	for _, s := range scenes(t, 16, 1, 0.3) {
		profile := farProfile(s.spread(0), 0.6, 0.95)
		for _, line := range s.Findings(0).BLines {
			beam := int(line.From.Beam + 0.5)
			if line.Level < -24 || beam < 3 || beam > len(profile)-4 {
				continue
			}
			said++
			for b := beam - 1; b <= beam+1; b++ {
				if profile[b] > profile[b-1] && profile[b] > profile[b+1] {
					found++
					break
				}
			}
		}
	}
	if said < 40 || float64(found) < 0.85*float64(said) {
		t.Errorf("%d of %d B-lines have their peak in the deep field, want 85 %%", found, said)
	}
}

// shift finds by how many beams a band of samples has moved, by cross-correlating
// the magnitudes.
func shift(before, after *scanner.Field, from, until, most int) int {
	best, at := -1.0, 0
	for lag := -most; lag <= most; lag++ {
		sum, a2, b2 := 0.0, 0.0, 0.0
		for b := most; b < before.Beams-most; b++ {
			for i := from; i < until; i++ {
				x, y := power(before, b, i), power(after, b+lag, i)
				sum, a2, b2 = sum+x*y, a2+x*x, b2+y*y
			}
		}
		if r := sum / math.Sqrt(a2*b2); r > best {
			best, at = r, lag
		}
	}
	return at
}

func TestLungSlidesUnderAStillChestWall(t *testing.T) {
	look, err := scanner.LookNamed("linear-cart")
	if err != nil {
		t.Fatal(err)
	}
	moved := 0
	for i := range 8 {
		key := seed.New(uint64(i)).Of("slide")
		body := NewBody(key)
		scan := look.Scanner(key.Of("scanner").Draws(), 2.5*body.PleuralDepth())
		site := body.NewSite(key, &scan, 3, State{Score: 2, Severity: 0.5})
		site.ribs = nil // shadows stand still and would hide what moves
		for b := range site.beams {
			site.beams[b].open, site.beams[b].rib = 1, 0
		}
		site.motion.swell = 0
		s := scene{Site: site, scan: scan}
		const early, late = 0.0, 0.3
		before, after := s.echo(early), s.echo(late)
		pitch := scan.Fan.Width / float64(scan.Fan.Beams)
		want := (site.motion.offset(late) - site.motion.offset(early)) / pitch
		pleura := int(site.beams[scan.Fan.Beams/2].pleura / scan.Fan.Step())
		if got := shift(before, after, 20, pleura-30, 12); got != 0 {
			t.Errorf("site %d: the chest wall moved by %d beams", i, got)
		}
		if math.Abs(want) > 30 {
			continue
		}
		if got := shift(before, after, pleura+30, pleura+120, 34); math.Abs(float64(got)-want) > 1.5 {
			t.Errorf("site %d: the lung moved by %d beams, want %.1f", i, got, want)
		}
		if math.Abs(want) > 2 {
			moved++
		}
	}
	if moved < 4 {
		t.Errorf("only %d of 8 lungs moved by more than two beams in 0.3 s", moved)
	}
}

func TestEchoRepeatsItself(t *testing.T) {
	for score := range 4 {
		first, second := scenes(t, 2, score, 0.7), scenes(t, 2, score, 0.7)
		for i := range first {
			// Asking for another time before, into the same field, must leave no trace.
			a, b := first[i].echo(1.1), second[i].echo(3)
			second[i].Echo(b, 1.1)
			for k := range a.Re {
				if a.Re[k] != b.Re[k] || a.Im[k] != b.Im[k] {
					t.Fatalf("%s: sample %d differs", first[i].name, k)
				}
				if math.IsNaN(float64(a.Re[k])) || math.IsInf(float64(a.Re[k]), 0) {
					t.Fatalf("%s: sample %d is %g", first[i].name, k, a.Re[k])
				}
			}
		}
	}
}
