package release

import (
	"context"
	"fmt"
	"math"

	"lungbox/ensemble"
)

// Try runs every net on every golden frame and reports the largest difference in
// probability from what the release says. An error means that the release must
// not score on this engine.
func (r *Release) Try(ctx context.Context, engine ensemble.Engine) (worst float64, err error) {
	all := make([]int, len(r.Nets))
	for i := range all {
		all[i] = i
	}
	for k, frame := range r.frames {
		g := r.Golden[k]
		outputs, err := engine.Logits(ctx, frame, all)
		if err != nil {
			return worst, fmt.Errorf("golden frame %s: %w", g.File, err)
		}
		for i, n := range r.Nets {
			vote, ok := ensemble.NewVote(n.Arch, outputs[i].Logits, n.Temperature, 0)
			if !ok {
				return worst, fmt.Errorf("golden frame %s: %s gave %v", g.File, n.Arch, outputs[i].Logits)
			}
			for s, p := range vote.Probs {
				worst = max(worst, math.Abs(p-g.Probs[n.Arch][s]))
			}
		}
	}
	if worst > r.GoldenTolerance {
		return worst, fmt.Errorf("golden frames: probabilities differ by %.3f, at most %.3f is allowed: this engine does not compute what was trained", worst, r.GoldenTolerance)
	}
	return worst, nil
}
