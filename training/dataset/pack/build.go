package pack

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
)

// Build decodes all scored pictures of a dataset into a pack in dir. A file that is
// missing or broken does not end it: all faults come in one error that names the first
// ones. progress, which may be nil, is told after every file.
func Build(ctx context.Context, d *dataset.Dataset, dir string, progress func(done, total int)) error {
	if err := build(ctx, d, dir, progress); err != nil {
		return fmt.Errorf("prepare the pictures of %s: %w", d.Dir, err)
	}
	return nil
}

func build(ctx context.Context, d *dataset.Dataset, dir string, progress func(done, total int)) (err error) {
	index, files := gather(d)
	if len(files) == 0 {
		return fmt.Errorf("no picture has a score on which the readers agree (%d discarded, %d without a score)", index.Differing, index.Unscored)
	}
	raw, err := os.Create(filepath.Join(dir, rawFile))
	if err != nil {
		return err
	}
	defer raw.Close()
	w := &writer{out: bufio.NewWriterSize(raw, 1<<20), index: &index, all: sha256.New()}
	// Decode a window of files on all cores, then write them in order: the same dataset
	// gives the same bytes.
	const window = 64
	for from := 0; from < len(files); from += window {
		some := files[from:min(from+window, len(files))]
		decoded, faults := decode(ctx, d, some)
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, pictures := range decoded {
			if faults[i] != nil {
				w.fault(some[i], faults[i])
				continue
			}
			if err := w.add(pictures); err != nil {
				return err
			}
		}
		if progress != nil {
			progress(min(from+window, len(files)), len(files))
		}
	}
	if err := w.summary(); err != nil {
		return err
	}
	if err := errors.Join(w.out.Flush(), raw.Sync()); err != nil {
		return err
	}
	index.Hash = hex.EncodeToString(w.all.Sum(nil))
	text, err := json.Marshal(index)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, indexFile), text)
}

// file is one file of a dataset with its scored rows and where they stand in the table.
type file struct {
	name  string
	rows  []dataset.Row
	lines []int
}

// gather lists the files of all scored rows and counts the others.
func gather(d *dataset.Dataset) (index Index, files []*file) {
	byName := map[string]*file{}
	for i, r := range d.Rows {
		if r.ReaderA != dataset.Unscored && r.ReaderB != dataset.Unscored {
			index.Readers[r.ReaderA][r.ReaderB]++
		}
		if _, ok := r.Label(); !ok {
			if r.ReaderA == dataset.Unscored && r.ReaderB == dataset.Unscored {
				index.Unscored++
			} else {
				index.Differing++
			}
			continue
		}
		f := byName[r.File]
		if f == nil {
			f = &file{name: r.File}
			byName[r.File] = f
			files = append(files, f)
		}
		f.rows, f.lines = append(f.rows, r), append(f.lines, i+2)
	}
	return index, files
}

// decode reads some files side by side.
func decode(ctx context.Context, d *dataset.Dataset, files []*file) ([][]dataset.Picture, []error) {
	decoded, faults := make([][]dataset.Picture, len(files)), make([]error, len(files))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, f := range files {
		group.Go(func() error {
			one := dataset.Dataset{Dir: d.Dir, Rows: f.rows}
			decoded[i], faults[i] = one.LoadAll(ctx, nil)
			return nil
		})
	}
	_ = group.Wait() // faults are counted, not returned
	return decoded, faults
}

// writer appends pictures to a pack.
type writer struct {
	out    *bufio.Writer
	index  *Index
	all    hash.Hash
	offset int64
	faults []string
	broken int
}

func (w *writer) add(pictures []dataset.Picture) error {
	for _, p := range pictures {
		size := p.Image.Rect.Size()
		e := Entry{Row: p.Row, Score: p.Score, Offset: w.offset, Width: size.X, Height: size.Y}
		h := sha256.New()
		both := io.MultiWriter(w.out, h)
		for y := range size.Y {
			if _, err := both.Write(p.Image.Pix[y*p.Image.Stride:][:size.X]); err != nil {
				return err
			}
		}
		w.offset += int64(size.X) * int64(size.Y)
		e.SHA256 = hex.EncodeToString(h.Sum(nil))
		w.index.Entries = append(w.index.Entries, e)
		line, err := json.Marshal(struct {
			dataset.Row
			Score, Width, Height int
			SHA256               string
		}{e.Row, e.Score, e.Width, e.Height, e.SHA256})
		if err != nil {
			return err
		}
		if _, err := w.all.Write(line); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) fault(f *file, err error) {
	w.broken++
	const shown = 4
	if len(w.faults) < shown {
		w.faults = append(w.faults, fmt.Sprintf("row %d: %v", f.lines[0], err))
	}
}

// summary is the error of all files that could not be read.
func (w *writer) summary() error {
	if w.broken == 0 {
		return nil
	}
	text := strings.Join(w.faults, "; ")
	if more := w.broken - len(w.faults); more > 0 {
		text += fmt.Sprintf("; and %d more files", more)
	}
	return fmt.Errorf("%s: lungtrain data check lists all faults", text)
}
