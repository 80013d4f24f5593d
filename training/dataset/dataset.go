// Package dataset reads and writes the folders that training works on: an
// images.csv and the pictures it names.
//
//	file,frame,patient,exam,zone,clip,reader_a,reader_b,split,source
//
// file is a PNG, JPEG, DICOM file or video relative to the folder, frame the
// number of the picture in it (empty for the only one). The readers' scores are 0
// to 3 or empty. frame, exam, zone, clip and split may be empty. Pictures in a
// dataset are already cropped and masked.
//
// Two readers score blind (paper, section 2.4). Where they differ the picture is
// discarded and counted; where only one has scored, that score counts.
package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"lungbox/sync/atomicfile"
)

// TableFile is the name of the table in a dataset.
const TableFile = "images.csv"

// columns of the table, in order.
var columns = []string{"file", "frame", "patient", "exam", "zone", "clip", "reader_a", "reader_b", "split", "source"}

// Unscored is a reader's score where there is none.
const Unscored = -1

// Splits of a dataset. All pictures of a patient have the same one.
const (
	Train      = "train"
	Validation = "validation" // watched while training
	Test       = "test"       // never read while training
)

// Row is one picture.
type Row struct {
	File    string // relative to the dataset's folder
	Frame   int    // -1 when the file holds one picture only
	Patient string
	Exam    string
	Zone    string
	Clip    string
	ReaderA int // 0 to 3 or Unscored
	ReaderB int
	Split   string // Train, Validation, Test or ""
	Source  string // the hospital, web site or scanner it came from
}

// Label is the score that the readers give together. ok is false when they differ
// or neither has scored.
func (r Row) Label() (score int, ok bool) {
	switch {
	case r.ReaderA == Unscored:
		return r.ReaderB, r.ReaderB != Unscored
	case r.ReaderB == Unscored || r.ReaderA == r.ReaderB:
		return r.ReaderA, true
	}
	return Unscored, false
}

// Dataset is a folder with its table.
type Dataset struct {
	Dir  string
	Rows []Row
}

// Read reads the table of a dataset. The error is one line that names the file and the
// faulty rows.
func Read(dir string) (*Dataset, error) {
	d, _, faults, err := Scan(dir)
	if err == nil {
		err = summary(faults)
		if err == nil && len(d.Rows) == 0 {
			err = errors.New("no pictures")
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", filepath.Join(dir, TableFile), err)
		}
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Scan reads the table of a dataset that may have faults: the rows that are right, the
// line on which each stands, and what is wrong with the others. The error is of the
// table as a whole.
func Scan(dir string) (d *Dataset, lines []int, faults []Fault, err error) {
	path := filepath.Join(dir, TableFile)
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil, fmt.Errorf("%w: %s is no dataset, or only half of one: make it with lungtrain data simulate or import", err, dir)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	defer file.Close()
	rows, lines, faults, err := scanTable(file, columns, parse)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Dataset{Dir: dir, Rows: rows}, lines, faults, nil
}

func parse(fields []string) (Row, error) {
	row := Row{
		File: fields[0], Patient: fields[2], Exam: fields[3], Zone: fields[4], Clip: fields[5],
		Split: fields[8], Source: fields[9], Frame: -1,
	}
	if !filepath.IsLocal(row.File) {
		return row, fmt.Errorf("file %q is outside the dataset", row.File)
	}
	if fields[1] != "" {
		n, err := strconv.Atoi(fields[1])
		if err != nil || n < 0 {
			return row, fmt.Errorf("frame %q: want a number from 0", fields[1])
		}
		row.Frame = n
	}
	for i, to := range []*int{&row.ReaderA, &row.ReaderB} {
		score, err := ParseScore(fields[6+i])
		if err != nil {
			return row, err
		}
		*to = score
	}
	switch row.Split {
	case "", Train, Validation, Test:
		return row, nil
	}
	return row, fmt.Errorf("split %q: want %s, %s, %s or nothing", row.Split, Train, Validation, Test)
}

// ParseScore reads a reader's score; an empty text is Unscored.
func ParseScore(text string) (int, error) {
	if text == "" {
		return Unscored, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 3 {
		return Unscored, fmt.Errorf("score %q: want 0, 1, 2, 3 or nothing", text)
	}
	return n, nil
}

// Write writes the table of a dataset; it appears when it is whole.
func (d *Dataset) Write() error {
	var text bytes.Buffer
	table := csv.NewWriter(&text)
	table.Write(columns)
	for _, r := range d.Rows {
		frame := ""
		if r.Frame >= 0 {
			frame = strconv.Itoa(r.Frame)
		}
		table.Write([]string{
			filepath.ToSlash(r.File), frame, r.Patient, r.Exam, r.Zone, r.Clip,
			FormatScore(r.ReaderA), FormatScore(r.ReaderB), r.Split, r.Source,
		})
	}
	table.Flush()
	if err := table.Error(); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(d.Dir, TableFile), text.Bytes())
}
