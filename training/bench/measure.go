package bench

import (
	"context"
	"fmt"
	"image"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/ensemble/weights"
	"lungbox/training/dataset"
	"lungbox/training/fit"
)

// rate is so low that weights hardly change: speed does not depend on them as long as
// they stay numbers.
const rate = 1e-7

// Measure measures one net in this process. The context ends it between steps.
func Measure(ctx context.Context, s Setup) (Net, error) {
	n := Net{Net: s.Net, Precision: s.Precision}
	if err := n.train(ctx, s); err != nil {
		return n, err
	}
	trainer, batch, err := open(s)
	if err != nil {
		return n, err
	}
	defer trainer.Close()
	n.Device = trainer.Device()
	if n.Step, err = median(ctx, s.Steps, func() error { return step(trainer, batch) }); err != nil {
		return n, err
	}
	n.Inference, err = median(ctx, s.Steps, func() error {
		_, err := trainer.Logits(batch.Images)
		return err
	})
	return n, err
}

// train trains as lungtrain fit does, with its pictures prepared and its checkpoint
// saved, and notes memory and waiting.
func (n *Net) train(ctx context.Context, s Setup) error {
	dir, err := os.MkdirTemp("", "lungtrain-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := fit.Paper(s.config())
	c.Steps, c.Rate, c.Augmentation, c.Engine = s.Steps+warm, rate, fit.Standard(), s.options()
	var elapsedWarm, waitedWarm time.Duration
	_, err = fit.Run(ctx, fit.Task{Config: c, Dir: dir, Pools: []fit.Pool{{Name: "bench", Share: 1, Pictures: pictures()}}, Progress: func(p fit.Progress) {
		elapsed := time.Duration(float64(time.Second) * float64(p.Step*Batch) / p.PerSecond)
		waited := time.Duration(p.Waiting * float64(elapsed))
		switch p.Step {
		case warm:
			elapsedWarm, waitedWarm = elapsed, waited
		case p.Steps:
			n.Waiting = (waited - waitedWarm).Seconds() / (elapsed - elapsedWarm).Seconds()
		}
	}})
	if err != nil {
		return err
	}
	n.MemoryMB, err = peak()
	return err
}

// warm is the number of steps before the timed ones: TensorFlow prepares the graph in
// the first.
const warm = 2

// open makes a trainer with weights by a formula, and a batch.
func open(s Setup) (*tensorflow.Trainer, tensorflow.Batch, error) {
	net, err := arch.New(s.config())
	if err != nil {
		return nil, tensorflow.Batch{}, err
	}
	trainer, err := tensorflow.NewTrainer(net, tensorflow.TrainerOptions{Momentum: 0.9, L2: 1e-4, Options: s.options()})
	if err != nil {
		return nil, tensorflow.Batch{}, err
	}
	if err := trainer.Load(weights.Formula(net)); err != nil {
		trainer.Close()
		return nil, tensorflow.Batch{}, err
	}
	size := net.InputShape().Len()
	b := tensorflow.Batch{Images: make([]float32, Batch*size), Labels: make([]float32, Batch*net.Classes)}
	for k, p := range pictures()[:Batch] {
		net.Preprocess(b.Images[k*size:][:size], p.Image)
		b.Labels[k*net.Classes+p.Score] = 1
	}
	return trainer, b, nil
}

func step(t *tensorflow.Trainer, b tensorflow.Batch) error {
	_, _, err := t.Step(b, rate, 1)
	return err
}

// median times n runs after two that do not count.
func median(ctx context.Context, n int, run func() error) (float64, error) {
	var times []float64
	for i := range n + warm {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := run(); err != nil {
			return 0, err
		}
		if i >= warm {
			times = append(times, milliseconds(start))
		}
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

func milliseconds(start time.Time) float64 { return float64(time.Since(start).Microseconds()) / 1000 }

// pictures are crops of 512×512 with structure, two of each score.
func pictures() []dataset.Picture {
	var out []dataset.Picture
	for k := range 2 * arch.Scores {
		img := image.NewGray(image.Rect(0, 0, 512, 512))
		for y := range 512 {
			for x := range 512 {
				img.Pix[y*img.Stride+x] = byte(20*k + (x*y>>7)%160)
			}
		}
		name := fmt.Sprintf("%d.png", k)
		out = append(out, dataset.Picture{Row: dataset.Row{File: name, Frame: -1, Patient: name}, Score: k % arch.Scores, Image: img})
	}
	return out
}

// peak is the largest resident memory that this process had, in megabytes.
func peak() (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	line, _, _ := strings.Cut(after, "\n")
	kB, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 64)
	if err != nil {
		return 0, fmt.Errorf("/proc/self/status: VmHWM: %w", err)
	}
	return kB / 1000, nil
}
