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
		row(table, g.Of+" − "+g.Over, outcomes, gain(i))
	}
	if truths[0] != nil {
		row(table, "wrong labels removed, %", truths, func(t *twostage.Truth) float64 { return 100 * t.RemovedWrong })
		row(table, "right labels kept, %", truths, func(t *twostage.Truth) float64 { return 100 * t.KeptRight })
		row(table, "vote against the truth, %", truths, func(t *twostage.Truth) float64 { return 100 * t.Vote })
		row(table, "readers against the truth, %", truths, func(t *twostage.Truth) float64 { return 100 * t.Readers })
	}
	table.Flush()
	fmt.Println()
	for i, what := range []string{"The vote against the best single net", "Selection against no selection, by vote"} {
		if i < len(outcomes[0].Gains) {
			fmt.Println(verdict(what, outcomes, i))
		}
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

// verdict says whether a gain over several runs is more than twice its standard error:
// the deviation between the runs, or the mean one of their bootstraps over patients,
// whichever is larger, divided by the root of the number of runs.
func verdict(what string, runs []*twostage.Outcome, i int) string {
	figure := gain(i)
	n, mean, square := float64(len(runs)), 0.0, 0.0
	for _, r := range runs {
		mean += figure(r) / n
	}
	for _, r := range runs {
		square += (figure(r) - mean) * (figure(r) - mean) / max(1, n-1)
	}
	bootstrap := 0.0
	for _, r := range runs {
		if i < len(r.Gains) {
			bootstrap += 100 * r.Gains[i].Points.SE / n
		}
	}
	se := max(math.Sqrt(square), bootstrap) / math.Sqrt(n)
	word := "not shown to be a gain: it is within twice its error"
	switch {
	case mean > 2*se:
		word = "a gain beyond twice its error"
	case mean < -2*se:
		word = "a LOSS beyond twice its error"
	}
	return fmt.Sprintf("%s: %+.2f points of accuracy, standard error %.2f over %d runs (deviation between runs %.2f, bootstrap over patients %.2f): %s.", what, mean, se, len(runs), math.Sqrt(square), bootstrap, word)
}
