// Package check looks for what spoils a dataset before anything is trained on it:
// missing and broken files, the same file twice, patients in two splits, pictures of
// different patients or splits that are nearly the same, text beside the fan, scores
// without pictures.
package check

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"lungbox/training/dataset"
)

// Kinds of faults. Those that Serious holds for make figures wrong or stop a training;
// the others are for a person to look at.
const (
	Table     = "table" // a row of images.csv that cannot be read
	Missing   = "missing"
	Broken    = "broken"
	Twice     = "twice"     // the same picture in two rows, or the same bytes in two files
	Splits    = "splits"    // a patient in two splits
	Class     = "class"     // a score without pictures
	Duplicate = "duplicate" // nearly the same picture of another patient or split
	Text      = "text"      // writing beside the fan
	Nameless  = "nameless"  // no patient
)

// Fault is one thing that is wrong.
type Fault struct {
	Kind string `json:"kind"`
	Row  int    `json:"row"` // line of images.csv, from 2; 0: of the whole table
	File string `json:"file,omitempty"`
	What string `json:"what"` // one line, with what to do
	// Other is the row that a duplicate is like.
	Other int `json:"other,omitempty"`
}

// Serious says whether a fault must be mended. Duplicates and writing are found by
// likeness, which can be wrong.
func (f Fault) Serious() bool { return f.Kind != Duplicate && f.Kind != Text && f.Kind != Nameless }

// Report is what a check found.
type Report struct {
	Pictures int
	All      Counts
	Splits   map[string]*Counts
	Sources  map[string]*Counts
	Patients map[string]*Counts
	Faults   []Fault // by row

	lines []int // where the rows stand in images.csv
}

// Check reads a dataset and everything in it. The error is of a table that is no table,
// or of the context. progress, which may be nil, is told after every file.
func Check(ctx context.Context, dir string, progress func(done, total int)) (*Report, error) {
	data, lines, faults, err := dataset.Scan(dir)
	if err != nil {
		return nil, err
	}
	if len(data.Rows)+len(faults) == 0 {
		return nil, fmt.Errorf("%s: no pictures", filepath.Join(dir, dataset.TableFile))
	}
	r := &Report{
		Pictures: len(data.Rows), lines: lines,
		Splits: map[string]*Counts{}, Sources: map[string]*Counts{}, Patients: map[string]*Counts{},
	}
	for _, f := range faults {
		r.Faults = append(r.Faults, Fault{Kind: Table, Row: f.Line, File: dataset.TableFile, What: f.Err.Error()})
	}
	r.count(data.Rows)
	r.table(data.Rows)
	prints, err := r.files(ctx, data, progress)
	if err != nil {
		return nil, err
	}
	r.duplicates(data.Rows, prints)
	slices.SortStableFunc(r.Faults, func(a, b Fault) int { return a.Row - b.Row })
	return r, nil
}

// line is where a row stands in images.csv.
func (r *Report) line(row int) int { return r.lines[row] }

func (r *Report) add(kind string, row int, file, format string, args ...any) {
	r.Faults = append(r.Faults, Fault{Kind: kind, Row: row, File: file, What: fmt.Sprintf(format, args...)})
}

// table finds what the rows alone show.
func (r *Report) table(rows []dataset.Row) {
	type picture struct {
		file  string
		frame int
	}
	seen, splits := map[picture]int{}, map[string]int{}
	nameless := 0
	for i, row := range rows {
		at := picture{filepath.Clean(row.File), max(row.Frame, 0)}
		if first, ok := seen[at]; ok {
			r.add(Twice, r.line(i), row.File, "the picture is in row %d too: remove one", r.line(first))
		} else {
			seen[at] = i
		}
		if row.Patient == "" {
			nameless++
			continue
		}
		first, ok := splits[row.Patient]
		switch {
		case !ok:
			splits[row.Patient] = i
		case part(rows[first].Split) != part(row.Split):
			r.add(Splits, r.line(i), row.File, "patient %s has split %q here and %q in row %d: a patient belongs to one", row.Patient, row.Split, rows[first].Split, r.line(first))
		}
	}
	if nameless > 0 {
		r.add(Nameless, 0, "", "LEAK: %d pictures name no patient: pictures of one may lie in several folds and in the test set", nameless)
	}
}

func part(split string) string {
	if split == "" {
		return dataset.Train
	}
	return split
}
