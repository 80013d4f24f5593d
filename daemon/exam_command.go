package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/daemon/exam"
	"lungbox/ensemble"
	"lungbox/sync/journal"
	"lungbox/sync/spreadsheet"
)

func newExam() *cobra.Command {
	group := &cobra.Command{Use: "exam", Short: "List the exams that are kept, and write one out; the box may run meanwhile"}
	var s settings
	var asJSON bool
	var format, out string
	list := &cobra.Command{
		Use: "list", Short: "List the newest exams with their sums",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.withArchive(c.Context(), func(a *journal.Archive, _ kept) error { return listExams(c.Context(), a, c.OutOrStdout(), asJSON) })
		},
	}
	list.Flags().BoolVar(&asJSON, "json", false, "one JSON object for each exam, a line each")
	export := &cobra.Command{
		Use: "export EXAM", Short: "Write one exam as a table: a line for each clip, and for each zone that is missing",
		Long: `Write one exam as a table: a line for each clip, and for each zone that is missing. EXAM
is its id, or the beginning of one. The score that counts stands beside that of the AI and
what a person said.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if format != "csv" {
				return commandline.Usagef("--format %s: want csv", format)
			}
			return s.withArchive(c.Context(), func(a *journal.Archive, _ kept) error {
				return exportExam(c.Context(), a, args[0], out, c.OutOrStdout())
			})
		},
	}
	export.Flags().StringVar(&format, "format", "csv", "csv")
	export.Flags().StringVarP(&out, "output", "o", "", "file to write; standard output without it")
	marked := &cobra.Command{
		Use: "labels FOLDER", Short: "Write the clips that a person has scored as a dataset for lungtrain",
		Long: `Write the clips that a person has scored as a dataset for lungtrain: the best frame of
each, with that score as reader_a's. Patients and exams get other names than on the box, the
same for the same pseudonym. Pictures that seem to show writing are left out.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withArchive(c.Context(), func(a *journal.Archive, k kept) error {
				l := labels{archive: a, clips: &examiner{folder: filepath.Join(k.state, clipFolder), key: k.key}, source: boxName(k.config.Box.Name)}
				return l.write(c.Context(), args[0], c.OutOrStdout())
			})
		},
	}
	for _, c := range []*cobra.Command{list, export, marked} {
		c.Flags().StringVar(&s.file, "config", "", "configuration file")
		group.AddCommand(c)
	}
	return group
}

// withArchive opens what the box has kept, for reading.
func (s *settings) withArchive(ctx context.Context, do func(*journal.Archive, kept) error) error {
	k, err := s.kept()
	if err != nil {
		return err
	}
	a, err := journal.OpenArchive(ctx, k.journal(), k.key)
	if err != nil {
		return err
	}
	return errors.Join(do(a, k), a.Close())
}

// listed is an exam in short.
type listed struct {
	ID      string         `json:"id"`
	Label   string         `json:"label"`
	Scheme  string         `json:"scheme"`
	Started time.Time      `json:"started"`
	Ended   *time.Time     `json:"ended"` // null: not yet, or cut off
	Clips   int            `json:"clips"`
	Total   int            `json:"total"` // of the zones that are not missing
	Worst   ensemble.Score `json:"worst"`
	Missing int            `json:"missing"`
}

func listExams(ctx context.Context, a *journal.Archive, w io.Writer, asJSON bool) error {
	all, err := a.Exams(ctx, lately)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintln(table, "EXAM\tBEGUN\tPSEUDONYM\tZONES\tCLIPS\tTOTAL\tWORST\tMISSING")
	}
	for _, e := range all {
		clips, err := a.Clips(ctx, e.ID)
		if err != nil {
			return err
		}
		p := exam.Scheme(e.Scheme).Protocol(counting(clips))
		l := listed{ID: e.ID, Label: e.Label, Scheme: e.Scheme, Started: e.Started, Clips: len(clips), Total: p.Total, Worst: p.Worst, Missing: p.Missing}
		if !e.Ended.IsZero() {
			l.Ended = &e.Ended
		}
		if !asJSON {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%v\t%d of %d\n", l.ID, l.Started.Local().Format("2006-01-02 15:04"), l.Label, l.Scheme, l.Clips, l.Total, l.Worst, l.Missing, len(p.Zones))
			continue
		}
		text, err := json.Marshal(l)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n", text)
	}
	return table.Flush()
}

func exportExam(ctx context.Context, a *journal.Archive, name, out string, stdout io.Writer) error {
	all, err := a.Exams(ctx, 1<<20)
	if err != nil {
		return err
	}
	var found []journal.Exam
	for _, e := range all {
		if e.ID == name || name != "" && strings.HasPrefix(e.ID, name) {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("%d exams begin with %q: `lungbox exam list` has them all", len(found), name)
	}
	clips, err := a.Clips(ctx, found[0].ID)
	if err != nil {
		return err
	}
	if out == "" {
		return examTable(stdout, found[0], clips)
	}
	f, err := os.OpenFile(out, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // it may be about a patient
	if err != nil {
		return err
	}
	return errors.Join(examTable(f, found[0], clips), f.Close())
}

// examTable writes an exam as CSV.
func examTable(w io.Writer, e journal.Exam, clips []journal.Clip) error {
	table := csv.NewWriter(w)
	rows := [][]string{{"exam", "pseudonym", "scheme", "begun", "zone", "clip", "recorded", "score", "ai_score", "human_score", "discarded", "reason", "frames", "frames_scored", "best_result"}}
	row := func(zone string, rest ...string) {
		rows = append(rows, append([]string{e.ID, spreadsheet.Cell(e.Label), e.Scheme, e.Started.UTC().Format(time.RFC3339), zone}, rest...))
	}
	for _, z := range exam.Scheme(e.Scheme).Protocol(counting(clips)).Zones {
		none := true
		for _, c := range clips {
			if c.Zone != z.Name {
				continue
			}
			none = false
			score, human, discarded, reason := c.Score, "", "false", ""
			if h := c.Human; h != nil {
				score, discarded, reason = h.Score, strconv.FormatBool(h.Discard), spreadsheet.Cell(h.Reason)
				if !h.Discard {
					human = number(h.Score)
				}
			}
			row(z.Name, strconv.Itoa(c.Number), c.Started.UTC().Format(time.RFC3339), number(score), number(c.Score), human, discarded, reason, strconv.Itoa(c.Frames), strconv.Itoa(c.Scored), strconv.FormatUint(c.Best, 10))
		}
		if none {
			row(z.Name, "", "", "", "", "", "", "", "", "", "")
		}
	}
	return table.WriteAll(rows)
}

// number is a score, "" for none: never 0.
func number(s ensemble.Score) string {
	if s == ensemble.None {
		return ""
	}
	return strconv.Itoa(int(s))
}
