package twostage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
	"lungbox/training/dataset/pack"
)

// claim writes the preset into a folder that holds nothing yet, or only what a run left
// that was ended before it was prepared: that one may have had other settings.
func (r *Run) claim(text []byte) error {
	entries, err := os.ReadDir(r.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if slices.ContainsFunc(entries, foreign) {
		return errors.New("the folder holds other files: give another one")
	}
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return err
	}
	return atomicfile.Write(r.path(presetFile), text)
}

// foreign says whether a file is none that preparing a run writes.
func foreign(entry fs.DirEntry) bool {
	for _, name := range append(pack.Files(), presetFile, splitFile, stateFile) {
		if entry.Name() == name || atomicfile.Unfinished(entry.Name(), name) {
			return false
		}
	}
	return true
}

// sameSettings compares the preset with the one that the run began with.
func (r *Run) sameSettings(text []byte) error {
	before, err := os.ReadFile(r.path(presetFile))
	if err != nil || bytes.Equal(before, text) {
		return err
	}
	return fmt.Errorf("it was begun with other settings (%s): give another folder, or the same --preset and flags", firstDifference(before, text))
}

// firstDifference is the first line in which two presets differ.
func firstDifference(before, now []byte) string {
	a, b := bytes.Split(before, []byte("\n")), bytes.Split(now, []byte("\n"))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			return fmt.Sprintf("%s, now %s", bytes.TrimSpace(a[i]), bytes.TrimSpace(b[i]))
		}
	}
	return "another number of lines"
}

// sameRows refuses a table that is not the one which the run began with.
func (r *Run) sameRows(table *dataset.Dataset) error {
	p, err := pack.Open(r.Dir)
	if err != nil {
		return err
	}
	defer p.Close()
	return sameEntries(p, table)
}

func sameEntries(p *pack.Pack, table *dataset.Dataset) error {
	kept := map[dataset.Row]bool{}
	for _, e := range p.Entries {
		kept[e.Row] = true
	}
	n := 0
	for i, row := range table.Rows {
		if _, ok := row.Label(); !ok {
			continue
		}
		n++
		if !kept[row] {
			return fmt.Errorf("row %d of %s (%s) is not among the pictures that the run began with: give another folder for the run", i+2, dataset.TableFile, row.File)
		}
	}
	if n != len(p.Entries) {
		return fmt.Errorf("the dataset has %d scored pictures, the run began with %d: give another folder for the run", n, len(p.Entries))
	}
	return nil
}
