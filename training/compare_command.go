package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lungbox/training/twostage"
)

func newCompare() *cobra.Command {
	return &cobra.Command{
		Use:   "compare R...",
		Short: "Put finished runs side by side, such as those of several seeds",
		Long: `Print the accuracy of every way to score for each of several finished runs, and the
gains of vote and selection with their mean and standard error over the runs. Of
simulated data, whose true scores are known, also how many wrongly labelled pictures
selection removed and how many rightly labelled ones it kept.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return compare(args) },
	}
}

func compare(dirs []string) error {
	var outcomes []*twostage.Outcome
	var truths []*twostage.Truth
	for _, dir := range dirs {
		outcome, truth, err := measured(dir)
		if err != nil {
			return err
		}
		outcomes, truths = append(outcomes, outcome), append(truths, truth)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "accuracy, %\t")
	for _, dir := range dirs {
		fmt.Fprintf(table, "%s\t", filepath.Base(dir))
	}
	fmt.Fprintln(table, "mean\t")
	for i, a := range outcomes[0].Arms {
		row(table, a.Name, outcomes, func(o *twostage.Outcome) float64 {
			if i >= len(o.Arms) {
				return math.NaN()
			}
			return 100 * o.Arms[i].Accuracy.Point
		})
	}
	for i, g := range outcomes[0].Gains {
		name := g.Of + " − " + g.Over
		if i == 0 {
			name = g.Of + " − best single net" // another one in every run
		}
		row(table, name, outcomes, gain(i))
	}
	ablation := len(outcomes[0].Gains) > 1
	if truths[0] != nil {
		row(table, "wrong labels removed, %", truths, func(t *twostage.Truth) float64 { return 100 * t.RemovedWrong })
		row(table, "right labels kept, %", truths, func(t *twostage.Truth) float64 { return 100 * t.KeptRight })
		fmt.Fprintln(table, "against the true scores:\t")
		row(table, "readers' common score", truths, func(t *twostage.Truth) float64 { return 100 * t.Readers })
		row(table, "vote, with selection", truths, func(t *twostage.Truth) float64 { return 100 * t.Vote })
		row(table, "best single net, with selection", truths, func(t *twostage.Truth) float64 { return 100 * t.Best })
		if ablation {
			row(table, "vote, without selection", truths, func(t *twostage.Truth) float64 { return 100 * t.Unselected })
		}
	}
	table.Flush()
	fmt.Println()
	for i, what := range []string{"The vote against the best single net", "Selection against no selection, by vote"} {
		if i < len(outcomes[0].Gains) {
			bootstrap := 0.0
			for _, o := range outcomes {
				bootstrap += 100 * o.Gains[i].Points.SE / float64(len(outcomes))
			}
			fmt.Println(verdict(what, figures(outcomes, gain(i)), bootstrap))
		}
	}
	if truths[0] != nil {
		fmt.Println(verdict("Against the true scores, the vote against the best single net", figures(truths, func(t *twostage.Truth) float64 { return 100 * (t.Vote - t.Best) }), 0))
	}
	if truths[0] != nil && ablation {
		fmt.Println(verdict("Against the true scores, selection against no selection, by vote", figures(truths, func(t *twostage.Truth) float64 { return 100 * (t.Vote - t.Unselected) }), 0))
	}
	return nil
}

func measured(dir string) (*twostage.Outcome, *twostage.Truth, error) {
	run, err := twostage.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	defer run.Close()
	outcome, err := run.Judge()
	if err != nil {
		return nil, nil, err
	}
	truth, err := run.Truth()
	return outcome, truth, err
}

func gain(i int) func(o *twostage.Outcome) float64 {
	return func(o *twostage.Outcome) float64 {
		if i >= len(o.Gains) {
			return math.NaN()
		}
		return 100 * o.Gains[i].Points.Point
	}
}

// row prints a figure of every run and their mean.
func row[T any](table *tabwriter.Writer, name string, runs []T, figure func(T) float64) {
	fmt.Fprintf(table, "%s\t", name)
	sum := 0.0
	for _, r := range runs {
		v := figure(r)
		sum += v
		fmt.Fprintf(table, "%.1f\t", v)
	}
	fmt.Fprintf(table, "%.1f\t\n", sum/float64(len(runs)))
}

func figures[T any](runs []T, figure func(T) float64) (out []float64) {
	for _, r := range runs {
		out = append(out, figure(r))
	}
	return out
}

// verdict says whether a gain over several runs is more than twice its standard error:
// the deviation between the runs, or the mean one of their bootstraps over patients,
// whichever is larger, divided by the root of the number of runs.
func verdict(what string, gains []float64, bootstrap float64) string {
	n, mean, square := float64(len(gains)), 0.0, 0.0
	for _, g := range gains {
		mean += g / n
	}
	for _, g := range gains {
		square += (g - mean) * (g - mean) / max(1, n-1)
	}
	se := max(math.Sqrt(square), bootstrap) / math.Sqrt(n)
	word := "NOT shown to be a gain, within twice its error"
	switch {
	case len(gains) < 2:
		word = "one run shows nothing about seeds"
	case mean > 2*se:
		word = "a gain beyond twice its error"
	case mean < -2*se:
		word = "a LOSS beyond twice its error"
	}
	return fmt.Sprintf("%s: %+.2f points of accuracy, standard error %.2f over %d runs: %s.", what, mean, se, len(gains), word)
}
