package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/ensemble/weights"
	"lungbox/training/dataset"
	"lungbox/training/evaluate"
)

// Progress is the state of a run after a step.
type Progress struct {
	Step, Steps int
	Loss        float64 // mean over the last windowSteps steps
	Accuracy    float64 // on the training batches, over the same steps
	Rate        float64 // learning rate that the step used
	PerSecond   float64 // pictures
	Left        time.Duration
}

// Task is a training to run.
type Task struct {
	Config
	Dir        string
	Pools      []Pool
	Validation []dataset.Picture // may be empty
	Initial    weights.Set       // nil: random weights from the seed
	// Resumed, which may be nil, is called before anything else when the folder has a
	// checkpoint or a finished run, with the number of steps that are done.
	Resumed  func(step int)
	Progress func(Progress) // may be nil; called after every step
}

// ErrDiverged means that the loss stopped being a number; the last checkpoint is
// kept.
var ErrDiverged = errors.New("the training diverged")

// Run trains, going on from a checkpoint of the same settings if the folder has
// one, and returns the trained weights. When the context ends it writes a
// checkpoint and returns the context's error.
func Run(ctx context.Context, t Task) (weights.Set, error) {
	set, err := start(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("fit %s: %w", t.Net.Arch, err)
	}
	return set, nil
}

func start(ctx context.Context, t Task) (weights.Set, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	net, err := arch.New(t.Net)
	if err != nil {
		return nil, err
	}
	r := &run{Task: t, net: net, state: state{Config: t.Config, Pictures: digest(t.Pools), Initial: initialDigest(t.Initial)}}
	if r.sampler, err = newSampler(t.Seed, t.Pools); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(t.Dir, 0o755); err != nil {
		return nil, err
	}
	done, err := r.resume()
	if err != nil {
		return nil, err
	}
	if done != nil {
		r.resumed(t.Steps)
		return done, nil
	}
	r.trainer, err = tensorflow.NewTrainer(net, tensorflow.TrainerOptions{
		Options: r.Engine, Momentum: float32(r.Momentum), L2: float32(r.L2),
	})
	if err != nil {
		return nil, err
	}
	defer r.trainer.Close()
	if err := r.prepare(); err != nil {
		return nil, err
	}
	return r.train(ctx)
}

// run is one run of Run.
type run struct {
	Task
	net     *arch.Net
	sampler *sampler
	trainer *tensorflow.Trainer
	state   state
	loaded  *checkpoint // what to go on from; nil for a new run
	curves  *curves
	step    int // steps done
}

func (r *run) resumed(step int) {
	if r.Resumed != nil {
		r.Resumed(step)
	}
}

// prepare sets the trainer's weights and opens the curves.
func (r *run) prepare() (err error) {
	switch {
	case r.loaded != nil:
		r.step = r.loaded.step
		r.resumed(r.step)
		if err = r.trainer.Load(r.loaded.weights); err == nil {
			err = r.trainer.LoadVelocity(r.loaded.velocity)
		}
	case r.Initial != nil:
		err = r.trainer.Load(r.Initial)
	default:
		err = r.trainer.Load(weights.Random(r.net, r.Seed))
	}
	if err == nil {
		r.curves, err = openCurves(filepath.Join(r.Dir, curvesFile), r.step)
	}
	return err
}

func (r *run) train(ctx context.Context) (weights.Set, error) {
	defer r.curves.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // an error ends the feed
	feed := r.feed(ctx)
	window := newWindow(windowSteps)
	started, first := time.Now(), r.step
	for r.step < r.Steps {
		batch, ok := <-feed
		if !ok {
			return nil, errors.Join(ctx.Err(), r.save())
		}
		step := r.step
		rate := r.rate(step)
		loss, logits, err := r.trainer.Step(batch.Batch, float32(rate), int64(r.Seed)<<20+int64(step))
		if err != nil {
			return nil, err
		}
		if math.IsNaN(float64(loss)) || math.IsInf(float64(loss), 0) {
			return nil, fmt.Errorf("%w: the loss is %v at step %d: try a lower rate in another folder", ErrDiverged, loss, step)
		}
		window.add(float64(loss), hits(logits, batch.scores))
		r.step++
		if r.Progress != nil {
			elapsed := time.Since(started)
			each := elapsed / time.Duration(r.step-first)
			r.Progress(Progress{
				Step: r.step, Steps: r.Steps, Rate: rate, Loss: window.loss(), Accuracy: window.accuracy(),
				PerSecond: float64(r.Batch) / each.Seconds(), Left: each * time.Duration(r.Steps-r.step),
			})
		}
		if r.step%r.Checkpoint == 0 || r.step == r.Steps {
			if err := r.milestone(ctx, window, rate); err != nil {
				return nil, err
			}
		}
	}
	return r.finish()
}

// milestone validates, notes the curves and writes a checkpoint. The end of the context
// waits for it: otherwise the curves would lack a row.
func (r *run) milestone(ctx context.Context, window *window, rate float64) error {
	seen := evaluate.Confusion{}
	logits, err := Logits(context.WithoutCancel(ctx), r.trainer, r.net, r.Validation, nil)
	if err != nil {
		return err
	}
	for i, p := range r.Validation {
		seen.Add(p.Score, highest(logits[i][:]))
	}
	if err := r.curves.add(r.step, rate, window, seen); err != nil {
		return err
	}
	return r.save()
}
