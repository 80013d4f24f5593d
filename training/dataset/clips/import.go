package clips

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lungbox/capture"
	"lungbox/training/dataset"
)

// Import makes a dataset in dir from a folder of clips with a clips.csv; see [Take].
func Import(ctx context.Context, from, dir string, opt Options, progress func(done, total int)) (*Report, error) {
	set, err := Find(from)
	if err != nil {
		return nil, err
	}
	return Take(ctx, set, dir, opt, progress)
}

// Find reads the clips.csv of a folder.
func Find(from string) (*Set, error) {
	rows, err := Read(from)
	if err != nil {
		return nil, err
	}
	return &Set{From: from, Table: filepath.Join(from, TableFile), Clips: rows}, nil
}

// Take makes a dataset in dir from a set of clips: the fan of every picture cropped and
// masked as the box does it. Clips on which the readers differ are left out and
// reported, and so are files that cannot be read, unless opt.Strict. The rows it took
// are kept beside the dataset with their licences.
//
// dir must not exist, or be empty. It gets its name when all is there. An import that
// was ended half-way leaves dir.unfinished; the next one into dir goes on from there:
// files that are done, and have not changed since, are not read again.
//
// progress, which may be nil, is told after every file, from one goroutine at a time; it
// is not told of the last one when the import fails.
func Take(ctx context.Context, set *Set, dir string, opt Options, progress func(done, total int)) (*Report, error) {
	if err := set.check(opt); err != nil {
		return nil, err
	}
	dir = filepath.Clean(dir)
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("import into %s: the folder is not empty: give another one or delete it", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("import into %s: %w", dir, err)
	}
	work := dir + Unfinished
	i := &importer{set: set, opt: opt, data: dataset.Dataset{Dir: work}, report: Report{Unfit: map[capture.Unfit]int{}, Skipped: set.Skipped, Warnings: set.Warnings}, patients: map[string]bool{}}
	if err := i.run(ctx, progress); err != nil {
		err = fmt.Errorf("import into %s: %w", dir, err)
		if i.journal == nil || i.journal.entries == 0 {
			err = errors.Join(err, os.RemoveAll(work))
		}
		return nil, err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("import into %s: %w", dir, err)
	}
	return &i.report, os.Rename(work, dir)
}

// importer is one run of Take.
type importer struct {
	set      *Set
	opt      Options
	journal  *journal
	data     dataset.Dataset
	report   Report
	taken    []Clip
	patients map[string]bool // with a picture
}

// run writes the pictures of all clips, then the tables.
func (i *importer) run(ctx context.Context, progress func(done, total int)) (err error) {
	if i.journal, err = openJournal(i.data.Dir, i.opt); err != nil {
		return err
	}
	defer i.journal.close()
	files := i.files()
	done, err := i.all(ctx, files, progress)
	if err != nil {
		return err
	}
	i.gather(files, done)
	if len(i.data.Rows) == 0 {
		i.journal.entries = 0 // nothing to go on from
		return i.nothing()
	}
	if err := write(filepath.Join(i.data.Dir, TableFile), i.taken); err != nil {
		return err
	}
	if err := i.journal.finish(i.data); err != nil {
		return err
	}
	if err := i.data.Write(); err != nil {
		return err
	}
	if progress != nil {
		progress(len(files), len(files))
	}
	return nil
}

// nothing is the error of an import without a picture.
func (i *importer) nothing() error {
	r := &i.report
	err := fmt.Errorf("%s gives no picture: of %d clips the readers differ on %d, %d have no score, %d no frame that can be scored, %d cannot be read",
		i.set.From, len(i.set.Clips), len(r.Differing), len(r.Unscored), len(r.Empty), len(r.Skipped))
	if len(r.Skipped) > 0 {
		return fmt.Errorf("%w; the first: %w", err, r.Skipped[0].Err)
	}
	return err
}

// gather makes rows and the report of what was done, in the order of the clips.
func (i *importer) gather(files []*file, done []outcome) {
	pictures := map[int][]int{} // frames by clip
	for n, f := range files {
		if done[n].fault != nil {
			i.report.Skipped = append(i.report.Skipped, Skipped{f.path, done[n].fault})
			continue
		}
		for reason, count := range done[n].Unfit {
			i.report.Unfit[reason] += count
		}
		for _, c := range f.clips {
			for _, frame := range done[n].Frames {
				if only := i.set.Clips[c].Only; only == 0 || only-1 == frame {
					pictures[c] = append(pictures[c], frame)
				}
			}
			switch {
			case len(pictures[c]) > 0:
			case i.set.Clips[c].Only > 0:
				i.report.Beyond++
			default:
				i.report.Empty = append(i.report.Empty, i.set.Clips[c])
			}
		}
	}
	for n, c := range i.set.Clips {
		i.add(c, pictures[n])
	}
	i.report.TestEmpty = slices.DeleteFunc(slices.Clone(i.opt.Test), func(p string) bool { return i.patients[p] })
	i.report.Clips, i.report.Pictures, i.report.Patients = len(i.taken), len(i.data.Rows), len(i.patients)
}

// add makes the rows of one clip, or notes why it was left out.
func (i *importer) add(c Clip, frames []int) {
	score, ok := c.label()
	i.report.Agreement.add(c, len(frames))
	switch {
	case !ok && c.ReaderA != dataset.Unscored:
		i.report.Differing = append(i.report.Differing, c)
	case !ok && !i.set.KeepUnscored:
		i.report.Unscored = append(i.report.Unscored, c)
	}
	if len(frames) == 0 {
		return
	}
	row := dataset.Row{
		Frame: -1, Patient: c.Patient, Exam: c.Exam, Zone: c.Zone, Clip: c.Loop,
		ReaderA: c.ReaderA, ReaderB: c.ReaderB, Split: c.Split, Source: c.Source,
	}
	if row.Clip == "" {
		row.Clip = c.name()
	}
	if len(i.opt.Test) > 0 {
		row.Split = dataset.Train
		if slices.Contains(i.opt.Test, c.Patient) {
			row.Split = dataset.Test
		}
	}
	for _, frame := range frames {
		row.File = picturePath(c, frame)
		i.data.Rows = append(i.data.Rows, row)
	}
	i.taken = append(i.taken, c)
	i.patients[c.Patient] = true
	if ok {
		i.report.ByScore[score] += len(frames)
	} else {
		i.report.NoScore += len(frames)
	}
	if row.Split == dataset.Test {
		i.report.TestPictures += len(frames)
	}
}

// picturePath is where a picture lies in the dataset.
func picturePath(c Clip, frame int) string {
	return filepath.Join("images", c.name(), fmt.Sprintf("%05d.png", frame))
}
