package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/training/export"
	"lungbox/training/preset"
	"lungbox/training/twostage"
)

// runFlags are the settings of `lungtrain run`.
type runFlags struct {
	preset, data, out      string
	group, folds, filter   string
	decisions, device      string
	seed                   uint64
	jobs, threads          int
	mixed, dryRun, prepare bool
	wait                   bool
	initial                []string
	release                releaseFlags
}

func newRun() *cobra.Command {
	f := &runFlags{}
	c := &cobra.Command{
		Use:   "run --preset paper|edge|demo --data D --out R",
		Short: "Do all that the paper does: select, train, judge, calibrate, export, report",
		Long: `Run the two-stage pipeline of Xing et al. 2022 on a dataset: take off the test
patients, train five ResNet-50 that judge the pictures they have not seen, keep what
they get right, train the three nets on it, measure nets and vote on the test
patients, calibrate, export a release and write report.html.

The same command goes on after Ctrl-C, a crash or a power cut. R holds all that was
done; its run.toml says every setting. --preset takes a file too: copy one with
lungtrain run --preset paper --show and change it.

On many machines: --prepare makes the run and files for Slurm and Kubernetes, whose
jobs call lungtrain task; then the same command without --prepare finishes it.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c) },
	}
	flags := c.Flags()
	flags.StringVar(&f.preset, "preset", "paper", "recipe: "+strings.Join(preset.Names(), ", ")+", or a .toml file")
	flags.StringVar(&f.data, "data", "", "dataset folder")
	flags.StringVar(&f.out, "out", "", "folder of the run")
	flags.StringVar(&f.group, "group", "", "what must not be torn apart: patient, source or site")
	flags.StringVar(&f.folds, "folds", "", "number of folds, or paper: folds picture by picture, which leaks")
	flags.StringVar(&f.filter, "filter", "", "what stage one removes: paper, confident or none")
	flags.StringVar(&f.decisions, "decisions", "", "table of a person's decisions (keep, drop, relabel), from the contact sheet")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of everything random")
	flags.StringSliceVar(&f.initial, "init", nil, "ARCH=FILE: weights to start from (lungtrain weights import)")
	flags.StringVar(&f.device, "device", "", "auto, cpu or gpu:N")
	flags.IntVar(&f.jobs, "jobs", 0, "trainings side by side; 0: one for each GPU, or what the CPU does best")
	flags.IntVar(&f.threads, "threads", 0, "CPU threads of each training; 0: all, divided by the jobs")
	flags.BoolVar(&f.mixed, "mixed-precision", false, "compute in half precision where it is safe")
	flags.BoolVar(&f.dryRun, "dry-run", false, "take one step of every stage and export: to see that all works")
	flags.BoolVar(&f.prepare, "prepare", false, "only make the run, with files for Slurm and Kubernetes")
	flags.BoolVar(&f.wait, "wait", false, "wait for trainings that lungtrain task does elsewhere, instead of doing them")
	f.release.add(flags)
	flags.Bool("show", false, "print the preset and end")
	return c
}

func (f *runFlags) run(c *cobra.Command) error {
	if show, err := c.Flags().GetBool("show"); err == nil && show {
		return showPreset(f.preset)
	}
	if f.data == "" || f.out == "" {
		return commandline.Usagef("--data and --out are needed; see %s --help", c.CommandPath())
	}
	p, err := f.settings(c)
	if err != nil {
		return commandline.UsageError{Err: err}
	}
	if err := f.release.check(); err != nil {
		return err
	}
	litert, err := f.release.open() // before hours of work, not after
	if err != nil {
		return err
	}
	ctx := c.Context()
	bar := newProgress("prepare pictures")
	run, err := twostage.Prepare(ctx, f.out, f.data, p, f.dryRun, func(done, total int) { bar.Show(done, total, "files") })
	if err != nil {
		return err
	}
	defer run.Close()
	for _, w := range run.State.Warnings {
		say("%s", w)
	}
	if f.decisions != "" {
		if err := run.Decide(f.decisions); err != nil {
			return err
		}
	}
	if f.prepare {
		return prepared(f, run)
	}
	if err := f.train(ctx, run); err != nil {
		return err
	}
	outcome, err := run.Judge()
	if err != nil {
		return err
	}
	if _, err := fmt.Print(outcome); err != nil {
		return err
	}
	options := f.release.options(litert, export.Options{})
	err = hushed(func() error { return run.Export(ctx, options) })
	if reporting := run.Report(ctx, version); err == nil {
		err = reporting // there is a report of a run whose export was refused, too
	}
	if err != nil {
		return err
	}
	say("report: %s", filepath.Join(f.out, twostage.ReportFile))
	say("removed pictures, to look through: %s", filepath.Join(f.out, twostage.ContactSheet))
	say("release: %s", filepath.Join(f.out, "release"))
	return nil
}

func showPreset(name string) error {
	text, err := preset.Text(name)
	if err != nil {
		return commandline.Usagef("preset %q: want %s", name, strings.Join(preset.Names(), ", "))
	}
	_, err = os.Stdout.Write(text)
	return err
}

// train runs the trainings in processes of their own and shows how far they are, all in
// one line.
func (f *runFlags) train(ctx context.Context, run *twostage.Run) error {
	tasks := run.Tasks()
	view := &trainings{
		bar: newProgress("train"), steps: run.Preset.Train.Steps, total: len(tasks), started: time.Now(),
		last: map[int]twostage.TaskProgress{}, names: map[int]string{}, first: map[int]int{},
	}
	for _, t := range tasks {
		if run.Done(t) {
			view.before++
		}
	}
	if view.before > 0 {
		say("%s: %d of %d trainings are done", f.out, view.before, len(tasks))
	}
	if f.wait {
		return others(ctx, run)
	}
	err := run.Train(ctx, startChild(f.out), view.show)
	view.bar.Clear()
	if errors.Is(err, context.Canceled) {
		say("interrupted after %s: the same command goes on from there", time.Since(view.started).Round(time.Second))
	}
	return err
}

// others waits until other processes have done all trainings.
func others(ctx context.Context, run *twostage.Run) error {
	bar := newProgress("wait for trainings")
	for {
		done, tasks := 0, run.Tasks()
		for _, t := range tasks {
			if run.Done(t) {
				done++
			}
		}
		bar.Show(done, len(tasks), "trainings done by others")
		if done == len(tasks) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Second):
		}
	}
}
