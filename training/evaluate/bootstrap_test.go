package evaluate

import (
	"math"
	"slices"
	"testing"
)

// draws of the tests: the deviation of the bootstrap is itself off by about
// 1/√(2·draws), 0.5 %; four times that is asked for.
const (
	draws      = 20000
	noise      = 0.02
	perPatient = 9
)

// alike makes n patients with nine pictures each, all of one patient right or all wrong:
// patient k is right when right says so.
func alike(n int, right func(k int) bool) (samples []Sample) {
	for k := range n {
		for range perPatient {
			s := Sample{Patient: string(rune('A' + k))}
			if right(k) {
				s.Truth = 1
			}
			samples = append(samples, s)
		}
	}
	return samples
}

// share is the mean of the truths.
func share(samples []Sample) float64 {
	sum := 0
	for _, s := range samples {
		sum += s.Truth
	}
	return float64(sum) / float64(len(samples))
}

// With 12 of 25 patients right, the patients drawn right are binomial: deviation and
// percentiles are known without any drawing.
func TestBootstrapIsOverPatients(t *testing.T) {
	const n, k = 25, 12
	samples := alike(n, func(patient int) bool { return patient < k })
	p := float64(k) / n
	got := Bootstrap(samples, draws, 1, share)
	if got.Point != p {
		t.Errorf("point %v, want %v", got.Point, p)
	}
	if want := math.Sqrt(p * (1 - p) / n); math.Abs(got.SE/want-1) > noise {
		t.Errorf("deviation %v, want √(var/n) = %v", got.SE, want)
	}
	low, high := float64(binomial(n, p, 0.025))/n, float64(binomial(n, p, 0.975))/n
	if math.Abs(got.Low-low) > 1e-9 || math.Abs(got.High-high) > 1e-9 {
		t.Errorf("%v to %v, want %v to %v", got.Low, got.High, low, high)
	}

	// The same pictures, each as a patient of its own: what a draw of pictures would
	// give. It is √9 times narrower, far outside what is let pass above.
	for i := range samples {
		samples[i].Patient = string(rune(i + 1000))
	}
	if narrow := Bootstrap(samples, draws/10, 1, share); math.Abs(3*narrow.SE/got.SE-1) > 0.1 {
		t.Errorf("drawing pictures: deviation %v, want a third of %v", narrow.SE, got.SE)
	}
}

// binomial is the smallest count whose cumulative probability exceeds share. It panics
// where the draws could not tell it from its neighbours: when share lies within four
// deviations of a cumulative probability.
func binomial(n int, p, share float64) int {
	sum, chance := 0.0, math.Pow(1-p, float64(n))
	for k := 0; ; k++ {
		sum += chance
		if margin := 4 * math.Sqrt(share*(1-share)/draws); math.Abs(sum-share) < margin {
			panic("the percentile lies on a step: choose other numbers")
		}
		if sum > share {
			return k
		}
		chance *= float64(n-k) / float64(k+1) * p / (1 - p)
	}
}

// Every draw has as many patients as there are, each with all their pictures.
func TestBootstrapKeepsPatientsWhole(t *testing.T) {
	pictures := map[string]int{"a": 1, "b": 4, "c": 9, "d": 2}
	var samples []Sample
	for i := range 9 { // the patients' pictures are mixed
		for _, name := range []string{"a", "b", "c", "d"} {
			if i < pictures[name] {
				samples = append(samples, Sample{Patient: name, Truth: i})
			}
		}
	}
	calls, repeated := 0, false
	Bootstrap(samples, 50, 3, func(drawn []Sample) float64 {
		calls++
		seen := map[picture]int{}
		for _, s := range drawn {
			seen[picture{s.Patient, s.Truth}]++
		}
		patients := 0
		for name, n := range pictures {
			first := seen[picture{name, 0}]
			for i := range n {
				if seen[picture{name, i}] != first {
					t.Fatalf("patient %s: pictures 0 and %d were drawn %d and %d times", name, i, first, seen[picture{name, i}])
				}
			}
			patients += first
			repeated = repeated || first > 1
		}
		if patients != len(pictures) {
			t.Fatalf("%d patients drawn of %d", patients, len(pictures))
		}
		return 0
	})
	if calls != 51 || !repeated { // the point, and 50 draws
		t.Errorf("%d calls, drawn with replacement: %v", calls, repeated)
	}
}

// picture names one of TestBootstrapKeepsPatientsWhole.
type picture struct {
	patient string
	number  int
}

func TestBootstrapSeeds(t *testing.T) {
	samples := alike(11, func(k int) bool { return k%3 == 0 })
	a, b := Bootstrap(samples, 500, 7, share), Bootstrap(samples, 500, 7, share)
	if a != b {
		t.Errorf("one seed, two intervals: %+v and %+v", a, b)
	}
	if c := Bootstrap(samples, 500, 8, share); c.SE == a.SE {
		t.Errorf("two seeds, one deviation: %+v", c)
	}
}

// Too few patients to tell: the interval is the point.
func TestBootstrapOfFewPatients(t *testing.T) {
	for n := range 6 {
		samples := alike(n, func(k int) bool { return k == 0 })
		statistic := func(s []Sample) float64 { return share(append(s, Sample{})) } // of nothing too
		got := Bootstrap(samples, 500, 1, statistic)
		point := Interval{Point: statistic(samples), Low: statistic(samples), High: statistic(samples)}
		if n < 3 && got != point {
			t.Errorf("%d patients: %+v, want %+v", n, got, point)
		}
		if n >= 3 && !(got.Low < got.Point && got.Point < got.High && got.SE > 0) {
			t.Errorf("%d patients: %+v has no width", n, got)
		}
		if none := Bootstrap(samples, 0, 1, statistic); none != point {
			t.Errorf("no draws: %+v, want %+v", none, point)
		}
	}
}

// Of two ways that are right on nearly the same patients, each varies much and their
// difference little: 20 and 16 of 40 patients, all of the 16 among the 20.
func TestDifferenceIsPaired(t *testing.T) {
	const n = 40
	a := alike(n, func(k int) bool { return k < 20 })
	b := alike(n, func(k int) bool { return k < 16 })
	got := Difference(a, b, draws, 1, share, share)
	if math.Abs(got.Point-0.1) > 1e-12 {
		t.Errorf("point %v, want 0.1", got.Point)
	}
	// A patient's difference is 1 with chance 0.1, else 0. Unpaired, the deviation would
	// be √((0.5·0.5 + 0.4·0.6)/40), 2.3 times that.
	if want := math.Sqrt(0.1 * 0.9 / n); math.Abs(got.SE/want-1) > noise {
		t.Errorf("deviation %v, want %v", got.SE, want)
	}
	if self := Difference(a, a, 500, 1, share, share); self != (Interval{}) {
		t.Errorf("a set against itself: %+v", self)
	}
	forth, back := Difference(a, b, 500, 1, share, share), Difference(b, a, 500, 1, share, share)
	if back.Point != -forth.Point || math.Abs(back.Low+forth.High) > 1e-12 || math.Abs(back.High+forth.Low) > 1e-12 {
		t.Errorf("turned round: %+v, was %+v", back, forth)
	}
}

func TestPercentileFollowsNumpy(t *testing.T) {
	for _, c := range reference(t).Percentiles {
		sorted := slices.Sorted(slices.Values(c.Values))
		for i, at := range c.Shares {
			same(t, percentile(sorted, at), c.Want[i], "a percentile")
		}
	}
}
