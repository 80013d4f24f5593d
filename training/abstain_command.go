package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"lungbox/capture/gate"
	"lungbox/daemon/commandline"
	"lungbox/ensemble/arch"
	"lungbox/sync/atomicfile"
	"lungbox/training/adapt"
	"lungbox/training/dataset"
	"lungbox/training/export"
	"lungbox/training/fit"
	"lungbox/training/outliers"
)

func newAbstain() *cobra.Command {
	var real, simulated string
	var each, known int
	var lost float64
	var engine engineFlags
	c := &cobra.Command{
		Use:   "abstain R --data D [--simulated S]",
		Short: "Learn what is unlike the training of a run, and measure what a box refuses",
		Long: `Learn where the features of R's GoogLeNet lie for the pictures of D and S, set the
threshold so that --lost of the pictures of D are refused when their source is left out, and
keep the detector as R/novelty.json, where lungtrain export finds it.

Then print what box and detector refuse of pictures that are no lung: simulated organs, test
cards, menus, photographs and noise.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if each < 1 || known < 0 || !(lost > 0 && lost < 1) {
				return commandline.Usagef("--each %d, --known %d, --lost %v: want 1 or more, 0 or more, between 0 and 1", each, known, lost)
			}
			return abstain(c.Context(), args[0], real, simulated, each, known, lost, engine)
		},
	}
	c.Flags().StringVar(&real, "data", "", "dataset of real pictures")
	c.Flags().StringVar(&simulated, "simulated", "", "dataset of simulated pictures that were trained on")
	c.Flags().IntVar(&each, "each", 100, "pictures of each kind that is no lung")
	c.Flags().IntVar(&known, "known", 2000, "simulated pictures to learn from")
	c.Flags().Float64Var(&lost, "lost", 0.05, "share of real pictures that may be refused")
	engine.add(c)
	commandline.Require(c, "data")
	return c
}

func abstain(ctx context.Context, run, real, simulated string, each, known int, lost float64, engine engineFlags) error {
	const name = arch.GoogLeNet // the cheapest, and every vote runs it
	net, set, err := fit.LoadWeights(filepath.Join(run, name, fit.WeightsFile), name)
	if err != nil {
		return err
	}
	everything := func(string) bool { return true }
	pool, _, err := loadPool(ctx, real, everything)
	if err != nil {
		return err
	}
	var more fit.Pool
	if simulated != "" {
		if more, _, err = loadPool(ctx, simulated, everything); err != nil {
			return err
		}
		more.Pictures = every(more.Pictures, known)
	}
	features := func(p []dataset.Picture) ([][]float32, error) {
		return adapt.FeaturesOf(ctx, net, set, p, engine.options())
	}
	realFeatures, err := features(pool.Pictures)
	if err != nil {
		return err
	}
	moreFeatures, err := features(more.Pictures)
	if err != nil {
		return err
	}
	lesson := &adapt.Lesson{Net: name, Real: pool.Pictures, RealFeatures: realFeatures, Known: more.Pictures, KnownFeatures: moreFeatures, Others: map[string][][]float32{}}
	gated, fresh := map[string][]bool{}, map[string][][]float32{}
	for _, kind := range outliers.Kinds() {
		learnt, others := make([]dataset.Picture, each), make([]dataset.Picture, each)
		for i := range learnt {
			learnt[i].Image, others[i].Image = outliers.Draw(1, kind, i, 256), outliers.Draw(2, kind, i, 256)
			unfit, _ := gate.Default().Assess(others[i].Image)
			gated[string(kind)] = append(gated[string(kind)], unfit != "")
		}
		if lesson.Others[string(kind)], err = features(learnt); err != nil {
			return err
		}
		if fresh[string(kind)], err = features(others); err != nil {
			return err
		}
	}
	detector, refused, err := lesson.Detector(lost)
	if err != nil {
		return err
	}
	fmt.Printf("of %d real pictures %.1f %% are refused when their source is left out\n\n", len(pool.Pictures), 100*refused)
	fmt.Println("refused by   gate   detector   either   detector that has never seen the kind, or gate")
	line := func(kind string, n [4]int, all int) {
		fmt.Printf("  %-10s %3.0f %% %8.0f %% %6.0f %% %10.0f %%\n", kind, percent(n[0], all), percent(n[1], all), percent(n[2], all), percent(n[3], all))
	}
	var total [4]int
	for _, kind := range outliers.Kinds() {
		unseen, err := lesson.Unseen(string(kind), detector)
		if err != nil {
			return err
		}
		var n [4]int
		for i, row := range fresh[string(kind)] {
			byGate, byDetector := gated[string(kind)][i], detector.Refuses(row)
			for k, refuses := range []bool{byGate, byDetector, byGate || byDetector, byGate || unseen.Refuses(row)} {
				if refuses {
					n[k]++
					total[k]++
				}
			}
		}
		line(string(kind), n, each)
	}
	line("all", total, each*len(outliers.Kinds()))
	text, err := json.Marshal(detector)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(run, export.NoveltyFile), text)
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(of) }

// every takes n pictures, evenly spread.
func every(pictures []dataset.Picture, n int) []dataset.Picture {
	if n == 0 || len(pictures) <= n {
		return pictures
	}
	out := make([]dataset.Picture, n)
	for i := range out {
		out[i] = pictures[i*len(pictures)/n]
	}
	return out
}
