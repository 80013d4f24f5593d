package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"lungbox/daemon/commandline"
	"lungbox/daemon/config"
	"lungbox/daemon/exam"
	"lungbox/daemon/report"
	"lungbox/ensemble"
	"lungbox/sync/atomicfile"
	"lungbox/sync/journal"
)

func newExam() *cobra.Command {
	group := &cobra.Command{Use: "exam", Short: "List the exams that are kept, and write one out; the box may run meanwhile"}
	var s settings
	var asJSON bool
	var x export
	list := &cobra.Command{
		Use: "list", Short: "List the newest exams with their sums",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.withArchive(c.Context(), func(a *journal.Archive, _ kept) error { return listExams(c.Context(), a, c.OutOrStdout(), asJSON) })
		},
	}
	list.Flags().BoolVar(&asJSON, "json", false, "one JSON object for each exam, a line each")
	exporting := &cobra.Command{
		Use: "export EXAM", Short: "Write one exam as a table, a PDF, a DICOM structured report or pictures",
		Long: `Write one exam. EXAM is its id, or the beginning of one.

csv  a line for each clip, and for each zone that is missing
pdf  a report to print
sr   a DICOM structured report (TID 1500)
sc   the clips' best frames as DICOM Secondary Captures, into the folder of --output

The score that counts stands beside that of the AI and what a person said.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if formats[x.format] == nil {
				return commandline.Usagef("--format %s: want sr, sc, pdf or csv", x.format)
			}
			if x.language != "" && !slices.Contains(report.Languages(), x.language) {
				return commandline.Usagef("--language %s: want %s", x.language, strings.Join(report.Languages(), ", "))
			}
			return s.withArchive(c.Context(), func(a *journal.Archive, k kept) error {
				return x.write(c.Context(), newReporter(a, k), args[0], c.OutOrStdout())
			})
		},
	}
	exporting.Flags().StringVar(&x.format, "format", "csv", "sr, sc, pdf or csv")
	exporting.Flags().StringVar(&x.language, "language", "", "of the PDF: "+strings.Join(report.Languages(), ", "))
	exporting.Flags().StringVarP(&x.out, "output", "o", "", "file to write, for sc a folder; standard output without it")
	sending := &cobra.Command{
		Use: "send EXAM", Short: "Send one exam's report to the archive now, again if it has it",
		Long: `Send one exam's report to the archive of the configuration now. A running box does so by
itself with every exam that has ended, and tries until the archive has taken it; this is for
one that is to be sent again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withArchive(c.Context(), func(a *journal.Archive, k kept) error {
				return sendExam(c.Context(), newReporter(a, k), k.config, args[0], c.OutOrStdout())
			})
		},
	}
	marked := &cobra.Command{
		Use: "labels FOLDER", Short: "Write the clips that a person has scored as a dataset for lungtrain",
		Long: `Write the clips that a person has scored as a dataset for lungtrain: the best frame of
each, with that score as reader_a's. Patients and exams get other names than on the box, the
same for the same pseudonym. Pictures that seem to show writing are left out.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.withArchive(c.Context(), func(a *journal.Archive, k kept) error {
				l := labels{archive: a, clips: keptPictures(k), source: boxName(k.config.Box.Name)}
				return l.write(c.Context(), args[0], c.OutOrStdout())
			})
		},
	}
	for _, c := range []*cobra.Command{list, exporting, sending, marked} {
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

func sendExam(ctx context.Context, r reporter, c config.Config, name string, said io.Writer) error {
	if c.Archive.Address == "" {
		return commandline.Usagef("no archive is configured: set archive.address and archive.title")
	}
	e, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	e.Language = c.Page.Language
	files, err := archiveFiles(e, c.Archive.Send)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("there is nothing to send: the exam has no clip")
	}
	if err := peer(c).Send(ctx, files); err != nil {
		return err
	}
	_, err = fmt.Fprintf(said, "%d files of exam %s are in the archive %s\n", len(files), e.ID, c.Archive.Address)
	return err
}

// export is `lungbox exam export`.
type export struct {
	format, out, language string
}

func (x export) write(ctx context.Context, r reporter, name string, stdout io.Writer) error {
	e, err := r.find(ctx, name)
	if err != nil {
		return err
	}
	e.Language = x.language
	files, err := formats[x.format](e)
	if err != nil {
		return err
	}
	switch {
	case x.format == "sc":
		return x.folder(files)
	case x.out != "":
		return atomicfile.WritePrivate(x.out, files[0].Data) // it may be about a patient
	case x.format == "csv":
		_, err = stdout.Write(files[0].Data)
		return err
	}
	if f, ok := stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return commandline.Usagef("--format %s is no text: name a file with --output", x.format)
	}
	_, err = stdout.Write(files[0].Data)
	return err
}

// folder writes files into the folder that is named.
func (x export) folder(files []report.File) error {
	if x.out == "" {
		return commandline.Usagef("--format sc makes a file for each clip: name a folder with --output")
	}
	if len(files) == 0 {
		return errors.New("no clip of this exam has a picture")
	}
	if err := os.MkdirAll(x.out, 0o700); err != nil {
		return err
	}
	for _, f := range files {
		if err := atomicfile.WritePrivate(filepath.Join(x.out, f.Name), f.Data); err != nil {
			return err
		}
	}
	return nil
}
