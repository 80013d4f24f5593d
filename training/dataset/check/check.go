// Package check looks for what spoils a dataset before anything is trained on it:
// missing and broken files, the same file twice, patients in two splits, pictures of
// different patients or splits that are nearly the same, text beside the fan, scores
// without pictures.
package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"lungbox/training/dataset"
)

// Kinds of faults. Those that Serious holds for make figures wrong or stop a training;
// the others are for a person to look at.
const (
	Missing   = "missing"
	Broken    = "broken"
	Twice     = "twice"     // the same picture in two rows
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

// Counts are pictures by score; those without a common score come last.
type Counts struct {
	Score               [4]int
	Differing, Unscored int
	Patients            map[string]bool
}

// Report is what a check found.
type Report struct {
	Pictures int
	All      Counts
	Splits   map[string]*Counts
	Sources  map[string]*Counts
	Faults   []Fault // by row
}

// Check reads a dataset and everything in it. The error is of the table itself, or of
// the context. progress, which may be nil, is told after every file.
func Check(ctx context.Context, dir string, progress func(done, total int)) (*Report, error) {
	data, err := dataset.Read(dir)
	if err != nil {
		return nil, err
	}
	r := &Report{Pictures: len(data.Rows), Splits: map[string]*Counts{}, Sources: map[string]*Counts{}}
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
func line(row int) int { return row + 2 }

func (r *Report) add(kind string, row int, file, format string, args ...any) {
	r.Faults = append(r.Faults, Fault{Kind: kind, Row: row, File: file, What: fmt.Sprintf(format, args...)})
}

// count fills in how many pictures there are of what.
func (r *Report) count(rows []dataset.Row) {
	r.All.Patients = map[string]bool{}
	of := func(in map[string]*Counts, name string) *Counts {
		if in[name] == nil {
			in[name] = &Counts{Patients: map[string]bool{}}
		}
		return in[name]
	}
	for _, row := range rows {
		score, ok := row.Label()
		for _, c := range []*Counts{&r.All, of(r.Splits, row.Split), of(r.Sources, row.Source)} {
			c.Patients[row.Patient] = true
			switch {
			case ok:
				c.Score[score]++
			case row.ReaderA == dataset.Unscored && row.ReaderB == dataset.Unscored:
				c.Unscored++
			default:
				c.Differing++
			}
		}
	}
	for score, n := range r.All.Score {
		if n == 0 {
			r.add(Class, 0, "", "no picture has score %d: the nets need all four", score)
		}
	}
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
			r.add(Twice, line(i), row.File, "the picture is in row %d too: remove one", line(first))
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
			r.add(Splits, line(i), row.File, "patient %s has split %q here and %q in row %d: a patient belongs to one", row.Patient, row.Split, rows[first].Split, line(first))
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

// files decodes every file on all cores, and returns the prints of all pictures; nil
// for those that could not be read.
func (r *Report) files(ctx context.Context, data *dataset.Dataset, progress func(done, total int)) ([]*Print, error) {
	var names []string
	rowsOf := map[string][]int{}
	for i, row := range data.Rows {
		if rowsOf[row.File] == nil {
			names = append(names, row.File)
		}
		rowsOf[row.File] = append(rowsOf[row.File], i)
	}
	prints := make([]*Print, len(data.Rows))
	var mutex sync.Mutex
	done := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, name := range names {
		group.Go(func() error {
			faults := inspect(ctx, data, name, rowsOf[name], prints)
			mutex.Lock()
			defer mutex.Unlock()
			r.Faults = append(r.Faults, faults...)
			if done++; progress != nil {
				progress(done, len(names))
			}
			return ctx.Err()
		})
	}
	return prints, group.Wait()
}

// inspect decodes one file and fills in the prints of its pictures.
func inspect(ctx context.Context, data *dataset.Dataset, name string, rows []int, prints []*Print) []Fault {
	fault := func(row int, kind, format string, args ...any) []Fault {
		return []Fault{{Kind: kind, Row: line(row), File: name, What: fmt.Sprintf(format, args...)}}
	}
	if _, err := os.Stat(filepath.Join(data.Dir, name)); errors.Is(err, fs.ErrNotExist) {
		return fault(rows[0], Missing, "the file is not there: put it back or remove its %d rows", len(rows))
	}
	one := dataset.Dataset{Dir: data.Dir}
	for _, i := range rows {
		one.Rows = append(one.Rows, data.Rows[i])
	}
	pictures, err := one.LoadAll(ctx, nil)
	if err != nil {
		return fault(rows[0], Broken, "it cannot be read: %v", err)
	}
	var faults []Fault
	written := 0
	for k, p := range pictures {
		prints[rows[k]] = NewPrint(p.Image)
		if n := Writing(p.Image); n > 0 {
			if written++; written == 1 {
				faults = fault(rows[k], Text, "%d bright pixels beside the fan look like writing: mask the picture (lungtrain data import does)", n)
			}
		}
	}
	return faults
}
