package clips

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"lungbox/capture"
	"lungbox/capture/clip"
	"lungbox/capture/replay"
	"lungbox/training/dataset"
)

// file is one file of the set with the clips, by number, that are about it.
type file struct {
	path  string // relative to the set's folder
	clips []int
	only  []int // numbers of the frames wanted, rising; nil means all
	most  int   // pictures at most
}

// files lists the files to read: those of clips that will be taken. Loops of several
// files (pictures of one loop) share the number of pictures that a loop may give.
func (i *importer) files() []*file {
	var list []*file
	byPath := map[string]*file{}
	loops := map[string]int{} // files of a loop so far
	for n, c := range i.set.Clips {
		if _, ok := c.label(); !ok && (c.ReaderA != dataset.Unscored || c.ReaderB != dataset.Unscored || !i.set.KeepUnscored) {
			continue
		}
		f := byPath[c.File]
		if f == nil {
			if c.Loop != "" {
				loop := strings.Join([]string{c.Patient, c.Exam, c.Loop}, "\x00")
				if loops[loop]++; loops[loop] > i.opt.Most {
					i.report.Beyond++
					continue
				}
			}
			f = &file{path: c.File, most: i.opt.Most}
			byPath[c.File] = f
			list = append(list, f)
		}
		f.clips = append(f.clips, n)
		if c.Only > 0 {
			f.only = append(f.only, c.Only-1)
		}
	}
	for _, f := range list {
		slices.Sort(f.only)
	}
	return list
}

// outcome is what a file gave.
type outcome struct {
	Frames []int // whose pictures were written
	Unfit  map[capture.Unfit]int
	fault  error // the file cannot be read
}

// all reads the files on all cores. The order of what comes back is theirs.
func (i *importer) all(ctx context.Context, files []*file, progress func(done, total int)) ([]outcome, error) {
	outcomes := make([]outcome, len(files))
	var mutex sync.Mutex
	done := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for n, f := range files {
		group.Go(func() error {
			o, err := i.file(ctx, f)
			if err != nil {
				return err
			}
			outcomes[n] = o
			mutex.Lock()
			defer mutex.Unlock()
			if done++; progress != nil && done < len(files) {
				progress(done, len(files))
			}
			return nil
		})
	}
	return outcomes, group.Wait()
}

// file reads one file, unless that is done. A file that is broken is an outcome; the
// error is of what would stop any file.
func (i *importer) file(ctx context.Context, f *file) (outcome, error) {
	if err := ctx.Err(); err != nil {
		return outcome{}, err
	}
	path := filepath.Join(i.set.From, f.path)
	first := i.set.Clips[f.clips[0]]
	key := i.journal.key(path, first.name(), f)
	if o, ok := i.journal.done(key); ok {
		return o, nil
	}
	o, err := i.pictures(ctx, path, first, f)
	broken := new(writeError)
	switch {
	case ctx.Err() != nil:
		return o, ctx.Err()
	case err == nil:
		return o, i.journal.add(key, o)
	case errors.As(err, &broken) || errors.Is(err, clip.ErrProgram) || i.opt.Strict:
		return o, err
	}
	return outcome{fault: err}, nil
}

// writeError is a failure of the dataset's disk, not of the file that was read.
type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

// pictures writes the pictures of one file.
func (i *importer) pictures(ctx context.Context, path string, c Clip, f *file) (outcome, error) {
	o := outcome{Unfit: map[capture.Unfit]int{}}
	source, err := replay.Open(ctx, path, clip.Options{})
	if err != nil {
		return o, err
	}
	defer source.Close()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(i.data.Dir, picturePath(c, 0))), 0o755); err != nil {
		return o, &writeError{err}
	}
	for next := 0; len(o.Frames) < f.most; {
		frame, err := source.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return o, err
		}
		if frame.Index < next || f.only != nil && !slices.Contains(f.only, frame.Index) {
			continue
		}
		if frame.Unfit != "" {
			o.Unfit[frame.Unfit]++
			continue
		}
		if err := writePNG(filepath.Join(i.data.Dir, picturePath(c, frame.Index)), frame.Image); err != nil {
			return o, &writeError{err}
		}
		o.Frames = append(o.Frames, frame.Index)
		next = frame.Index + i.opt.Every
		if f.only != nil && next > f.only[len(f.only)-1] {
			break
		}
	}
	return o, nil
}

// writePNG writes a picture through to the disk: the dataset's name says that it is
// there.
func writePNG(path string, picture *image.Gray) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := errors.Join(png.Encode(file, picture), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
