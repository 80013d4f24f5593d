package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
)

// Tables of COVIDx-US. All have the column id, as in 44_litfl_pneumonia; a clip's file is
// ID.mp4 (or .gif, .wmv, …), cropped by the set's own notebook ID_prc.avi.
const (
	covidxVideos = "utils/video_metadata.csv" // id, source, url, probe, class, type
	covidxScores = "utils/LUSS_metadata.csv"  // id, LUSS; from version 1.3
	covidxLabels = "labels/*.csv"             // id, LUSS, patient; from version 1.4
)

// covidx reads COVIDx-US, any version 1.
func covidx(root string, opt Options) (*clips.Set, error) {
	videos, err := readSheet(filepath.Join(root, covidxVideos))
	if err != nil {
		return nil, err
	}
	id, err := videos.need("id")
	if err != nil {
		return nil, err
	}
	known, err := readScores(opt.Scores, "file")
	if err != nil {
		return nil, err
	}
	luss, patients, err := covidxReadings(root)
	if err != nil {
		return nil, err
	}
	files, err := videoFiles(root, "_prc")
	if err != nil {
		return nil, err
	}
	set := &clips.Set{From: root, Table: filepath.Join(root, covidxVideos), KeepUnscored: true}
	gone, nameless, organs := 0, 0, map[string]int{}
	for _, row := range videos.rows {
		get := func(name string) string { return videos.value(row, videos.column(name)) }
		name := videos.value(row, id)
		path, here := files[strings.ToLower(name)]
		organ := strings.ToLower(get("type"))
		switch {
		case organ != "" && organ != "lung" && organ != "polmone": // some versions say it in Italian
			organs[organ]++
			continue
		case name == "" || !here:
			gone++
			continue
		}
		c := clips.Clip{
			File: path, Probe: strings.ToLower(get("probe")), Findings: strings.ToLower(get("class")),
			Source: strings.TrimSpace(get("source") + " " + get("url")), ReaderA: luss.of(name), ReaderB: dataset.Unscored,
		}
		if r, ok := known.ofFile(name); ok {
			c.ReaderA, c.ReaderB = r.a, r.b
		} else if r, ok := known.ofFile(path); ok {
			c.ReaderA, c.ReaderB = r.a, r.b
		}
		c.Patient = "covidx-" + first(patients[name], get("patient"))
		if c.Patient == "covidx-" {
			nameless++
			c.Patient += name
		}
		set.Clips = append(set.Clips, c)
	}
	if len(set.Clips) == 0 {
		return nil, fmt.Errorf("%s: none of its %d clips is here: run the set's notebook create_COVIDxUS.ipynb, which fetches them", set.Table, len(videos.rows))
	}
	set.Warnings = append(set.Warnings, covidxWarnings(len(set.Clips), gone, nameless, organs)...)
	if w := known.unused(); w != "" {
		set.Warnings = append(set.Warnings, w)
	}
	return set, nil
}

func covidxWarnings(clips, gone, nameless int, organs map[string]int) []string {
	warnings := []string{fmt.Sprintf("COVIDx-US does not say the licences of its %d clips: ask the sources before a release is trained with them", clips)}
	if nameless > 0 {
		warnings = append(warnings, leak(nameless, "labels/ of version 1.4 and later names the patients"))
	}
	if gone > 0 {
		warnings = append(warnings, fmt.Sprintf("%d clips of the table are not in the folder", gone))
	}
	for _, organ := range sorted(organs) {
		warnings = append(warnings, fmt.Sprintf("left out %d clips that do not show lung (%s)", organs[organ], organ))
	}
	return warnings
}

// lus are scores by a clip's name.
type lus map[string]int

func (l lus) of(name string) int {
	if score, ok := l[name]; ok {
		return score
	}
	return dataset.Unscored
}

// covidxReadings reads scores and patients where the version has them.
func covidxReadings(root string) (scores lus, patients map[string]string, err error) {
	scores, patients = lus{}, map[string]string{}
	labels, err := filepath.Glob(filepath.Join(root, covidxLabels))
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(labels) // later versions come later, and count
	for _, path := range append([]string{filepath.Join(root, covidxScores)}, labels...) {
		s, err := readSheet(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		id, score, patient := s.column("id"), s.column("LUSS"), s.column("patient")
		if id < 0 {
			continue
		}
		wrong := &faults{path: path}
		for n, row := range s.rows {
			name := s.value(row, id)
			if score >= 0 {
				if scores[name], err = parseScore(s.value(row, score)); err != nil {
					wrong.add(s.lines[n], "%v", err)
				}
			}
			if p := s.value(row, patient); p != "" {
				patients[name] = p
			}
		}
		if err := wrong.err(); err != nil {
			return nil, nil, err
		}
	}
	return scores, patients, nil
}
