package fit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"lungbox/ensemble"
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
	Waiting     float64 // share of the time that steps waited for pictures
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
	Logged   func(Row)      // may be nil; called with every row of the curves
}

// Row is a row of curves.csv.
type Row struct {
	Step                      int
	Rate, Loss, Accuracy      float64
	Validation                bool // the next two were measured
	ValidationAccuracy, Kappa float64
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
	r := &run{Task: t, net: net, state: state{Config: t.Config, Pictures: digest(t.Pools, t.Guide > 0), Initial: initialDigest(t.Initial)}}
	if r.sampler, err = newSampler(t.Seed, t.Sampling, t.Pools); err != nil {
		return nil, err
	}
	if t.ClassWeights {
		r.weights = classWeights(t.Pools)
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
		Options: r.Engine, Momentum: float32(r.Momentum), L2: float32(r.L2), Guide: float32(r.Guide),
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
	weights [ensemble.Scores]float32 // of the loss, by score; with ClassWeights
	step    int                      // steps done
	since   interval                 // since the last row of the curves
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
		r.step, r.since = r.loaded.step, r.loaded.since
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
		r.curves, err = openCurves(filepath.Join(r.Dir, CurvesFile), r.step)
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
	var waited time.Duration
	for r.step < r.Steps {
		asked := time.Now()
		batch, ok := <-feed
		waited += time.Since(asked)
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
			return nil, fmt.Errorf("%w: the loss is %v at step %d on the batch %s: look at these pictures, or try a lower rate in another folder", ErrDiverged, loss, step, batch.names())
		}
		right := hits(logits, batch.pictures)
		window.add(float64(loss), float64(right)/float64(r.Batch))
		r.since.add(float64(loss), right, r.Batch)
		r.step++
		if r.Progress != nil {
			elapsed := time.Since(started)
			each := elapsed / time.Duration(r.step-first)
			r.Progress(Progress{
				Step: r.step, Steps: r.Steps, Rate: rate, Loss: window.loss(), Accuracy: window.accuracy(),
				PerSecond: float64(r.Batch) / each.Seconds(), Left: each * time.Duration(r.Steps-r.step),
				Waiting: waited.Seconds() / elapsed.Seconds(),
			})
		}
		if err := r.milestone(ctx, rate); err != nil {
			return nil, err
		}
	}
	return r.finish()
}

// milestone notes the curves and writes a checkpoint when it is time to.
func (r *run) milestone(ctx context.Context, rate float64) error {
	checkpoint := r.step%r.Checkpoint == 0 || r.step == r.Steps
	if !checkpoint && r.step%r.Log != 0 {
		return nil
	}
	row := Row{Step: r.step, Rate: rate, Loss: r.since.loss(), Accuracy: r.since.accuracy()}
	var seen *evaluate.Confusion
	if checkpoint && len(r.Validation) > 0 {
		var err error
		if seen, err = r.validate(ctx); err != nil {
			return err
		}
		row.Validation, row.ValidationAccuracy, row.Kappa = true, seen.Accuracy(), seen.Kappa()
	}
	if err := r.curves.add(r.step, rate, r.since, seen); err != nil {
		return err
	}
	r.since = interval{}
	if r.Logged != nil {
		r.Logged(row)
	}
	if !checkpoint {
		return nil
	}
	return r.save()
}

// validate scores the validation pictures. The end of the context waits for it:
// otherwise the curves would lack a row.
func (r *run) validate(ctx context.Context) (*evaluate.Confusion, error) {
	seen := &evaluate.Confusion{}
	logits, err := Logits(context.WithoutCancel(ctx), r.trainer, r.net, r.Validation, nil)
	if err != nil {
		return nil, err
	}
	for i, p := range r.Validation {
		seen.Add(p.Score, highest(logits[i][:]))
	}
	return seen, nil
}
