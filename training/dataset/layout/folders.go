package layout

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
)

// scoreName is what a folder of one score may be called.
var scoreName = regexp.MustCompile(`(?i)^(?:lus|score)?[ _-]*([0-3])$`)

// splitNames are the folders that may lie above those of the scores.
var splitNames = map[string]string{
	"train": dataset.Train, "training": dataset.Train,
	"val": dataset.Validation, "valid": dataset.Validation, "validation": dataset.Validation,
	"test": dataset.Test,
}

// pictures are the endings of files that are taken; others are listed as skipped.
var pictures = []string{".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".mp4", ".avi", ".gif", ".mov", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg", ".m4v", ".dcm"}

// scored is a folder that holds one score.
type scored struct {
	path  string // relative to the root
	split string
	score int
}

// scoreFolders lists the folders of scores in a folder.
func scoreFolders(root string) []scored {
	var found []scored
	add := func(below, split string) {
		for _, name := range subfolders(filepath.Join(root, below)) {
			if m := scoreName.FindStringSubmatch(name); m != nil {
				found = append(found, scored{filepath.Join(below, name), split, int(m[1][0] - '0')})
			}
		}
	}
	add("", "")
	for _, name := range subfolders(root) {
		if split, ok := splitNames[strings.ToLower(name)]; ok {
			add(name, split)
		}
	}
	return found
}

// folders reads a folder for each score.
func folders(root string, opt Options) (*clips.Set, error) {
	found := scoreFolders(root)
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: no folder is named by a score (0 to 3, score0, score_1, …)", root)
	}
	set := &clips.Set{From: root, Table: root}
	nameless := 0
	for _, f := range found {
		files, err := walk(root, f.path)
		if err != nil {
			return nil, err
		}
		for _, path := range files {
			if !slices.Contains(pictures, strings.ToLower(filepath.Ext(path))) {
				set.Skipped = append(set.Skipped, clips.Skipped{File: path, Err: fmt.Errorf("%s: no picture, video or DICOM file by its ending", path)})
				continue
			}
			patient, known := folderPatient(f.path, path, opt.Pattern)
			if !known {
				nameless++
			}
			set.Clips = append(set.Clips, clips.Clip{
				File: path, Patient: patient, ReaderA: f.score, ReaderB: dataset.Unscored, Split: f.split, Source: filepath.Base(root),
			})
		}
	}
	clips.Distinguish(set.Clips)
	if nameless > 0 {
		set.Warnings = append(set.Warnings, leak(nameless, "put each patient's files into a folder of their own below the score, or give --patient-pattern"))
	}
	return set, nil
}

// folderPatient finds a file's patient: the folder below the score, what the pattern
// matches in the name, or the file itself.
func folderPatient(score, path string, pattern *regexp.Regexp) (patient string, known bool) {
	relative, err := filepath.Rel(score, path)
	if err == nil {
		if folder, _, below := strings.Cut(filepath.ToSlash(relative), "/"); below {
			return folder, true
		}
	}
	if pattern != nil {
		if m := pattern.FindStringSubmatch(filepath.Base(path)); m != nil && m[1] != "" {
			return m[1], true
		}
	}
	// Its path, not its name alone: 0/1.png and 1/1.png are two clips.
	return strings.TrimSuffix(filepath.ToSlash(path), filepath.Ext(path)), false
}
