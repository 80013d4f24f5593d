package layout

import (
	"fmt"
	"path/filepath"
	"strings"

	"lungbox/training/dataset"
)

// readers are the scores of two readers.
type readers struct{ a, b int }

// scores are from a table of their own, by the kind of key that it has.
type scores struct {
	path string
	kind string // file, sop or series
	by   map[string]readers
	used map[string]bool
}

// readScores reads --scores; "" gives scores that know nothing.
func readScores(path string, kinds ...string) (*scores, error) {
	known := &scores{path: path, by: map[string]readers{}, used: map[string]bool{}}
	if path == "" {
		return known, nil
	}
	s, err := readSheet(path)
	if err != nil {
		return nil, err
	}
	key, err := s.need(kinds...)
	if err != nil {
		return nil, err
	}
	known.kind = strings.ToLower(s.head[key])
	a, err := s.need("reader_a", "score")
	if err != nil {
		return nil, err
	}
	b := s.column("reader_b")
	wrong := &faults{path: path}
	for n, row := range s.rows {
		name := filepath.ToSlash(strings.ReplaceAll(s.value(row, key), `\`, "/"))
		first, err := parseScore(s.value(row, a))
		second, again := parseScore(s.value(row, b))
		_, twice := known.by[name]
		switch {
		case name == "":
			wrong.add(s.lines[n], "no %s", known.kind)
		case err != nil:
			wrong.add(s.lines[n], "%v", err)
		case again != nil:
			wrong.add(s.lines[n], "%v", again)
		case twice:
			wrong.add(s.lines[n], "%s is there twice", name)
		}
		known.by[name] = readers{first, second}
	}
	return known, wrong.err()
}

// of looks one clip up by any of its names.
func (s *scores) of(names ...string) (readers, bool) {
	for _, name := range names {
		if r, ok := s.by[name]; ok && name != "" {
			s.used[name] = true
			return r, true
		}
	}
	return readers{dataset.Unscored, dataset.Unscored}, false
}

// ofFile looks a file up by its path, its name, or its name without ending.
func (s *scores) ofFile(path string) (readers, bool) {
	return s.of(filepath.ToSlash(path), filepath.Base(path), stem(path))
}

// unused is the warning about rows that no clip has; "" when there are none.
func (s *scores) unused() string {
	var first string
	n := 0
	for name := range s.by {
		if !s.used[name] {
			n++
			if first == "" || name < first {
				first = name
			}
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s: %d of %d rows belong to no clip, among them %s", s.path, n, len(s.by), first)
}
