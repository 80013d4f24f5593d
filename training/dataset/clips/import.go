package clips

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lungbox/capture"
	"lungbox/capture/clip"
	"lungbox/capture/replay"
	"lungbox/training/dataset"
)

// Options say what to take from the clips.
type Options struct {
	Every int // frames between two pictures of a clip; 10 in the paper (section 2.1)
	Most  int // pictures of a clip at most; 50 in the paper (section 2.1)
	// Test holds the patients whose pictures get the split [dataset.Test]; the others
	// get [dataset.Train]. Without any the split stays empty.
	Test []string
}

// unfinished ends the name of the folder that an import works in.
const unfinished = ".unfinished"

// Import makes a dataset in dir from a folder of clips: the fan of every picture
// cropped and masked as the box does it. Clips on which the readers differ are left
// out and reported. The rows it took are kept beside the dataset with their licences.
//
// dir must not exist, or be empty. It gets its name when all is there: an import that
// was ended half-way leaves dir.unfinished at most, which the next one replaces.
//
// progress, which may be nil, is told after every clip.
func Import(ctx context.Context, from, dir string, opt Options, progress func(done, total int)) (*Report, error) {
	rows, err := Read(from)
	if err != nil {
		return nil, err
	}
	if err := check(from, rows, opt); err != nil {
		return nil, err
	}
	dir = filepath.Clean(dir)
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("import into %s: the folder is not empty: give another one or delete it", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("import into %s: %w", dir, err)
	}
	work := dir + unfinished
	if err := os.RemoveAll(work); err != nil {
		return nil, fmt.Errorf("import into %s: %w", dir, err)
	}
	i := &importer{
		from: from, opt: opt, data: dataset.Dataset{Dir: work},
		report: Report{Unfit: map[capture.Unfit]int{}}, patients: map[string]bool{},
	}
	if err := i.all(ctx, rows, progress); err != nil {
		return nil, errors.Join(fmt.Errorf("import into %s: %w", dir, err), os.RemoveAll(work))
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("import into %s: %w", dir, err)
	}
	return &i.report, os.Rename(work, dir)
}

// check refuses what would show only after long work, or not at all.
func check(from string, rows []Clip, opt Options) error {
	table := filepath.Join(from, TableFile)
	if opt.Every < 1 || opt.Most < 1 {
		return fmt.Errorf("every %d frames, %d pictures of a clip: want at least 1", opt.Every, opt.Most)
	}
	for _, patient := range opt.Test {
		if !slices.ContainsFunc(rows, func(c Clip) bool { return c.Patient == patient }) {
			return fmt.Errorf("test patient %q is not in %s", patient, table)
		}
	}
	files := map[string]string{}
	for _, c := range rows {
		if other, taken := files[c.name()]; taken {
			return fmt.Errorf("%s: %s and %s differ in their ending only: rename one", table, other, c.File)
		}
		files[c.name()] = c.File
	}
	return nil
}

// name is the clip's name in the dataset.
func (c Clip) name() string { return strings.TrimSuffix(c.File, filepath.Ext(c.File)) }

// importer is one run of Import.
type importer struct {
	from     string
	opt      Options
	data     dataset.Dataset
	report   Report
	taken    []Clip
	patients map[string]bool // with a picture
}

// all writes the pictures of all clips, then the tables.
func (i *importer) all(ctx context.Context, rows []Clip, progress func(done, total int)) error {
	for n, c := range rows {
		if err := i.clip(ctx, c); err != nil {
			return err
		}
		if progress != nil {
			progress(n+1, len(rows))
		}
	}
	for _, patient := range i.opt.Test {
		if !i.patients[patient] {
			i.report.TestEmpty = append(i.report.TestEmpty, patient)
		}
	}
	i.report.Clips, i.report.Pictures, i.report.Patients = len(i.taken), len(i.data.Rows), len(i.patients)
	if i.report.Pictures == 0 {
		return fmt.Errorf("%s gives no picture: of %d clips the readers differ on %d, %d have no score, %d no frame that can be scored",
			i.from, len(rows), len(i.report.Differing), len(i.report.Unscored), len(i.report.Empty))
	}
	if err := write(filepath.Join(i.data.Dir, TableFile), i.taken); err != nil {
		return err
	}
	return i.data.Write()
}

// clip takes one clip, or notes why not.
func (i *importer) clip(ctx context.Context, c Clip) error {
	row := dataset.Row{
		Frame: -1, Patient: c.Patient, Clip: c.name(),
		ReaderA: c.ReaderA, ReaderB: c.ReaderB, Source: c.Source,
	}
	score, ok := row.Label()
	switch {
	case ok:
	case c.ReaderA == dataset.Unscored && c.ReaderB == dataset.Unscored:
		i.report.Unscored = append(i.report.Unscored, c)
		return nil
	default:
		i.report.Differing = append(i.report.Differing, c)
		return nil
	}
	if len(i.opt.Test) > 0 {
		row.Split = dataset.Train
		if slices.Contains(i.opt.Test, c.Patient) {
			row.Split = dataset.Test
		}
	}
	added, err := i.pictures(ctx, filepath.Join(i.from, c.File), row)
	if err != nil {
		return err
	}
	if len(added) == 0 {
		i.report.Empty = append(i.report.Empty, c)
		return nil
	}
	i.data.Rows = append(i.data.Rows, added...)
	i.taken = append(i.taken, c)
	i.patients[c.Patient] = true
	i.report.ByScore[score] += len(added)
	if row.Split == dataset.Test {
		i.report.TestPictures += len(added)
	}
	return nil
}

// pictures writes the pictures of one clip and returns their rows.
func (i *importer) pictures(ctx context.Context, path string, row dataset.Row) ([]dataset.Row, error) {
	source, err := replay.Open(ctx, path, clip.Options{})
	if err != nil {
		return nil, err
	}
	defer source.Close()
	folder := filepath.Join("images", row.Clip)
	if err := os.MkdirAll(filepath.Join(i.data.Dir, folder), 0o755); err != nil {
		return nil, err
	}
	var rows []dataset.Row
	for next := 0; len(rows) < i.opt.Most; {
		frame, err := source.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if frame.Index < next {
			continue
		}
		if frame.Unfit != "" {
			i.report.Unfit[frame.Unfit]++
			continue
		}
		picture := row
		picture.File = filepath.Join(folder, fmt.Sprintf("%05d.png", frame.Index))
		if err := writePNG(filepath.Join(i.data.Dir, picture.File), frame.Image); err != nil {
			return nil, err
		}
		rows = append(rows, picture)
		next = frame.Index + i.opt.Every
	}
	return rows, nil
}

// writePNG writes a picture through to the disk: the dataset's name says that it is
// there.
func writePNG(path string, picture *image.Gray) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(png.Encode(file, picture), file.Sync(), file.Close())
}
