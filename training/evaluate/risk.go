package evaluate

import (
	"cmp"
	"slices"

	"lungbox/ensemble"
)

// Risk is how often the vote errs when it scores only its surest pictures.
type Risk struct {
	Coverage float64 `json:"coverage"` // share of all pictures that are scored
	Wrong    float64 `json:"wrong"`    // share of those that are wrong
	Severe   float64 `json:"severe"`   // share of those that are wrong by two grades or more
}

// RiskCoverage is the risk at falling coverage, in steps of a tenth of all pictures. Those
// without consensus are never scored, so that the first step covers all others.
func RiskCoverage(samples []Sample) []Risk {
	type scored struct {
		sure float64
		off  int
	}
	var all []scored
	for _, s := range samples {
		if d := ensemble.Decide(s.Votes); d.Score != ensemble.None {
			all = append(all, scored{d.Confidence, max(int(d.Score)-s.Truth, s.Truth-int(d.Score))})
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.sure, a.sure) })
	var out []Risk
	for tenths := 10; tenths >= 1; tenths-- {
		n := min(len(all), tenths*len(samples)/10)
		if n == 0 || len(out) > 0 && n == len(all) {
			continue
		}
		wrong, severe := 0, 0
		for _, s := range all[:n] {
			if s.off > 0 {
				wrong++
			}
			if s.off > 1 {
				severe++
			}
		}
		out = append(out, Risk{float64(n) / float64(len(samples)), float64(wrong) / float64(n), float64(severe) / float64(n)})
	}
	return out
}
