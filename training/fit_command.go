package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/ensemble/weights"
	"lungbox/training/dataset"
	"lungbox/training/fit"
)

// fitFlags are the settings of `lungtrain fit`.
type fitFlags struct {
	config  fit.Config
	data    []string
	out     string
	initial string
	plain   bool
	engine  engineFlags
}

func newFit() *cobra.Command {
	f := &fitFlags{config: fit.Paper(arch.Full(arch.ResNet50))}
	c := &cobra.Command{
		Use:   "fit --arch A --data D[=SHARE]... -o DIR",
		Short: "Train one net (defaults: Table 2 of the paper)",
		Long: `Train one net by stochastic gradient descent with momentum on cross-entropy.
The defaults are Table 2 of Xing et al. 2022. Pictures with split "train" or no
split are trained on, those with "validation" are watched; "test" is never read.

Several --data folders are mixed: --data SIM=1 --data REAL=3 takes three of four
pictures from REAL. Within a folder scores and clips are drawn evenly.

The same command goes on after an interruption.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c.Context()) },
	}
	flags := c.Flags()
	flags.StringVar(&f.config.Net.Arch, "arch", "", "resnet50, vgg19 or googlenet")
	flags.Float64Var(&f.config.Net.Width, "width", 1, "multiplier on every channel count")
	flags.IntVar(&f.config.Net.Input, "input", 224, "side of the net's input in pixels")
	flags.StringArrayVar(&f.data, "data", nil, "dataset folder, with =SHARE when there are several")
	flags.StringVarP(&f.out, "output", "o", "", "folder of the run")
	flags.StringVar(&f.initial, "init", "", "weights to start from (.safetensors of this net); random without")
	flags.IntVar(&f.config.Steps, "steps", f.config.Steps, "batches")
	flags.IntVar(&f.config.Batch, "batch", f.config.Batch, "pictures in a batch")
	flags.Float64Var(&f.config.Rate, "rate", f.config.Rate, "learning rate")
	flags.Float64Var(&f.config.Momentum, "momentum", f.config.Momentum, "momentum")
	flags.Float64Var(&f.config.L2, "l2", f.config.L2, "L2 regularisation of kernels and matrices")
	flags.StringVar(&f.config.Schedule, "schedule", f.config.Schedule, "learning rate over the run: constant or cosine")
	flags.Float64Var(&f.config.Smoothing, "smoothing", 0, "label smoothing")
	flags.StringVar(&f.config.Sampling, "sampling", f.config.Sampling, "balanced over scores and clips, or shuffled")
	flags.BoolVar(&f.config.ClassWeights, "class-weights", false, "weigh the loss of rare scores up")
	flags.BoolVar(&f.plain, "no-augmentation", false, "train on the pictures as they are stored")
	flags.Uint64Var(&f.config.Seed, "seed", 1, "seed of weights, order, augmentation and dropout")
	flags.IntVar(&f.config.Checkpoint, "checkpoint", f.config.Checkpoint, "steps between checkpoints")
	f.engine.add(c)
	commandline.Require(c, "arch", "data", "output")
	return c
}

func (f *fitFlags) run(ctx context.Context) error {
	net, err := arch.New(f.config.Net)
	if err != nil {
		return commandline.UsageError{Err: err}
	}
	if err := f.config.Check(); err != nil {
		return commandline.UsageError{Err: err}
	}
	if !f.plain {
		f.config.Augmentation = fit.Standard()
	}
	f.config.Engine = f.engine.options()
	task := fit.Task{Config: f.config, Dir: f.out}
	for _, argument := range f.data {
		pool, validation, err := loadPool(ctx, argument, func(s string) bool { return s != dataset.Test })
		if err != nil {
			return err
		}
		task.Pools = append(task.Pools, pool)
		task.Validation = append(task.Validation, validation...)
	}
	if f.initial != "" {
		if task.Initial, _, err = weights.LoadFile(f.initial); err != nil {
			return err
		}
		if err := weights.Check(net, task.Initial); err != nil {
			return fmt.Errorf("%s: %w", f.initial, err)
		}
	} else if _, err := os.Stat(f.out); err != nil { // a new run
		say("%s starts from random weights: imported ImageNet weights (lungtrain weights import) need far fewer pictures", net.Arch)
	}
	bar := newProgress("fit " + net.Arch)
	task.Resumed = func(step int) {
		if step == task.Steps {
			say("%s is trained already", f.out)
		} else {
			say("%s goes on from step %d", f.out, step)
		}
	}
	step := 0
	task.Progress = func(p fit.Progress) {
		step = p.Step
		bar.Show(p.Step, p.Steps, fmt.Sprintf("loss %.4f  accuracy %.1f %%  rate %.2g  %.0f pictures/s  %s left",
			p.Loss, 100*p.Accuracy, p.Rate, p.PerSecond, p.Left.Round(time.Second)))
	}
	_, err = fit.Run(ctx, task)
	if errors.Is(err, context.Canceled) && step > 0 {
		bar.Clear()
		say("interrupted after step %d: the same command goes on from there", step)
	}
	return err
}

// loadPool reads a --data argument, a folder, or folder=share, as far as keep holds of the
// split.
func loadPool(ctx context.Context, argument string, keep func(split string) bool) (fit.Pool, []dataset.Picture, error) {
	dir := argument
	pool := fit.Pool{Share: 1}
	if at := strings.LastIndexByte(argument, '='); at >= 0 {
		dir = argument[:at]
		share, err := strconv.ParseFloat(argument[at+1:], 64)
		if err != nil || !(share > 0) {
			return pool, nil, commandline.Usagef("--data %s: the share after = must be a number above 0", argument)
		}
		pool.Share = share
	}
	pool.Name = dir
	data, err := dataset.Read(dir)
	if err != nil {
		return pool, nil, err
	}
	bar := newProgress("read " + filepath.Base(dir))
	loaded, err := data.Load(ctx, func(r dataset.Row) bool { return keep(r.Split) }, func(done, total int) { bar.Show(done, total, "files") })
	if err != nil {
		return pool, nil, err
	}
	if loaded.Differing+loaded.Unscored > 0 {
		say("%s: discarded %d pictures on which the readers differ and %d without a score", dir, loaded.Differing, loaded.Unscored)
	}
	var validation []dataset.Picture
	for _, p := range loaded.Pictures {
		if p.Split == dataset.Validation {
			validation = append(validation, p)
		} else {
			pool.Pictures = append(pool.Pictures, p)
		}
	}
	return pool, validation, nil
}

// engineFlags are TensorFlow's settings, the same for all commands that use it.
type engineFlags struct{ o tensorflow.Options }

func (e *engineFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&e.o.Device, "device", "auto", "auto, cpu or gpu:N")
	c.Flags().IntVar(&e.o.Threads, "threads", 0, "CPU threads; 0: all")
	c.Flags().BoolVar(&e.o.MixedPrecision, "mixed-precision", false, "compute in half precision where it is safe")
	c.Flags().Float64Var(&e.o.MemoryFraction, "memory-fraction", 0, "share of a GPU's memory to take at once; 0: as needed")
	c.Flags().BoolVar(&e.o.Deterministic, "deterministic", false, "same bits every time, somewhat slower")
}

func (e *engineFlags) options() tensorflow.Options { return e.o }
