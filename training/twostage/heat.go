package twostage

import (
	"context"

	"lungbox/capture"
	"lungbox/ensemble"
	"lungbox/ensemble/tensorflow"
	"lungbox/training/fit"
	"lungbox/training/report"
)

// explain adds to mistakes where in the picture the vote's score comes from. It runs the three
// nets of the run on these few pictures once more: keeping the maps of all test pictures would
// make the predictions many times as large. Always on the CPU: other trainings may have the GPU.
func (r *Run) explain(ctx context.Context, o *Outcome, mistakes []report.Mistake) error {
	if len(mistakes) == 0 {
		return nil
	}
	var members []ensemble.Member
	for _, t := range r.Tasks() {
		if t.Kind != Selected {
			continue
		}
		net, set, err := fit.LoadWeights(r.path(t.Dir(), fit.WeightsFile), t.Net)
		if err != nil {
			return err
		}
		members = append(members, ensemble.Member{Net: net, Weights: set, Digest: t.Net, Temperature: o.Calibration.Temperatures[t.Net]})
	}
	set, done, err := tensorflow.OpenSet(ctx, members, tensorflow.Options{Device: "cpu", Threads: r.Preset.Machine.Threads, Deterministic: true})
	if err != nil {
		return err
	}
	defer done()
	for i := range mistakes {
		d, err := set.Score(ctx, &capture.Frame{Image: mistakes[i].Picture})
		if err != nil {
			return err
		}
		// Rounding may tip a vote that hangs by a hair: no map rather than one of another score.
		if int(d.Score) == mistakes[i].Score {
			mistakes[i].Heat = d.Heat
		}
	}
	return nil
}
