package layout

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lungbox/daemon/commandline"
	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
)

// ours are the columns of a csv layout: those of images.csv, and what clips.csv has
// besides. score is reader_a where one score is all there is.
var ours = []string{"file", "frame", "patient", "exam", "zone", "clip", "reader_a", "reader_b", "split", "source", "probe", "findings", "license", "score"}

// ParseColumns reads --columns: ours=theirs, separated by commas.
func ParseColumns(text string) (map[string]string, error) {
	columns := map[string]string{}
	for _, pair := range strings.Split(text, ",") {
		our, their, ok := strings.Cut(pair, "=")
		our, their = strings.TrimSpace(our), strings.TrimSpace(their)
		switch {
		case !ok || their == "":
			return nil, commandline.Usagef("--columns %q: want ours=theirs, as in file=path,patient=subject", pair)
		case !slices.Contains(ours, our):
			return nil, commandline.Usagef("--columns: there is no column %q: ours are %s", our, strings.Join(ours, ", "))
		case columns[our] != "":
			return nil, commandline.Usagef("--columns: %s is there twice", our)
		}
		columns[our] = their
	}
	return columns, nil
}

// table reads any table with a column that names files.
func table(path string, opt Options) (*clips.Set, error) {
	path, err := findTable(path)
	if err != nil {
		return nil, err
	}
	s, err := readSheet(path)
	if err != nil {
		return nil, err
	}
	at, err := s.mapped(opt.Columns)
	if err != nil {
		return nil, err
	}
	set := &clips.Set{From: filepath.Dir(path), Table: path, KeepUnscored: true}
	wrong := &faults{path: path}
	nameless := 0
	for n, row := range s.rows {
		c, err := s.clip(row, at)
		if err != nil {
			wrong.add(s.lines[n], "%v", err)
			continue
		}
		if c.Patient == "" {
			nameless++
			c.Patient = c.Loop
			if c.Patient == "" {
				c.Patient = strings.TrimSuffix(c.File, filepath.Ext(c.File))
			}
		}
		set.Clips = append(set.Clips, c)
	}
	if nameless > 0 {
		set.Warnings = append(set.Warnings, leak(nameless, "name the column of the patients: --columns patient=…"))
	}
	clips.Distinguish(set.Clips)
	return set, wrong.err()
}

// findTable is the table that a path means: itself, or the one in the folder.
func findTable(path string) (string, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return path, err
	}
	images := filepath.Join(path, dataset.TableFile)
	if _, err := os.Stat(images); err == nil {
		return images, nil
	}
	found, err := filepath.Glob(filepath.Join(path, "*.[ct]sv"))
	if err != nil || len(found) != 1 {
		return "", commandline.Usagef("%s holds %d tables: name the CSV file itself", path, len(found))
	}
	return found[0], nil
}

// mapped finds our columns in the table: those that columns names, or, without it,
// those with our names.
func (s *sheet) mapped(columns map[string]string) (map[string]int, error) {
	at := map[string]int{}
	for _, our := range ours {
		at[our] = -1
		if columns == nil {
			at[our] = s.column(our)
		}
	}
	for _, our := range slices.Sorted(maps.Keys(columns)) {
		if at[our] = s.column(columns[our]); at[our] < 0 {
			return nil, commandline.Usagef("%s has no column %q: it has %s", s.path, columns[our], strings.Join(s.head, ", "))
		}
	}
	if at["file"] < 0 {
		return nil, commandline.Usagef("%s has no column file: say which of %s names the files with --columns file=…", s.path, strings.Join(s.head, ", "))
	}
	if at["score"] >= 0 && at["reader_a"] >= 0 && at["reader_a"] != at["score"] {
		return nil, commandline.Usagef("%s: both score and reader_a are given: give one", s.path)
	}
	if at["score"] >= 0 {
		at["reader_a"] = at["score"]
	}
	return at, nil
}

// clip makes a clip of a row.
func (s *sheet) clip(row []string, at map[string]int) (clips.Clip, error) {
	get := func(our string) string { return s.value(row, at[our]) }
	c := clips.Clip{
		File: filepath.FromSlash(strings.ReplaceAll(get("file"), `\`, "/")), Patient: get("patient"), Exam: get("exam"), Zone: get("zone"), Loop: get("clip"),
		Split: get("split"), Source: get("source"), Probe: get("probe"), Findings: get("findings"), Licence: get("license"),
	}
	if !filepath.IsLocal(c.File) {
		return c, fmt.Errorf("file %q is outside the table's folder", c.File)
	}
	c.File = filepath.Clean(c.File)
	if frame := get("frame"); frame != "" {
		n, err := strconv.Atoi(frame)
		if err != nil || n < 0 {
			return c, fmt.Errorf("frame %q: want a number from 0", frame)
		}
		c.Only = n + 1
	}
	switch c.Split {
	case "", dataset.Train, dataset.Validation, dataset.Test:
	default:
		split, ok := splitNames[strings.ToLower(c.Split)]
		if !ok {
			return c, fmt.Errorf("split %q: want %s, %s, %s or nothing", c.Split, dataset.Train, dataset.Validation, dataset.Test)
		}
		c.Split = split
	}
	var err error
	if c.ReaderA, err = parseScore(get("reader_a")); err != nil {
		return c, err
	}
	c.ReaderB, err = parseScore(get("reader_b"))
	return c, err
}

// parseScore reads a score as people write it: 2, 2.0, and NA, n/a, nd or - for none.
func parseScore(text string) (int, error) {
	switch strings.ToLower(text) {
	case "na", "n/a", "nan", "nd", "-", "none", "null":
		return dataset.Unscored, nil
	}
	return dataset.ParseScore(strings.TrimSuffix(text, ".0"))
}
