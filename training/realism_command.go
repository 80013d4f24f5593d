package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lungbox/daemon/commandline"
	"lungbox/ensemble/arch"
	"lungbox/training/adapt"
	"lungbox/training/dataset"
	"lungbox/training/fit"
	"lungbox/training/logistic"
	"lungbox/training/realism"
	"lungbox/training/split"
)

func newRealism() *cobra.Command {
	var real, simulated, run string
	var most int
	var engine engineFlags
	c := &cobra.Command{
		Use:   "realism --simulated S --data D [--run R]",
		Short: "Measure how far simulated pictures can be told from real ones",
		Long: `Compare statistics of simulated and real pictures (levels, speckle, grain, spectra, profile
over depth), and let a classifier tell them apart by those, and with --run by the features
of that run's GoogLeNet. It is judged on sources and patients that it has not seen.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if most < 10 {
				return commandline.Usagef("--most %d: want at least 10", most)
			}
			return realismRun(c.Context(), real, simulated, run, most, engine)
		},
	}
	c.Flags().StringVar(&real, "data", "", "dataset of real pictures")
	c.Flags().StringVar(&simulated, "simulated", "", "dataset of simulated pictures")
	c.Flags().StringVar(&run, "run", "", "run whose GoogLeNet to take features of")
	c.Flags().IntVar(&most, "most", 1000, "pictures of either kind, evenly spread")
	engine.add(c)
	commandline.Require(c, "data", "simulated")
	return c
}

func realismRun(ctx context.Context, real, simulated, run string, most int, engine engineFlags) error {
	var pictures [2][]dataset.Picture
	var groups [2][]string
	var rows [2][][]float64
	for i, dir := range []string{real, simulated} {
		pool, _, err := loadPool(ctx, dir, func(string) bool { return true })
		if err != nil {
			return err
		}
		pictures[i] = every(pool.Pictures, most)
		for _, p := range pictures[i] {
			group := p.Patient
			if i == 0 {
				group = split.SiteOf(p.Source)
			}
			groups[i] = append(groups[i], group)
		}
		if rows[i], err = statistics(ctx, pictures[i]); err != nil {
			return err
		}
	}
	fmt.Printf("%-22s %16s %18s %22s\n", "", "real", "simulated", "distance (0 to 1)")
	for _, d := range realism.Compare(rows[0], rows[1]) {
		fmt.Printf("%-22s %8.3f ± %5.3f %10.3f ± %5.3f %15.2f\n", d.Name, d.Real[0], d.Real[1], d.Simulated[0], d.Simulated[1], d.Distance)
	}
	const folds = 5
	fmt.Printf("\ntold apart by these statistics: %.1f %% (50 %% is chance)\n", 100*realism.Classify(rows[0], rows[1], groups[0], groups[1], folds))
	if run == "" {
		return nil
	}
	net, set, err := fit.LoadWeights(filepath.Join(run, arch.GoogLeNet, fit.WeightsFile), arch.GoogLeNet)
	if err != nil {
		return err
	}
	for i := range pictures {
		features, err := adapt.FeaturesOf(ctx, net, set, pictures[i], engine.options())
		if err != nil {
			return err
		}
		rows[i] = logistic.Wide(features)
	}
	fmt.Printf("told apart by %s's features: %.1f %%\n", arch.GoogLeNet, 100*realism.Classify(rows[0], rows[1], groups[0], groups[1], folds))
	return nil
}

func statistics(ctx context.Context, pictures []dataset.Picture) ([][]float64, error) {
	rows := make([][]float64, len(pictures))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.NumCPU())
	for i, p := range pictures {
		work.Go(func() error {
			rows[i] = realism.Measure(p.Image)
			return ctx.Err()
		})
	}
	return rows, work.Wait()
}
