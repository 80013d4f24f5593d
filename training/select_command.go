package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"lungbox/training/twostage"
)

func newSelect() *cobra.Command {
	var decisions string
	c := &cobra.Command{
		Use:   "select R [--decisions F]",
		Short: "Show what stage one of a run removed, and take a person's decisions",
		Long: `Print what stage one keeps of every fold and score (the paper's Table 4) and write
the contact sheet R/removed.html, on which a person can decide about every picture.
--decisions takes the table that the sheet saves; lungtrain run then trains stage two
again on what was decided. The former nets are put aside, nothing is deleted.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return selectRun(c.Context(), args[0], decisions) },
	}
	c.Flags().StringVar(&decisions, "decisions", "", "table of decisions: file,frame,decision,score,note")
	return c
}

func selectRun(_ context.Context, dir, decisions string) error {
	run, err := twostage.Open(dir)
	if err != nil {
		return err
	}
	defer run.Close()
	if decisions != "" {
		if err := run.Decide(decisions); err != nil {
			return err
		}
	}
	if err := run.Select(); err != nil {
		return fmt.Errorf("select %s: %w", dir, err)
	}
	summary, err := run.Selection()
	if err != nil {
		return err
	}
	if _, err := fmt.Print(summary); err != nil {
		return err
	}
	say("removed pictures, to look through: %s", filepath.Join(dir, twostage.ContactSheet))
	return nil
}

func newReport() *cobra.Command {
	c := &cobra.Command{
		Use:   "report R",
		Short: "Measure a finished run again and write its report.html",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			run, err := twostage.Open(args[0])
			if err != nil {
				return err
			}
			defer run.Close()
			outcome, err := run.Judge()
			if err != nil {
				return err
			}
			if err := run.Report(c.Context(), version); err != nil {
				return err
			}
			if _, err := fmt.Print(outcome); err != nil {
				return err
			}
			say("report: %s", filepath.Join(args[0], twostage.ReportFile))
			return nil
		},
	}
	return c
}
