package twostage

import (
	"math"
	"strings"
	"testing"

	"lungbox/training/evaluate"
)

// A sentence says no more than the test patients can show.
func TestSentence(t *testing.T) {
	for want, i := range map[string]evaluate.Interval{
		": better.":                       {Point: 0.02, Low: 0.01, High: 0.03, SE: 0.005},
		": WORSE.":                        {Point: -0.02, Low: -0.03, High: -0.01, SE: 0.005},
		"test patients could show.":       {Point: 0.02, Low: -0.01, High: 0.03, SE: 0.02},
		"too few test patients to say.":   {Point: 0.02, Low: 0.02, High: 0.02},
		"+0.0 points of accuracy (95 % o": {},
	} {
		if got := sentence("The vote", i); !strings.Contains(got, want) {
			t.Errorf("%v: %q, want %q", i, got, want)
		}
	}
	two := []evaluate.Sample{{Patient: "p1", Truth: 1}, {Patient: "p2", Truth: 2}}
	i := evaluate.Difference(two, two, 50, 1, func([]evaluate.Sample) float64 { return 1 }, func([]evaluate.Sample) float64 { return 0.5 })
	if got := sentence("The vote", i); math.IsNaN(i.Low) || !strings.Contains(got, "too few test patients") {
		t.Errorf("two patients: %q", got)
	}
}
