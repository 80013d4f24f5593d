package export

import (
	"context"
	"errors"
	"fmt"
	"math"

	"lungbox/ensemble"
	"lungbox/ensemble/litert"
	"lungbox/ensemble/release"
	"lungbox/tflite"
	"lungbox/tflite/convert"
	"lungbox/training/dataset"
)

// GoldenFrames is how many frames a release is tried with.
const GoldenFrames = 8

// spread picks n pictures, or all if there are fewer: as many of each score as there
// are, and those of a score evenly over their order, because neighbours are alike.
func spread(pictures []dataset.Picture, n int) []dataset.Picture {
	var byScore [ensemble.Scores][]dataset.Picture
	for _, p := range pictures {
		byScore[p.Score] = append(byScore[p.Score], p)
	}
	var take [ensemble.Scores]int
	for left := min(n, len(pictures)); left > 0; {
		for score := range take {
			if left > 0 && take[score] < len(byScore[score]) {
				take[score]++
				left--
			}
		}
	}
	var picked []dataset.Picture
	for score, count := range take {
		for i := range count {
			picked = append(picked, byScore[score][(2*i+1)*len(byScore[score])/(2*count)])
		}
	}
	return picked
}

// engines are the same nets in float32 and as a box runs them.
type engines struct{ exact, rounded *litert.Engine }

// openBoth converts the nets; scratch is a folder for them.
func openBoth(ctx context.Context, members []ensemble.Member, library *tflite.Library, scratch string) (*engines, error) {
	exact, err := litert.New(ctx, library, members, litert.Options{Threads: 2, Precision: convert.Float32, Cache: scratch})
	if err != nil {
		return nil, err
	}
	rounded, err := litert.New(ctx, library, members, litert.Options{Threads: 2, Precision: convert.Int8, Cache: scratch})
	if err != nil {
		exact.Close()
		return nil, err
	}
	return &engines{exact, rounded}, nil
}

func (e *engines) close() {
	e.exact.Close()
	e.rounded.Close()
}

// golden runs the nets on pictures and returns them as golden frames, with the largest
// difference in probability between int8 and float32 on them.
func (e *engines) golden(ctx context.Context, pictures []dataset.Picture, members []ensemble.Member) (frames []release.Frame, worst float64, err error) {
	if len(pictures) == 0 {
		return nil, 0, errors.New("no scored pictures for golden frames: give a dataset that has some")
	}
	for _, p := range pictures {
		want, err := probabilities(ctx, e.exact, members, p)
		if err != nil {
			return nil, 0, err
		}
		got, err := probabilities(ctx, e.rounded, members, p)
		if err != nil {
			return nil, 0, err
		}
		for name := range want {
			for s := range want[name] {
				worst = max(worst, math.Abs(want[name][s]-got[name][s]))
			}
		}
		frames = append(frames, release.Frame{Picture: p.Image, Probs: want})
	}
	return frames, worst, nil
}

// probabilities are those of every net, by its name, on one picture.
func probabilities(ctx context.Context, engine ensemble.Engine, members []ensemble.Member, p dataset.Picture) (map[string][ensemble.Scores]float64, error) {
	all := make([]int, len(members))
	for i := range all {
		all[i] = i
	}
	outputs, err := engine.Logits(ctx, p.Image, all)
	if err != nil {
		return nil, err
	}
	probs := map[string][ensemble.Scores]float64{}
	for i, m := range members {
		vote, ok := ensemble.NewVote(m.Net.Arch, outputs[i].Logits, m.Temperature, 0)
		if !ok {
			return nil, fmt.Errorf("%s gives %v on %s", m.Net.Arch, outputs[i].Logits, p.File)
		}
		probs[m.Net.Arch] = vote.Probs
	}
	return probs, nil
}
