// Package adapt trains nets for which there are few real pictures: first on simulated
// pictures alone, then on those mixed with the real ones, and keeps weights between the
// two (Wortsman et al. 2022, arXiv 2109.01903). What was learnt from physics holds for
// every scanner, what was learnt from few real clips holds for theirs: the weights between
// lose little of either.
//
// A run is a folder:
//
//	first/NET/    the training on simulated pictures, see package fit
//	second/NET/   that on simulated and real pictures, from there
//	NET/          the weights between
//
// Everything goes on after an interruption.
package adapt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
	"lungbox/training/fit"
	"lungbox/training/preset"
)

// alone is how many times as long real pictures alone are trained on as with nets that
// have learnt from simulated ones.
const alone = 3

// Folders of a run, beside those of the nets.
const (
	First  = "first"
	Second = "second"
)

// Run is a training of the three nets.
type Run struct {
	Preset    *preset.Preset
	Dir       string
	First     string   // folder of the first trainings; "": in Dir
	Simulated fit.Pool // empty: real pictures alone, from random weights
	Real      fit.Pool // empty: simulated pictures alone
	Others    fit.Pool // pictures that are no lung, without scores; may be empty
	Again     uint64   // changes the seed of the second training only
	// Watch, which may be nil, is told after every step of a training.
	Watch func(net, part string, p fit.Progress)
	// Resumed, which may be nil, is told of a training that goes on or is done.
	Resumed func(net, part string, step int)
}

// Net trains one net, or goes on with it, and returns its description and weights.
func (r *Run) Net(ctx context.Context, name string) (*arch.Net, weights.Set, error) {
	net, err := arch.New(r.Preset.Arch(name))
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(r.Dir, name, fit.WeightsFile)
	_, set, err := fit.LoadWeights(path, name)
	if err == nil {
		return net, set, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	if set, err = r.train(ctx, name); err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, nil, err
	}
	return net, set, fit.SaveWeights(path, net, set)
}

func (r *Run) train(ctx context.Context, name string) (set weights.Set, err error) {
	first := r.Preset.Fit(name, 0)
	adapt := r.Preset.Adapt
	var from weights.Set
	if len(r.Simulated.Pictures) > 0 {
		dir := r.First
		if dir == "" {
			dir = r.Dir
		}
		if from, err = r.fit(ctx, name, First, filepath.Join(dir, First, name), fit.Task{Config: first, Pools: r.with([]fit.Pool{r.Simulated})}); err != nil {
			return nil, err
		}
	}
	if len(r.Real.Pictures) == 0 {
		return from, nil
	}
	second := first
	second.Seed, second.Sampling = first.Seed+1000+100*r.Again, fit.Sources
	task := fit.Task{Config: second, Initial: from, Pools: []fit.Pool{r.Real}}
	if from == nil {
		// A few hundred pictures are learnt by heart long before the first training's end.
		task.Steps = min(first.Steps, alone*adapt.Steps)
	} else {
		task.Steps, task.Rate, task.Guide = adapt.Steps, first.Rate*adapt.Rate, max(first.Guide, adapt.Guide)
		simulated, real := r.Simulated, r.Real
		simulated.Share, real.Share = 1-adapt.Share, adapt.Share
		task.Pools = []fit.Pool{simulated, real}
	}
	task.Pools = r.with(task.Pools)
	task.Checkpoint = task.Steps
	to, err := r.fit(ctx, name, Second, filepath.Join(r.Dir, Second, name), task)
	if err != nil || from == nil {
		return to, err
	}
	return Between(from, to, adapt.Between)
}

// with adds the pictures that are no lung, if there are any, to pools of lungs.
func (r *Run) with(pools []fit.Pool) []fit.Pool {
	if len(r.Others.Pictures) == 0 {
		return pools
	}
	lungs := 0.0
	for _, p := range pools {
		lungs += p.Share
	}
	others := r.Others
	others.Share = lungs * r.Preset.Adapt.Others / (1 - r.Preset.Adapt.Others)
	return append(pools, others)
}

func (r *Run) fit(ctx context.Context, name, part, dir string, t fit.Task) (weights.Set, error) {
	t.Dir = dir
	if r.Watch != nil {
		t.Progress = func(p fit.Progress) { r.Watch(name, part, p) }
	}
	if r.Resumed != nil {
		t.Resumed = func(step int) { r.Resumed(name, part, step) }
	}
	return fit.Run(ctx, t)
}

// Between is the mean of two sets of weights of one net, with this share of the second.
func Between(a, b weights.Set, share float64) (weights.Set, error) {
	out := weights.Set{}
	for name, from := range a {
		to, ok := b[name]
		if !ok || len(to.Data) != len(from.Data) {
			return nil, fmt.Errorf("adapt: %s has other weights in the two trainings: remove the folder and train again", name)
		}
		mean := make([]float32, len(from.Data))
		for i, v := range from.Data {
			mean[i] = float32((1-share)*float64(v) + share*float64(to.Data[i]))
		}
		out[name] = weights.Tensor{Shape: from.Shape, Data: mean}
	}
	return out, nil
}
