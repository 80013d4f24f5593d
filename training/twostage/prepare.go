package twostage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"

	"lungbox/ensemble/arch"
	"lungbox/training/atomicfile"
	"lungbox/training/dataset"
	"lungbox/training/dataset/pack"
	"lungbox/training/preset"
	"lungbox/training/split"
)

// Prepare makes a run of a dataset, or opens the one that is there when it was made
// with the same settings and pictures. progress, which may be nil, is told how many
// files are decoded.
func Prepare(ctx context.Context, dir, data string, p *preset.Preset, dryRun bool, progress func(done, total int)) (*Run, error) {
	if err := prepare(ctx, dir, data, p, dryRun, progress); err != nil {
		return nil, fmt.Errorf("run %s: %w", dir, err)
	}
	return Open(dir)
}

func prepare(ctx context.Context, dir, data string, p *preset.Preset, dryRun bool, progress func(done, total int)) error {
	r := &Run{Dir: dir}
	resolved := resolve(*p, dryRun)
	text, err := resolved.Marshal()
	if err != nil {
		return err
	}
	table, err := dataset.Read(data)
	if err != nil {
		return err
	}
	if err := r.claim(text); err != nil {
		return err
	}
	before := &State{}
	switch err := r.readJSON(stateFile, before); {
	case errors.Is(err, fs.ErrNotExist):
		before = nil
	case err != nil:
		return err
	}
	if before != nil {
		// The table is compared, the pictures are not read again.
		return r.sameRows(table)
	}
	if !pack.Exists(dir) {
		if err := pack.Build(ctx, table, dir, progress); err != nil {
			return err
		}
	}
	pictures, err := pack.Open(dir)
	if err != nil {
		return err
	}
	defer pictures.Close()
	if err := sameEntries(pictures, table); err != nil {
		return err
	}
	s, err := split.Make(rows(pictures.Pictures), scores(pictures.Pictures), resolved.SplitOptions())
	if err != nil {
		return err
	}
	if dryRun {
		thin(s.Parts, pictures.Pictures)
	}
	state := State{Data: data, DataHash: pictures.Hash, Preset: hashOf(text), Warnings: s.Warnings, DryRun: dryRun}
	if state.Split, err = s.Write(r.path(splitFile), rows(pictures.Pictures), scores(pictures.Pictures)); err != nil {
		return err
	}
	if simulated(pictures.Pictures) {
		state.Warnings = append(state.Warnings, "SIMULATED: pictures of this dataset were drawn by a phantom; the figures say nothing about patients")
	}
	for _, name := range arch.Names() {
		if resolved.Nets[name].Initial == "" {
			state.Warnings = append(state.Warnings, fmt.Sprintf("RANDOM START: %s starts from random weights, not from ImageNet's as in the paper; it needs many more pictures and steps (nets.%s.initial names weights of lungtrain weights import)", name, name))
		}
	}
	return r.writeJSON(stateFile, state)
}

// claim writes the preset into the folder, or compares it with the one that is there.
func (r *Run) claim(text []byte) error {
	before, err := os.ReadFile(r.path(presetFile))
	switch {
	case err == nil && bytes.Equal(before, text):
		return nil
	case err == nil:
		return fmt.Errorf("it was begun with other settings (%s): give another folder, or the same --preset and flags", firstDifference(before, text))
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if entries, err := os.ReadDir(r.Dir); err == nil && len(entries) > 0 {
		return errors.New("the folder holds other files: give another one")
	}
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return err
	}
	return atomicfile.Write(r.path(presetFile), text)
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

// simulated says whether any picture was drawn by the phantom.
func simulated(pictures []dataset.Picture) bool {
	return slices.ContainsFunc(pictures, func(p dataset.Picture) bool { return split.SiteOf(p.Source) == "simulated" })
}

// resolve fills in what depends on the machine, so that a run goes on alike, and turns
// a preset into a dry one.
func resolve(p preset.Preset, dryRun bool) preset.Preset {
	if dryRun {
		p.Train.Steps, p.Train.Checkpoint, p.Train.Log = 1, 1, 1
		p.Evaluate.Bootstrap = min(p.Evaluate.Bootstrap, 20)
	}
	m := &p.Machine
	if m.Jobs == 0 {
		m.Jobs = 1
		if n := len(GPUs()); n > 0 && m.Device != "cpu" {
			m.Jobs = n
		} else if small(p) {
			m.Jobs = runtime.NumCPU()
		}
	}
	if m.Threads == 0 {
		m.Threads = max(1, runtime.NumCPU()/m.Jobs)
	}
	return p
}

// small says whether the nets are so small that one core each trains them better than
// all cores together: with little to do in each layer, TensorFlow's threads mostly wait
// for each other.
func small(p preset.Preset) bool {
	for _, name := range arch.Names() {
		n := p.Nets[name]
		if n.Width*float64(n.Input) > 32 {
			return false
		}
	}
	return true
}

// thin leaves a dry run a few pictures of each part and score: it shall show that every
// stage works, not what comes out.
func thin(parts []string, pictures []dataset.Picture) {
	const most = 8
	type kind struct {
		part  string
		score int
	}
	seen := map[kind]int{}
	for i, part := range parts {
		k := kind{part, pictures[i].Score}
		if seen[k]++; seen[k] > most {
			parts[i] = split.Spare
		}
	}
}
