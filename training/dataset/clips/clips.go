// Package clips makes datasets from ultrasound clips: videos, pictures and DICOM files
// with what is known of each. Package layout finds clips in folders as people have them;
// this one reads the product's own table and writes the pictures.
//
// A clips.csv lies beside the clips:
//
//	file,patient,reader_a,reader_b,probe,findings,license,source
package clips

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
)

// TableFile is the name of the table beside the clips.
const TableFile = "clips.csv"

var columns = []string{"file", "patient", "reader_a", "reader_b", "probe", "findings", "license", "source"}

// Clip is one row of the table, or one file of another layout.
type Clip struct {
	File             string // relative to the folder
	Patient          string
	ReaderA, ReaderB int    // 0 to 3 or dataset.Unscored
	Probe            string // convex, linear, phased
	Findings         string // what the readers saw, separated by commas
	Licence          string // as its owner names it, such as "CC BY 4.0"
	Source           string // where it was published, or who gave it

	// What clips.csv does not say, other layouts may:
	Exam, Zone string
	Split      string // dataset.Train, dataset.Validation, dataset.Test or ""
	Loop       string // the cine loop it belongs to; "" means the clip itself
	// Alias names the clip in the dataset, where its own path must not be seen: people
	// put names of patients into those. "" means File.
	Alias string
	// Only is the number, from 1, of the one picture of the file that the row is about;
	// 0 means the whole clip.
	Only int
}

// name is the clip's name in the dataset, without its ending.
func (c Clip) name() string {
	if c.Alias != "" {
		return c.Alias
	}
	return strings.TrimSuffix(c.File, filepath.Ext(c.File))
}

// label is the score that the readers give together, as dataset.Row has it.
func (c Clip) label() (score int, ok bool) {
	return dataset.Row{ReaderA: c.ReaderA, ReaderB: c.ReaderB}.Label()
}

// Read reads the table of a folder. The error is one line that names the file and the
// faulty rows.
func Read(dir string) ([]Clip, error) {
	path := filepath.Join(dir, TableFile)
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: it must list the clips of the folder", err)
	}
	defer file.Close()
	seen := map[string]bool{}
	rows, err := dataset.ReadTable(file, columns, func(fields []string) (Clip, error) {
		c, err := parse(fields)
		if err == nil && seen[c.File] {
			err = fmt.Errorf("%s is there twice", c.File)
		}
		seen[c.File] = true
		return c, err
	})
	if err == nil && len(rows) == 0 {
		err = errors.New("no clips")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}

func parse(fields []string) (Clip, error) {
	c := Clip{File: fields[0], Patient: fields[1], Probe: fields[4], Findings: fields[5], Licence: fields[6], Source: fields[7]}
	if !filepath.IsLocal(c.File) {
		return c, fmt.Errorf("file %q is outside the folder", c.File)
	}
	if c.Patient == "" {
		return c, fmt.Errorf("%s has no patient: pictures of one patient must stay together", c.File)
	}
	var err error
	if c.ReaderA, err = dataset.ParseScore(fields[2]); err != nil {
		return c, err
	}
	c.ReaderB, err = dataset.ParseScore(fields[3])
	return c, err
}

// write writes a table of clips: what a dataset was made from, with its licences. A file
// of which several pictures were named is there once.
func write(path string, rows []Clip) error {
	var text bytes.Buffer
	table := csv.NewWriter(&text)
	table.Write(columns)
	seen := map[string]bool{}
	for _, c := range rows {
		file := c.File
		if c.Alias != "" {
			file = c.Alias
		}
		if seen[file] {
			continue
		}
		seen[file] = true
		table.Write([]string{
			file, c.Patient, dataset.FormatScore(c.ReaderA), dataset.FormatScore(c.ReaderB),
			c.Probe, c.Findings, c.Licence, c.Source,
		})
	}
	table.Flush()
	if err := table.Error(); err != nil {
		return err
	}
	return atomicfile.Write(path, text.Bytes())
}
