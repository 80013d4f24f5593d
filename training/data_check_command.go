package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/training/dataset/check"
)

func newCheck() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check D",
		Short: "Find what spoils a dataset, before anything is trained on it",
		Long: `Read a dataset's table and every picture, and list what is wrong with file and row:
rows that cannot be read, missing and broken files, a picture or a file twice, a patient in two splits, a score without
pictures (these end with exit code 1); and what a person should look at: pictures of
different patients or splits that are nearly the same, writing beside the fan,
pictures without a patient.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return checkData(c.Context(), args[0], asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print counts and faults as JSON lines")
	return c
}

func checkData(ctx context.Context, dir string, asJSON bool) error {
	bar := newProgress("check")
	report, err := check.Check(ctx, dir, func(done, total int) { bar.Show(done, total, "files") })
	if err != nil {
		return err
	}
	if asJSON {
		lines := json.NewEncoder(os.Stdout)
		for _, c := range report.Tally() {
			if err := lines.Encode(c); err != nil {
				return err
			}
		}
		for _, f := range report.Faults {
			if err := lines.Encode(f); err != nil {
				return err
			}
		}
	} else {
		printCheck(report)
	}
	if serious := slices.ContainsFunc(report.Faults, check.Fault.Serious); serious {
		return commandline.ErrReported
	}
	return nil
}

func printCheck(r *check.Report) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tpatients\tscore 0\tscore 1\tscore 2\tscore 3\treaders differ\tunscored\t")
	row := func(name string, c check.Counts) {
		fmt.Fprintf(table, "%s\t%d\t", name, len(c.Patients))
		for _, n := range c.Score {
			fmt.Fprintf(table, "%d\t", n)
		}
		fmt.Fprintf(table, "%d\t%d\t\n", c.Differing, c.Unscored)
	}
	const most = 20 // public sets have a source for every clip
	shown, left := map[string]int{}, map[string]int{}
	for _, c := range r.Tally() {
		if shown[c.Group]++; shown[c.Group] > most {
			left[c.Group]++
			continue
		}
		name := c.Group
		if c.Group != "all" {
			name += " " + strconv.Quote(c.Name)
		}
		row(name, c.Counts)
	}
	for _, group := range slices.Sorted(maps.Keys(left)) {
		fmt.Fprintf(table, "… and %d more of %s (--json lists all)\t\n", left[group], group)
	}
	table.Flush()
	fmt.Println()
	for _, f := range r.Faults {
		where := ""
		if f.Row > 0 {
			where = fmt.Sprintf("row %d, %s: ", f.Row, f.File)
		}
		fmt.Printf("%s: %s%s\n", f.Kind, where, f.What)
	}
	if len(r.Faults) == 0 {
		fmt.Printf("nothing wrong with %d pictures\n", r.Pictures)
		return
	}
	fmt.Printf("%d faults in %d pictures\n", len(r.Faults), r.Pictures)
}
