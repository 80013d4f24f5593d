// Package layout finds the clips of a set as people keep them, and what is known of
// each: patient, scores, source, licence. Package clips writes the dataset.
//
//	clips     a folder with a clips.csv, see package clips
//	folders   a folder for each score (0 to 3, score0, "Score 1", …), in it files, or a
//	          folder for each patient; train/, validation/ and test/ may lie above
//	csv       any table with a column that names files
//	dicom     a tree of DICOM files; scores from a table of their own
//	covidx    COVIDx-US (github.com/nrc-cnrc/COVID-US), made with its notebook
//	pocovid   the data folder of github.com/jannisborn/covid19_ultrasound
package layout

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lungbox/capture/clip"
	"lungbox/capture/dicom"
	"lungbox/daemon/commandline"
	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
)

// Names of the layouts.
const (
	Auto    = "auto"
	Clips   = "clips"
	Folders = "folders"
	CSV     = "csv"
	DICOM   = "dicom"
	COVIDx  = "covidx"
	POCOVID = "pocovid"
)

// All lists the layouts, for messages.
var All = [...]string{Auto, Clips, Folders, CSV, DICOM, COVIDx, POCOVID}

// Options say how to read a layout.
type Options struct {
	Layout string // one of All
	// Pattern finds the patient in a file's name: what its one group matches (folders).
	Pattern *regexp.Regexp
	// Columns maps our names of columns to the table's (csv); nil means our own names.
	Columns map[string]string
	// Scores is a table file|sop|series,reader_a,reader_b for sets that hold none (dicom,
	// covidx, pocovid); "" means none.
	Scores string
	// KeepPatientIDs takes patient and study identifiers and paths as they are (dicom).
	// Without, Secret makes pseudonyms of them: the same identifier and secret give the
	// same one, and nobody without the secret can find the identifier by trying.
	KeepPatientIDs bool
	Secret         []byte
	Worker         dicom.Options
}

// Find reads the layout of a path. Errors are one line; those that a flag mends are
// [commandline.UsageError].
func Find(ctx context.Context, path string, opt Options) (*clips.Set, error) {
	name := opt.Layout
	if name == Auto {
		var err error
		if name, err = Detect(path); err != nil {
			return nil, err
		}
	}
	if err := opt.fits(name); err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%s: no such file or folder", path)
	} else if !info.IsDir() && name != CSV {
		return nil, commandline.Usagef("%s is no folder: layout %s is one", path, name)
	}
	switch name {
	case Clips:
		return clips.Find(path)
	case Folders:
		return folders(path, opt)
	case CSV:
		return table(path, opt)
	case DICOM:
		return dicomTree(ctx, path, opt)
	case COVIDx:
		return covidx(path, opt)
	case POCOVID:
		return pocovid(path, opt)
	}
	return nil, commandline.Usagef("layout %q: want one of %s", name, strings.Join(All[:], ", "))
}

// fits refuses flags that would have no effect on a layout.
func (o Options) fits(name string) error {
	for _, flag := range []struct {
		name    string
		set     bool
		layouts []string
	}{
		{"--patient-pattern", o.Pattern != nil, []string{Folders}},
		{"--columns", o.Columns != nil, []string{CSV}},
		{"--scores", o.Scores != "", []string{DICOM, COVIDx, POCOVID}},
		{"--keep-patient-ids", o.KeepPatientIDs, []string{DICOM}},
	} {
		if flag.set && !slices.Contains(flag.layouts, name) {
			return commandline.Usagef("%s has no effect on layout %s: it is for %s", flag.name, name, strings.Join(flag.layouts, ", "))
		}
	}
	if o.Pattern != nil && o.Pattern.NumSubexp() != 1 {
		return commandline.Usagef("--patient-pattern %q: want one group in parentheses that matches the patient", o.Pattern)
	}
	return nil
}

// Detect tells the layout of a path.
func Detect(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%s: no such file or folder", path)
	}
	if !info.IsDir() {
		if slices.Contains([]string{".csv", ".tsv"}, strings.ToLower(filepath.Ext(path))) {
			return CSV, nil
		}
		return "", commandline.Usagef("%s is no folder and no CSV file: give one", path)
	}
	has := func(name string) bool { _, err := os.Stat(filepath.Join(path, name)); return err == nil }
	switch {
	case has(clips.TableFile):
		return Clips, nil
	case has(dataset.TableFile):
		return CSV, nil
	case has(covidxVideos):
		return COVIDx, nil
	case has(pocovidTable) || has("data/"+pocovidTable):
		return POCOVID, nil
	case len(scoreFolders(path)) > 1: // one may be a folder of anything
		return Folders, nil
	case anyDICOM(path):
		return DICOM, nil
	}
	return "", commandline.Usagef("%s: no layout is known by its files (clips.csv, images.csv, %s, %s, folders 0 to 3, DICOM): say --layout", path, covidxVideos, pocovidTable)
}

// walk lists the files below a folder, relative to root, in the order of their names;
// hidden files and those that are certainly no pictures are left out.
func walk(root, below string) ([]string, error) {
	var files []string
	for path, err := range clip.Walk([]string{filepath.Join(root, below)}) {
		if err != nil {
			if info, gone := os.Stat(path); gone == nil && info.IsDir() {
				continue // an empty folder is no fault here
			}
			return nil, err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return nil, err
		}
		files = append(files, relative)
	}
	return files, nil
}

// subfolders lists the folders in a folder, without hidden ones.
func subfolders(path string) []string {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if isDir(path, e) && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

func isDir(path string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(filepath.Join(path, e.Name()))
	return err == nil && info.IsDir()
}

// stem is a file's name without folders and ending.
func stem(path string) string {
	name := filepath.Base(path)
	return strings.TrimSuffix(name, filepath.Ext(name))
}

// leak is the warning about clips whose patient is not known.
func leak(n int, what string) string {
	return fmt.Sprintf("LEAK: %d clips name no patient, so each counts as a patient of its own: if two are of one person, pictures of that person may lie in training and test at once; %s", n, what)
}
