package evaluate

import (
	"testing"

	"lungbox/ensemble"
)

// The surest pictures come first; those without consensus are in no step.
func TestRiskCoverage(t *testing.T) {
	var samples []Sample
	for i := range 10 {
		sure := 0.5 + 0.04*float64(i)
		truth := 1
		if i < 3 {
			truth = 3 // the three least sure are wrong by two
		}
		votes := []ensemble.Vote{{Score: 1, Probs: [Scores]float64{0, sure, 0, 0}}, {Score: 1, Probs: [Scores]float64{0, sure, 0, 0}}}
		if i == 9 {
			votes[0].Probs[1], votes[1].Score = 0.5, 2 // no consensus
		}
		samples = append(samples, Sample{Truth: truth, Votes: votes})
	}
	r := RiskCoverage(samples)
	if len(r) != 9 || r[0].Coverage != 0.9 || r[0].Wrong != 3.0/9 || r[0].Severe != 3.0/9 {
		t.Fatalf("first step %+v of %d", r[0], len(r))
	}
	if last := r[len(r)-1]; last.Coverage != 0.1 || last.Wrong != 0 {
		t.Errorf("last step %+v", last)
	}
}
