package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// ErrOtherContents means that the folder holds something else than a part of the
// data set that was asked for.
var ErrOtherContents = errors.New("the folder holds other files")

// Write writes a data set:
//
//	simulated.json   options and seed, written first
//	images/…png      crops, marked as simulated
//	screens/…png     whole screens, if asked for
//	truth.jsonl      for every image what is in it (Truth) and its true score
//	images.csv       the data set's table, written last: it says that all is there
//
// The same options give the same bytes. A folder that was left half-way is
// completed, one that is complete is left alone; with other contents the error is
// [ErrOtherContents]. Write uses all processors. When the context ends it stops
// within a frame, without a table, and returns the context's error.
//
// progress, which may be nil, is told after every frame how many of how many are
// done; it is never called twice at once.
func Write(ctx context.Context, dir string, options Options, progress func(done, total int)) error {
	options = options.withDefaults()
	if err := options.check(); err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	phantom, err := New(options.Seed, options.config())
	if err != nil {
		return err
	}
	complete, err := claim(dir, options)
	if err != nil {
		return fmt.Errorf("simulate into %s: %w", dir, err)
	}
	w := &writer{dir: dir, options: options, phantom: phantom, progress: progress}
	w.total = options.Patients * options.Loops * options.Frames
	if complete {
		w.count(w.total)
		return nil
	}
	records, err := w.all(ctx)
	if err != nil {
		return fmt.Errorf("simulate into %s: %w", dir, err)
	}
	if err := writeTables(dir, records); err != nil {
		return fmt.Errorf("simulate into %s: %w", dir, err)
	}
	return nil
}

// revision of the phantom: to be raised with every change that changes pictures,
// so that a half-written folder is never completed by another phantom.
const revision = 2

const (
	parametersName = "simulated.json"
	partial        = ".part" // ends the names of files that are being written
)

// claim writes the folder's parameters or compares them with those it has.
func claim(dir string, options Options) (complete bool, err error) {
	parameters, err := json.MarshalIndent(struct {
		Simulated bool `json:"simulated"`
		Revision  int  `json:"phantom_revision"`
		Options
	}{true, revision, options}, "", "  ")
	if err != nil {
		return false, err
	}
	parameters = append(parameters, '\n')
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	name := filepath.Join(dir, parametersName)
	switch found, err := os.ReadFile(name); {
	case err == nil && string(found) == string(parameters):
		_, err := os.Stat(filepath.Join(dir, tableName))
		return err == nil, nil
	case err == nil:
		return false, fmt.Errorf("%w: simulated.json has other parameters; choose another folder or delete this one", ErrOtherContents)
	case !errors.Is(err, os.ErrNotExist):
		return false, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, entry := range entries {
		if entry.Name() == parametersName+partial {
			continue // left by a run that was ended at once
		}
		return false, fmt.Errorf("%w: no simulated.json among them; choose an empty folder", ErrOtherContents)
	}
	return false, replace(name, func(w io.Writer) error {
		_, err := w.Write(parameters)
		return err
	})
}

// writer is one run of Write.
type writer struct {
	dir     string
	options Options
	phantom *Phantom
	total   int

	mutex    sync.Mutex
	done     int
	progress func(done, total int)
}

func (w *writer) count(frames int) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.done += frames
	if w.progress != nil {
		w.progress(w.done, w.total)
	}
}

// all writes the pictures of all patients, one patient per processor at a time,
// and gives back the table's records in order.
func (w *writer) all(ctx context.Context) ([]record, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	patients := make(chan int)
	perPatient := make([][]record, w.options.Patients)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), w.options.Patients) {
		workers.Go(func() {
			for i := range patients {
				records, err := w.patient(ctx, i)
				if err != nil {
					stop(err)
					return
				}
				perPatient[i] = records
			}
		})
	}
	for i := 0; i < w.options.Patients && ctx.Err() == nil; i++ {
		select {
		case patients <- i:
		case <-ctx.Done():
		}
	}
	close(patients)
	workers.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var records []record
	for _, r := range perPatient {
		records = append(records, r...)
	}
	return records, nil
}

func (w *writer) patient(ctx context.Context, number int) ([]record, error) {
	p := w.phantom.Patient(number)
	folder := filepath.Join("images", p.ID())
	if err := os.MkdirAll(filepath.Join(w.dir, folder), 0o755); err != nil {
		return nil, err
	}
	if w.options.Screens {
		if err := os.MkdirAll(filepath.Join(w.dir, "screens", p.ID()), 0o755); err != nil {
			return nil, err
		}
	}
	var records []record
	for _, plan := range w.options.plan(p) {
		loop := p.Loop(plan.zone, plan.clip, plan.score)
		// Where in the breath a recording starts is chance already (motion.phase).
		for k := range w.options.Frames {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			r := newRecord(loop, k*w.options.Every, w.options.split(number))
			if err := w.pictures(loop, r); err != nil {
				return nil, err
			}
			records = append(records, r)
			w.count(1)
		}
	}
	return records, nil
}

// pictures writes what is not there yet of one frame.
func (w *writer) pictures(loop *Loop, r record) error {
	err := w.picture(filepath.FromSlash(r.File), func() (*image.Gray, error) { return loop.Render(r.frame).Crop, nil })
	if err != nil || !w.options.Screens {
		return err
	}
	return w.picture(filepath.Join("screens", filepath.FromSlash(r.name)), func() (*image.Gray, error) {
		screen, err := loop.RenderScreen(r.frame)
		return screen.Image, err
	})
}

func (w *writer) picture(file string, draw func() (*image.Gray, error)) error {
	name := filepath.Join(w.dir, file)
	if _, err := os.Stat(name); err == nil {
		return nil // files appear under their name only when they are whole
	}
	picture, err := draw()
	if err != nil {
		return err
	}
	return replace(name, func(to io.Writer) error { return EncodePNG(to, picture) })
}

// replace writes a file under a temporary name and then gives it its own.
func replace(name string, write func(io.Writer) error) error {
	file, err := os.Create(name + partial)
	if err != nil {
		return err
	}
	err = write(file)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(file.Name())
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(file.Name(), name)
}
