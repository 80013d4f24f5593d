package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/training/dataset/clips"
	"lungbox/training/dataset/layout"
)

// importFlags are the flags of data import as they were given.
type importFlags struct {
	out, layout, pattern, columns, secret string
	find                                  layout.Options
	take                                  clips.Options
}

func newImport() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import PATH -o DIR",
		Short: "Make a dataset from scored clips, pictures or DICOM files",
		Long: `Make a dataset from clips, pictures or DICOM files. Each picture is cropped to the
ultrasound fan and masked. The layouts that are known:

  clips    a folder with a clips.csv (file,patient,reader_a,reader_b,probe,findings,license,source)
  folders  a folder for each score (0 to 3, score0, "Score 1"), in it files, or a folder for each patient
  csv      any CSV; --columns says what its columns mean, such as file=path,patient=subject,reader_a=score
  dicom    a tree of DICOM files; patients and exams get pseudonyms; scores come with --scores
  covidx   COVIDx-US as its notebook makes it
  pocovid  the data folder of github.com/jannisborn/covid19_ultrasound

Clips on which two readers differ are left out and counted. Files that cannot be read
are skipped and listed. DIR appears when it is complete; an import that was
interrupted goes on where it was.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return importSet(c.Context(), args[0], f) },
	}
	flags := c.Flags()
	flags.StringVarP(&f.out, "output", "o", "", "folder to write")
	flags.StringVar(&f.layout, "layout", layout.Auto, "how the files lie: "+strings.Join(layout.All[:], ", "))
	flags.IntVar(&f.take.Every, "every", 10, "frames between two pictures of a clip")
	flags.IntVar(&f.take.Most, "most", 50, "pictures of a clip at most")
	flags.StringSliceVar(&f.take.Test, "test-patients", nil, "patients for the test split")
	flags.BoolVar(&f.take.Strict, "strict", false, "end at the first file that cannot be read")
	flags.StringVar(&f.pattern, "patient-pattern", "", "folders: regular expression with one group that finds the patient in a file's name")
	flags.StringVar(&f.columns, "columns", "", "csv: our names of columns and the table's, as file=path,patient=subject")
	flags.StringVar(&f.find.Scores, "scores", "", "dicom, covidx, pocovid: CSV with file, sop or series, reader_a, reader_b")
	flags.BoolVar(&f.find.KeepPatientIDs, "keep-patient-ids", false, "dicom: keep patient and study identifiers and paths as they are")
	flags.StringVar(&f.secret, "pseudonym-key", "", "dicom: file with the key for pseudonyms, made when missing; without, each import has its own")
	commandline.Require(c, "output")
	return c
}

func importSet(ctx context.Context, from string, f importFlags) error {
	if f.take.Every < 1 || f.take.Most < 1 {
		return commandline.Usagef("--every and --most: want at least 1")
	}
	if f.find.Layout = f.layout; f.pattern != "" {
		pattern, err := regexp.Compile(f.pattern)
		if err != nil {
			return commandline.Usagef("--patient-pattern: %v", err)
		}
		f.find.Pattern = pattern
	}
	if f.columns != "" {
		columns, err := layout.ParseColumns(f.columns)
		if err != nil {
			return err
		}
		f.find.Columns = columns
	}
	if !f.find.KeepPatientIDs {
		secret, err := pseudonymKey(f.secret, f.out)
		if err != nil {
			return err
		}
		f.find.Secret = secret
	}
	set, err := layout.Find(ctx, from, f.find)
	if err != nil {
		return err
	}
	if f.secret == "" {
		f.take.Secret = f.find.Secret // an import that goes on needs the same
	}
	bar := newProgress("import")
	report, err := clips.Take(ctx, set, f.out, f.take, func(done, total int) { bar.Show(done, total, "files") })
	if err != nil {
		return err
	}
	fmt.Fprint(os.Stderr, report)
	return nil
}

// pseudonymKey is the key in a file, which is made when it is missing; without a file
// that of an import left half-way, or a new one.
func pseudonymKey(file, out string) ([]byte, error) {
	const size = 32
	path := file
	if path == "" {
		path = filepath.Join(filepath.Clean(out)+clips.Unfinished, clips.SecretFile)
	}
	key, err := os.ReadFile(path)
	switch {
	case err == nil && len(key) >= size:
		return key, nil
	case err == nil && file != "":
		return nil, fmt.Errorf("%s: a key has at least %d bytes, this one %d: give another file", file, size, len(key))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	key = make([]byte, size)
	rand.Read(key) // it never fails: crypto/rand
	if file == "" {
		return key, nil
	}
	return key, os.WriteFile(file, key, 0o600)
}
