package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/ensemble/weights"
	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
	"lungbox/training/evaluate"
	"lungbox/training/export"
	"lungbox/training/fit"
)

func newEvaluate() *cobra.Command {
	var data, split string
	var engine engineFlags
	c := &cobra.Command{
		Use:   "evaluate R --data D [--split test]",
		Short: "Measure the three nets of a run and their vote on a dataset",
		Long: `Measure the nets in R/googlenet, R/resnet50 and R/vgg19 and their vote against
the readers, in float32, with the temperatures of R/calibration.json if it is there
(those of a box). The report is printed and kept in R/evaluation.json,
where ` + "`export`" + ` finds it for the model card.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return evaluateRun(c.Context(), args[0], data, split, engine.options())
		},
	}
	c.Flags().StringVar(&data, "data", "", "dataset folder")
	c.Flags().StringVar(&split, "split", "test", "rows of the dataset to use; empty: all")
	engine.add(c)
	commandline.Require(c, "data")
	return c
}

func evaluateRun(ctx context.Context, run, data, split string, opt tensorflow.Options) error {
	table, err := dataset.Read(data)
	if err != nil {
		return err
	}
	bar := newProgress("read " + filepath.Base(data))
	loaded, err := table.Load(ctx, func(r dataset.Row) bool { return split == "" || r.Split == split }, func(done, total int) { bar.Show(done, total, "files") })
	if err != nil {
		return err
	}
	if len(loaded.Pictures) == 0 {
		return fmt.Errorf("%s has no scored pictures with split %q: give another --split, or an empty one for all", data, split)
	}
	samples := make([]evaluate.Sample, len(loaded.Pictures))
	for i, p := range loaded.Pictures {
		samples[i] = evaluate.Sample{Patient: p.Patient, Source: p.Source, Clip: p.Patient + "/" + p.Exam + "/" + p.Zone + "/" + p.Clip, Truth: p.Score}
	}
	temperatures, err := export.Temperatures(run)
	if err != nil {
		return err
	}
	for _, name := range arch.Names() {
		net, set, err := fit.LoadWeights(filepath.Join(run, name, fit.WeightsFile), name)
		if err != nil {
			return err
		}
		logits, err := infer(ctx, net, set, loaded.Pictures, opt)
		if err != nil {
			return err
		}
		for i, l := range logits {
			vote, ok := ensemble.NewVote(name, l, temperatures[name], 0)
			if !ok {
				return fmt.Errorf("%s gives %v on %s", name, l, loaded.Pictures[i].File)
			}
			samples[i].Votes = append(samples[i].Votes, vote)
		}
	}
	report := evaluate.Judge(samples)
	if _, err := fmt.Print(report); err != nil {
		return err
	}
	text, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(run, export.EvaluationFile), text)
}

// infer gives the logits of one net, one row for each picture.
func infer(ctx context.Context, net *arch.Net, set weights.Set, pictures []dataset.Picture, opt tensorflow.Options) ([][ensemble.Scores]float32, error) {
	trainer, err := fit.Open(net, set, opt)
	if err != nil {
		return nil, err
	}
	defer trainer.Close()
	bar := newProgress(net.Arch)
	return fit.Logits(ctx, trainer, net, pictures, func(done, total int) { bar.Show(done, total, "pictures") })
}
