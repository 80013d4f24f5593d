package dataset

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"path/filepath"

	"lungbox/capture/clip"
)

// Picture is a row with its pixels and the score that counts.
type Picture struct {
	Row
	Score int         // 0 to 3
	Image *image.Gray // masked crop
	// Signs says where in the picture its score shows, bright where it does, at any
	// resolution; nil where that is not known. Only simulated pictures have it.
	Signs *image.Gray
}

// Loaded is what Load found.
type Loaded struct {
	Pictures  []Picture
	Differing int // discarded because the readers differ
	Unscored  int // discarded because nobody has scored
}

// Load reads the pictures that keep holds of (nil: all) and that have a score.
// progress, which may be nil, is told after every file.
func (d *Dataset) Load(ctx context.Context, keep func(Row) bool, progress func(done, total int)) (*Loaded, error) {
	loaded := &Loaded{}
	var rows []Row
	for _, r := range d.Rows {
		if keep != nil && !keep(r) {
			continue
		}
		if _, ok := r.Label(); !ok {
			if r.ReaderA == Unscored && r.ReaderB == Unscored {
				loaded.Unscored++
			} else {
				loaded.Differing++
			}
			continue
		}
		rows = append(rows, r)
	}
	var err error
	loaded.Pictures, err = d.read(ctx, rows, progress)
	return loaded, err
}

// LoadAll reads the pictures of all rows, scored or not, in the table's order. The
// score of a picture without one is Unscored.
func (d *Dataset) LoadAll(ctx context.Context, progress func(done, total int)) ([]Picture, error) {
	return d.read(ctx, d.Rows, progress)
}

// read reads the pictures of rows in their order, opening each file once.
func (d *Dataset) read(ctx context.Context, rows []Row, progress func(done, total int)) ([]Picture, error) {
	var files []string
	byFile := map[string][]int{}
	for i, r := range rows {
		if _, ok := byFile[r.File]; !ok {
			files = append(files, r.File)
		}
		byFile[r.File] = append(byFile[r.File], i)
	}
	pictures := make([]Picture, len(rows))
	for n, name := range files {
		if err := d.readFile(ctx, name, byFile[name], rows, pictures); err != nil {
			return nil, fmt.Errorf("dataset %s: %w", d.Dir, err)
		}
		if progress != nil {
			progress(n+1, len(files))
		}
	}
	return pictures, nil
}

// readFile fills in the pictures of those rows that lie in one file.
func (d *Dataset) readFile(ctx context.Context, name string, which []int, rows []Row, pictures []Picture) error {
	source, err := clip.Open(ctx, filepath.Join(d.Dir, name), clip.Options{})
	if err != nil {
		return err
	}
	defer source.Close()
	wanted, last := map[int]bool{}, 0
	for _, i := range which {
		wanted[max(rows[i].Frame, 0)] = true
		last = max(last, rows[i].Frame)
	}
	frames := map[int]*image.Gray{}
	for index := 0; index <= last; index++ {
		frame, err := source.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if wanted[frame.Index] {
			frames[frame.Index] = frame.Image
		}
	}
	for _, i := range which {
		picture := frames[max(rows[i].Frame, 0)]
		if picture == nil {
			return fmt.Errorf("%s has no frame %d", name, max(rows[i].Frame, 0))
		}
		score, _ := rows[i].Label()
		pictures[i] = Picture{Row: rows[i], Score: score, Image: picture}
	}
	return nil
}
