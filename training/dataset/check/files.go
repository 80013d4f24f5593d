package check

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"lungbox/capture/writing"
	"lungbox/training/dataset"
)

// content is the SHA-256 of a file.
type content [sha256.Size]byte

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
	prints, contents := make([]*Print, len(data.Rows)), make([]*content, len(names))
	var mutex sync.Mutex
	done := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, name := range names {
		group.Go(func() error {
			faults := r.inspect(ctx, data, name, rowsOf[name], prints)
			if prints[rowsOf[name][0]] != nil {
				contents[n] = contentOf(filepath.Join(data.Dir, name))
			}
			mutex.Lock()
			defer mutex.Unlock()
			r.Faults = append(r.Faults, faults...)
			if done++; progress != nil {
				progress(done, len(names))
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	first := map[content]int{}
	for n, c := range contents {
		if c == nil {
			continue
		}
		if before, ok := first[*c]; ok {
			other, row := rowsOf[names[before]][0], rowsOf[names[n]][0]
			if a, b := data.Rows[other], data.Rows[row]; a.Clip != "" && a.Clip == b.Clip && expected(a, b) {
				continue // a loop that stands still
			}
			r.Faults = append(r.Faults, Fault{Kind: Twice, Row: r.line(row), File: names[n], Other: r.line(other),
				What: fmt.Sprintf("the file is the same, byte by byte, as %s in row %d: remove one", names[before], r.line(other))})
			for _, i := range rowsOf[names[n]] {
				prints[i] = nil // said once
			}
			continue
		}
		first[*c] = n
	}
	return prints, nil
}

// contentOf is nil where a file cannot be read, which is another fault.
func contentOf(path string) *content {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return nil
	}
	return (*content)(sum.Sum(nil))
}

// inspect decodes one file and fills in the prints of its pictures.
func (r *Report) inspect(ctx context.Context, data *dataset.Dataset, name string, rows []int, prints []*Print) []Fault {
	fault := func(row int, kind, format string, args ...any) []Fault {
		return []Fault{{Kind: kind, Row: r.line(row), File: name, What: fmt.Sprintf(format, args...)}}
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
	for k, p := range pictures {
		prints[rows[k]] = NewPrint(p.Image)
		if n := writing.Beside(p.Image); n > 0 && faults == nil { // one of a file is enough to look at
			faults = fault(rows[k], Text, "%d bright pixels beside the fan look like writing: mask the picture (lungtrain data import does)", n)
		}
	}
	return faults
}
