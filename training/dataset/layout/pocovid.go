package layout

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
)

// pocovidTable lists the clips of the set that POCOVID-Net was trained with. Its columns
// are Filename (without ending), Current location, Label, Lung Severity Score, License,
// URL (Video Name), Probe, Patient ID / Name and many more; the files lie in
// pocus_videos/convex, pocus_videos/linear and pocus_images, with names in another case.
const pocovidTable = "dataset_metadata.csv"

// pocovid reads the data folder of jannisborn/covid19_ultrasound, or the repository.
func pocovid(root string, opt Options) (*clips.Set, error) {
	if inner := filepath.Join(root, "data"); exists(filepath.Join(inner, pocovidTable)) {
		root = inner
	}
	s, err := readSheet(filepath.Join(root, pocovidTable))
	if err != nil {
		return nil, err
	}
	name, err := s.need("Filename")
	if err != nil {
		return nil, err
	}
	known, err := readScores(opt.Scores, "file")
	if err != nil {
		return nil, err
	}
	files, err := mediaFiles(root)
	if err != nil {
		return nil, err
	}
	set := &clips.Set{From: root, Table: s.path, KeepUnscored: true}
	gone, nameless, odd, taken := 0, 0, 0, map[string]bool{}
	for _, row := range s.rows {
		get := func(names ...string) string { return said(s.value(row, s.column(names...))) }
		file := pick(files, s.value(row, name), get("Current location"))
		if file == "" || taken[file] {
			gone++
			continue
		}
		taken[file] = true
		c := clips.Clip{
			File: file, Probe: strings.ToLower(get("Probe")), Findings: get("Label"), Licence: get("License", "Licence"),
			Source: first(get("URL (Video Name)", "URL"), get("DOI")), ReaderB: dataset.Unscored,
		}
		if c.ReaderA, err = parseScore(get("Lung Severity Score")); err != nil {
			odd++ // the column is free text
		}
		if r, ok := known.ofFile(file); ok {
			c.ReaderA, c.ReaderB = r.a, r.b
		}
		patient := get("Patient ID / Name", "Patient ID")
		if _, err := strconv.Atoi(patient); err == nil {
			patient = "p" + patient
		}
		if c.Patient = patient; patient == "" {
			nameless++
			c.Patient = "pocovid-" + stem(file)
		}
		set.Clips = append(set.Clips, c)
	}
	if len(set.Clips) == 0 {
		return nil, fmt.Errorf("%s: none of its %d clips is in %s", set.Table, len(s.rows), root)
	}
	clips.Distinguish(set.Clips)
	for _, w := range []struct {
		n    int
		text string
	}{
		{gone, "%d rows of the table have no file here: some sources may not be passed on (Butterfly, ICLUS)"},
		{odd, "%d severity scores are no number from 0 to 3 and count as none"},
	} {
		if w.n > 0 {
			set.Warnings = append(set.Warnings, fmt.Sprintf(w.text, w.n))
		}
	}
	if nameless > 0 {
		set.Warnings = append(set.Warnings, leak(nameless, "the table does not name them"))
	}
	if w := known.unused(); w != "" {
		set.Warnings = append(set.Warnings, w)
	}
	return set, nil
}

// mediaFiles are the files of the set by their name in small letters, without ending;
// a name may be there as a video and as a picture, convex and linear.
func mediaFiles(root string) (map[string][]string, error) {
	files := map[string][]string{}
	for _, folder := range subfolders(root) {
		if !strings.HasPrefix(folder, "pocus_") {
			continue // frames cut out of the videos, CT, pictures with arrows
		}
		found, err := walk(root, folder)
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			if slices.Contains(pictures, strings.ToLower(filepath.Ext(file))) {
				key := strings.ToLower(stem(file))
				files[key] = append(files[key], file)
			}
		}
	}
	return files, nil
}

// pick chooses the file of a row: one in the folder that the row names, else the first.
func pick(files map[string][]string, name, location string) string {
	name = strings.ToLower(path.Base(filepath.ToSlash(name)))
	found := files[name]
	if found == nil && slices.Contains(pictures, path.Ext(name)) {
		found = files[strings.TrimSuffix(name, path.Ext(name))]
	}
	location = strings.TrimPrefix(strings.ToLower(location), "data/")
	for _, file := range found {
		if strings.EqualFold(filepath.ToSlash(filepath.Dir(file)), location) {
			return file
		}
	}
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

// videoFiles are the videos below a folder by their name in small letters, without
// ending; one whose name has the suffix stands back behind one without.
func videoFiles(root, suffix string) (map[string]string, error) {
	found, err := walk(root, "")
	if err != nil {
		return nil, err
	}
	files, plain := map[string]string{}, map[string]bool{}
	for _, file := range found {
		ending := strings.ToLower(filepath.Ext(file))
		if !slices.Contains(pictures, ending) || slices.Contains([]string{".png", ".jpg", ".jpeg", ".dcm"}, ending) {
			continue
		}
		name := strings.ToLower(stem(file))
		key := strings.TrimSuffix(name, suffix)
		if _, there := files[key]; !there || key == name && !plain[key] {
			files[key], plain[key] = file, key == name
		}
	}
	return files, nil
}

// said is a field, "" where people wrote that there is nothing to say.
func said(text string) string {
	switch strings.ToLower(text) {
	case "none", "n.a.", "n/a", "na", "nd", "nan", "-", "unknown":
		return ""
	}
	return text
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func sorted(counts map[string]int) []string { return slices.Sorted(maps.Keys(counts)) }
