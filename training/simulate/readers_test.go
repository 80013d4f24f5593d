package simulate_test

import (
	"testing"

	"lungbox/training/simulate"
)

// readerLoops are loops of one score that differ in severity.
func readerLoops(t *testing.T, noise float64, score, n int) []*simulate.Loop {
	t.Helper()
	patient := newPhantom(t, 8, simulate.Config{Side: 16, ReaderNoise: noise, Looks: []string{"convex-old"}}).Patient(0)
	loops := make([]*simulate.Loop, n)
	for clip := range loops {
		loops[clip] = patient.Loop(0, clip, score)
	}
	return loops
}

// readings counts, over the loops of a range of severity, the shares of frames on
// which reader A is wrong, both are wrong in the same way, and the two differ.
func readings(t *testing.T, loops []*simulate.Loop, within func(severity float64) bool) (wrong, together, differ float64) {
	t.Helper()
	n := 0.0
	for _, loop := range loops {
		if !within(loop.State.Severity) {
			continue
		}
		for frame := range 4 {
			a, b := loop.Readers(10 * frame)
			if a < 0 || a > 3 || b < 0 || b > 3 {
				t.Fatalf("readers wrote %d and %d", a, b)
			}
			n++
			if a != loop.State.Score {
				wrong++
			}
			if a != loop.State.Score && a == b {
				together++
			}
			if a != b {
				differ++
			}
		}
	}
	return wrong / n, together / n, differ / n
}

func anywhere(float64) bool { return true }

func TestReadersWithoutNoiseAreRight(t *testing.T) {
	for score := range 4 {
		if wrong, _, differ := readings(t, readerLoops(t, 0, score, 10), anywhere); wrong > 0 || differ > 0 {
			t.Errorf("score %d: %.0f %% wrong, %.0f %% different without noise", score, 100*wrong, 100*differ)
		}
	}
}

func TestReadersErrAtTheBorders(t *testing.T) {
	loops := readerLoops(t, 0.25, 1, 140)
	border := func(s float64) bool { return s < 0.2 || s > 0.8 }
	middle := func(s float64) bool { return s > 0.3 && s < 0.7 }
	atBorder, together, differ := readings(t, loops, border)
	inMiddle, _, _ := readings(t, loops, middle)
	if atBorder < 0.2 || inMiddle > atBorder/2 {
		t.Errorf("wrong at the borders of score 1: %.2f, in its middle: %.2f", atBorder, inMiddle)
	}
	if together < 0.05 || differ < 0.05 {
		t.Errorf("at the borders both err alike in %.2f and differ in %.2f of frames; both must happen", together, differ)
	}
	beside := func(s float64) bool { return s > 0.1 && s < 0.35 }
	low, _, _ := readings(t, loops, beside)
	if high, _, _ := readings(t, readerLoops(t, 0.25, 3, 140), beside); high > 0.6*low {
		t.Errorf("wrong just above the border: %.2f in score 3, %.2f in score 1; white lung is hard to mistake", high, low)
	}
	low, _, all := readings(t, loops, anywhere)
	t.Logf("noise 0.25, score 1: reader A wrong on %.0f %%, both alike on %.0f %% at the borders, differing on %.0f %%", 100*low, 100*together, 100*all)
}
