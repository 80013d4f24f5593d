package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/ensemble/arch"
	"lungbox/sync/atomicfile"
	"lungbox/training/adapt"
	"lungbox/training/dataset"
	"lungbox/training/explain"
	"lungbox/training/export"
	"lungbox/training/failures"
	"lungbox/training/fit"
	"lungbox/training/preset"
	"lungbox/training/split"
)

// adaptFlags are the settings of `lungtrain adapt` and `lungtrain crossvalidate`.
type adaptFlags struct {
	preset, simulated, real, others string
	out, first                      string
	group                           string
	folds, repeats                  int
	keep                            float64
	engine                          engineFlags
}

func (f *adaptFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.preset, "preset", "field", "recipe: field, or a file that ends in .toml")
	c.Flags().StringVar(&f.simulated, "simulated", "", "dataset of simulated pictures, to learn from first")
	c.Flags().StringVar(&f.real, "data", "", "dataset of real pictures")
	c.Flags().StringVar(&f.others, "others", "", "dataset of pictures that are no lung (lungtrain data others)")
	c.Flags().StringVarP(&f.out, "output", "o", "", "folder of the run")
	c.Flags().StringVar(&f.first, "first", "", "folder of a run whose first trainings to go on from; its own without")
	f.engine.add(c)
	commandline.Require(c, "output")
}

func newAdapt() *cobra.Command {
	f := &adaptFlags{}
	c := &cobra.Command{
		Use:   "adapt --simulated S --data D -o R",
		Short: "Train the three nets where real clips are few: simulated pictures first, then both",
		Long: `Train the three nets on simulated pictures, go on with those and the real ones mixed,
and keep the weights between the two. Pictures with split "test" are never read.

Without --data the nets learn from simulated pictures alone, without --simulated from
real ones alone. The same command goes on after an interruption.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.adapt(c.Context()) },
	}
	f.add(c)
	return c
}

func newCrossvalidate() *cobra.Command {
	f := &adaptFlags{}
	c := &cobra.Command{
		Use:   "crossvalidate --simulated S --data D --group patient|source -o R",
		Short: "Judge the recipe of lungtrain adapt on pictures it never saw",
		Long: `Divide the real pictures, leave out one part after the other, train on the rest as
lungtrain adapt does, and judge the part that was left out.

--group patient leaves out patients. --group source leaves out all that one web site,
paper or hospital published: clips of one source have one look and often one score, so
that figures by patient flatter. Test and training splits of the dataset are not looked at.

The same command goes on after an interruption.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.crossvalidate(c.Context()) },
	}
	f.add(c)
	c.Flags().StringVar(&f.group, "group", split.Patient, "what is left out as a whole: patient or source")
	c.Flags().IntVar(&f.folds, "folds", 0, "parts; 0: 5 of patients, one for each source")
	c.Flags().IntVar(&f.repeats, "repeats", 1, "times, each with other parts and another seed")
	c.Flags().Float64Var(&f.keep, "keep", 1, "share of the patients that are trained on, for a learning curve")
	commandline.Require(c, "data")
	return c
}

// load reads preset and pictures.
func (f *adaptFlags) load(ctx context.Context, keep func(split string) bool) (adapt.Run, error) {
	run := adapt.Run{Dir: f.out, First: f.first}
	var err error
	if run.Preset, err = preset.Load(f.preset); err != nil {
		return run, err
	}
	if run.Preset.Adapt == (preset.Adapt{}) {
		return run, fmt.Errorf("preset %s has no [adapt]: want field, or a file with it", f.preset)
	}
	o := f.engine.options()
	run.Preset.Machine.Device, run.Preset.Machine.Threads, run.Preset.Machine.MixedPrecision = o.Device, o.Threads, o.MixedPrecision
	if f.simulated == "" && f.real == "" {
		return run, commandline.Usagef("want --simulated, --data or both")
	}
	for dir, to := range map[string]*fit.Pool{f.simulated: &run.Simulated, f.real: &run.Real} {
		if dir == "" {
			continue
		}
		if *to, _, err = loadPool(ctx, dir, keep); err != nil {
			return run, err
		}
	}
	if max(run.Preset.Train.Guide, run.Preset.Adapt.Guide) > 0 && f.simulated != "" {
		if err := markSigns(f.simulated, run.Simulated.Pictures); err != nil {
			return run, err
		}
	}
	if f.others != "" {
		if run.Others, err = loadOthers(ctx, f.others); err != nil {
			return run, err
		}
	}
	var bar *commandline.Progress
	task := ""
	run.Watch = func(net, part string, p fit.Progress) {
		if name := part + " " + net; name != task {
			task, bar = name, newProgress(name)
		}
		bar.Show(p.Step, p.Steps, fmt.Sprintf("loss %.4f  accuracy %.1f %%  %.0f pictures/s  %s left", p.Loss, 100*p.Accuracy, p.PerSecond, p.Left.Round(time.Second)))
	}
	return run, nil
}

// markSigns notes where the signs of simulated pictures lie.
func markSigns(dir string, pictures []dataset.Picture) error {
	known, err := readTruths(dir)
	if err != nil {
		return err
	}
	const side = 64
	for i := range pictures {
		p := &pictures[i]
		truth, err := known.of(p.File)
		if err != nil {
			return err
		}
		p.Signs = explain.Signs(truth, p.Image.Rect.Dx(), side).Picture()
	}
	return nil
}

// loadOthers reads pictures that are no lung: none of them may have a score.
func loadOthers(ctx context.Context, dir string) (fit.Pool, error) {
	d, err := dataset.Read(dir)
	if err != nil {
		return fit.Pool{}, err
	}
	pictures, err := d.LoadAll(ctx, nil)
	if err != nil {
		return fit.Pool{}, err
	}
	for _, p := range pictures {
		if p.Score != dataset.Unscored {
			return fit.Pool{}, fmt.Errorf("%s: %s has a score: want pictures that are no lung", dir, p.File)
		}
	}
	return fit.Pool{Name: dir, Share: 1, Pictures: pictures}, nil
}

func (f *adaptFlags) adapt(ctx context.Context) error {
	run, err := f.load(ctx, func(s string) bool { return s != "test" })
	if err != nil {
		return err
	}
	for _, name := range arch.Names() {
		if _, _, err := run.Net(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (f *adaptFlags) crossvalidate(ctx context.Context) error {
	v := adapt.Validation{Group: f.group, Folds: f.folds, Repeats: f.repeats, Keep: f.keep}
	switch f.group {
	case split.Patient:
		if v.Folds == 0 {
			v.Folds = 5
		}
	case split.Source:
		v.Group = split.Site
	default:
		return commandline.Usagef("--group %q: want patient or source", f.group)
	}
	if f.repeats < 1 || f.folds < 0 || !(f.keep > 0 && f.keep <= 1) {
		return commandline.Usagef("--repeats %d, --folds %d, --keep %v: want 1 or more, 0 or more, more than 0 and at most 1", f.repeats, f.folds, f.keep)
	}
	run, err := f.load(ctx, func(string) bool { return true })
	if err != nil {
		return err
	}
	if v.Folds == 0 {
		v.Folds = adapt.Groups(run.Real.Pictures, v.Group)
	}
	v.Fold = func(repeat, fold, folds int) {
		say("repeat %d of %d, part %d of %d", repeat+1, f.repeats, fold+1, folds)
	}
	judged, err := adapt.Crossvalidate(ctx, run, v)
	if err != nil {
		return err
	}
	o, err := adapt.Judge(judged, run.Preset.Evaluate.Bootstrap, run.Preset.Seed)
	if err != nil {
		return err
	}
	o.Group, o.Folds, o.Repeats, o.Keep = f.group, v.Folds, f.repeats, f.keep
	if _, err := fmt.Print(o); err != nil {
		return err
	}
	if f.group == split.Patient && f.keep == 1 {
		if err := f.keepTemperatures(o.Honesty); err != nil {
			return err
		}
	}
	if f.keep == 1 {
		verdicts, err := adapt.Verdicts(judged)
		if err != nil {
			return err
		}
		if err := failures.Write(filepath.Join(f.out, failures.File(f.group)), verdicts); err != nil {
			return err
		}
	}
	return o.Write(f.out)
}

// keepTemperatures writes the temperatures of all left-out pictures where `lungtrain export`
// looks for those of a run.
func (f *adaptFlags) keepTemperatures(h adapt.Honesty) error {
	text, err := json.MarshalIndent(export.Calibration{Temperatures: h.Temperatures}, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(f.out, export.CalibrationFile), text)
}
