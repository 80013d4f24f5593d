package chest

import (
	"math"
	"slices"
	"testing"

	"lungbox/training/simulate/scanner"
	"lungbox/training/simulate/seed"
)

// deepPower is the mean level, dB, that unhidden beams show from 15 mm below the
// pleura to 60 mm below it.
func deepPower(s *scene) float64 {
	field := s.echo(0)
	sum, n := 0.0, 0.0
	for b, beam := range s.beams {
		if beam.open*beam.contact < 0.7 {
			continue
		}
		for i := int((beam.pleura + 15) / s.fan.Step()); i < min(s.fan.Samples, int((beam.pleura+60)/s.fan.Step())); i++ {
			sum += decibels(power(field, b, i))
			n++
		}
	}
	return sum / max(1, n)
}

// The worse the lung, the more comes back from under the pleura.
func TestScoresAreOrdered(t *testing.T) {
	previous := math.Inf(-1)
	for score := range 3 {
		sum := 0.0
		list := scenes(t, 30, score, 0.5)
		for _, s := range list {
			sum += deepPower(&s)
		}
		mean := sum / float64(len(list))
		if mean < previous+2 {
			t.Errorf("score %d returns %.1f dB from the deep lung, not clearly more than %.1f", score, mean, previous)
		}
		previous = mean
	}
	// White lung without consolidation returns most of all; consolidations are dark.
	white, dark := math.Inf(-1), math.Inf(1)
	for _, s := range scenes(t, 30, 3, 0.5) {
		p := deepPower(&s)
		if len(s.lung.solids) == 0 {
			white = max(white, p)
		} else {
			dark = min(dark, p)
		}
	}
	if white < previous+2 || dark > previous {
		t.Errorf("score 3 returns %.1f dB at most and %.1f dB from consolidations; score 2 %.1f dB", white, dark, previous)
	}
}

// roughness is the mean change of the pleural line's level, dB, and of its depth,
// mm, from one column to the next.
func roughness(s *scene) (level, depth float64) {
	l := s.lung
	for c := 1; c < l.columns; c++ {
		level += math.Abs(decibels(square(l.surface[c].strength)) - decibels(square(l.surface[c-1].strength)))
		depth += math.Abs(l.surface[c].indent - l.surface[c-1].indent)
	}
	n := float64(l.columns-1) * l.spacing
	return level / n, depth / n
}

func square(c complex64) float64 { return float64(real(c)*real(c) + imag(c)*imag(c)) }

func TestPleuraGetsRougherWithTheScore(t *testing.T) {
	var level, depth [3]float64
	for score := range level {
		for _, s := range scenes(t, 20, score, 0.5) {
			l, d := roughness(&s)
			level[score] += l / 20
			depth[score] += d / 20
		}
	}
	for score := 1; score < 3; score++ {
		if level[score] < 1.15*level[score-1] || depth[score] < 1.3*depth[score-1] {
			t.Errorf("score %d changes by %.2f dB and %.3f mm a millimetre, score %d by %.2f and %.3f",
				score, level[score], depth[score], score-1, level[score-1], depth[score-1])
		}
	}
}

// missing is the share of the pleural line that is 12 dB or more below its median.
func missing(s *scene) float64 {
	var levels []float64
	for _, at := range s.lung.surface {
		levels = append(levels, decibels(square(at.strength)))
	}
	slices.Sort(levels)
	median, n := levels[len(levels)/2], 0
	for n < len(levels) && levels[n] < median-12 {
		n++
	}
	return float64(n) / float64(len(levels))
}

func TestPleuraIsBrokenInScore2(t *testing.T) {
	var share [3]float64
	for score := range share {
		for _, s := range scenes(t, 20, score, 0.5) {
			s.lung.curtain = nil
			share[score] += missing(&s) / 20
		}
	}
	if share[0] > 0.03 || share[1] < share[0] || share[2] < 0.15 || share[2] < 2*share[1] {
		t.Errorf("shares of the pleural line that are missing in scores 0 to 2: %.3f, want none, a little, much", share)
	}
}

func TestNormalLungHasAtMostTwoBLines(t *testing.T) {
	counts := map[int]int{}
	for _, severity := range []float64{0, 0.5, 0.99} {
		for _, s := range scenes(t, 20, 0, severity) {
			n := len(s.Findings(0).BLines)
			counts[n]++
			if n > 2 || severity == 0 && n > 0 {
				t.Errorf("%s with severity %g shows %d B-lines", s.name, severity, n)
			}
		}
	}
	if counts[0] == 0 || counts[1] == 0 || counts[2] == 0 {
		t.Errorf("numbers of B-lines in normal lungs: %v; all of 0, 1 and 2 occur", counts)
	}
}

// Tissue and fluid must be drawn where the findings say, darker than what is
// around them.
func TestConsolidationsAndEffusions(t *testing.T) {
	consolidations, effusions := 0, 0
	for _, s := range scenes(t, 50, 3, 0.5) {
		found := s.Findings(0)
		if len(s.lung.solids) == 0 && (len(found.Consolidations) > 0 || len(found.Effusions) > 0) {
			t.Errorf("%s: findings in a lung without any", s.name)
		}
		consolidations += len(found.Consolidations)
		field := s.echo(0)
		for _, a := range found.Effusions {
			if a.Furthest-a.Nearest < 8 {
				continue
			}
			effusions++
			b := int((a.FirstBeam + a.LastBeam) / 2)
			pleura := s.beams[b].pleura * s.motion.thickness(0)
			fluid := s.lung.layers[s.lung.column(s.beams[b].place-s.motion.offset(0))].fluid
			if fluid < 6 {
				continue
			}
			level, n := 0.0, 0.0
			for i := int((pleura + 2) / s.fan.Step()); i < int((pleura+fluid-2)/s.fan.Step()); i++ {
				level, n = level+power(field, b, i), n+1
			}
			if d := decibels(level / n); d > -45 {
				t.Errorf("%s: fluid returns %.0f dB, want less than -45", s.name, d)
			}
		}
		for _, a := range append(found.Consolidations, found.Effusions...) {
			if a.FirstBeam < 0 || int(a.LastBeam) >= s.fan.Beams || a.Nearest < 3 || a.Furthest > s.fan.Depth || a.Nearest >= a.Furthest {
				t.Errorf("%s: area %+v does not lie in the fan", s.name, a)
			}
		}
	}
	if consolidations < 20 || effusions < 3 {
		t.Errorf("50 lungs of score 3 have %d consolidations and %d effusions", consolidations, effusions)
	}
}

func TestRibsCastShadows(t *testing.T) {
	shadows := 0
	for _, s := range scenes(t, 20, 3, 0.2) {
		field := s.echo(0)
		for b, beam := range s.beams {
			if beam.open > 0.25 || beam.contact < 0.7 {
				continue
			}
			shadows++
			if beam.rib <= 0 || beam.rib >= beam.pleura+2 {
				t.Fatalf("%s: rib at %.1f mm with the pleura at %.1f", s.name, beam.rib, beam.pleura)
			}
			open := 0.0
			for other, o := range s.beams {
				if o.open > 0.99 && o.contact > 0.7 {
					open = max(open, power(field, other, 300))
				}
			}
			if open > 0 && power(field, b, 300) > open {
				t.Errorf("%s: beam %d is behind a rib and brighter than all open ones", s.name, b)
			}
		}
	}
	if shadows < 100 {
		t.Errorf("only %d beams lie behind ribs", shadows)
	}
}

func TestMotionStaysWithinReach(t *testing.T) {
	for zone := range Zones {
		for i := range 20 {
			key := seed.New(uint64(i)).Of("motion", zone)
			m := newMotion(key.Draws(), NewBody(key), zone)
			least, most := math.Inf(1), math.Inf(-1)
			for k := range 400 {
				x := m.offset(float64(k) / 25)
				least, most = min(least, x), max(most, x)
				if thick := m.thickness(float64(k) / 25); math.Abs(thick-1) > 0.03 {
					t.Fatalf("the chest wall changes by a factor of %g", thick)
				}
			}
			if most > m.reach() || least < -m.reach() {
				t.Errorf("zone %s moves from %.1f to %.1f mm, reach %.1f", Zone(zone), least, most, m.reach())
			}
			if most-least < m.slide {
				t.Errorf("zone %s slides %.1f mm in 16 s, want at least %.1f", Zone(zone), most-least, m.slide)
			}
		}
	}
}

func TestPatientsDiffer(t *testing.T) {
	least, most := math.Inf(1), math.Inf(-1)
	for i := range 200 {
		depth := NewBody(seed.New(uint64(i))).PleuralDepth()
		least, most = min(least, depth), max(most, depth)
	}
	if least < 10 || least > 16 || most < 34 || most > 56 {
		t.Errorf("pleurae lie %.0f to %.0f mm deep, want about 12 to 45", least, most)
	}
	for zone, want := range map[int]string{0: "R1", 5: "R6", 6: "L1", 11: "L6"} {
		if got := Zone(zone); got != want {
			t.Errorf("zone %d is %s, want %s", zone, got, want)
		}
	}
}

// Every kind of scanner at every zone must give a picture.
func TestAllLooksCanScanAllZones(t *testing.T) {
	for k, look := range scanner.Looks() {
		for zone := range Zones {
			key := seed.New(uint64(zone)).Of("any", k)
			body := NewBody(key)
			scan := look.Scanner(key.Of("scanner").Draws(), 2.5*body.PleuralDepth())
			s := scene{Site: body.NewSite(key, &scan, zone, State{Score: zone % 4, Severity: 0.5}), scan: scan}
			field := s.echo(float64(zone))
			bright := 0
			for i := range field.Re {
				if p := float64(field.Re[i]*field.Re[i] + field.Im[i]*field.Im[i]); p > 1e-5 {
					bright++
				}
			}
			if bright < len(field.Re)/50 {
				t.Errorf("%s at %s: only %d of %d samples are brighter than -50 dB", look.Name, Zone(zone), bright, len(field.Re))
			}
			for _, p := range s.Findings(1).Pleura {
				if p.Depth <= 0 || p.Depth > scan.Fan.Depth {
					t.Fatalf("%s at %s: pleura at %g mm", look.Name, Zone(zone), p.Depth)
				}
			}
		}
	}
}
