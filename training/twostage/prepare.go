package twostage

import (
	"context"
	"fmt"
	"os"
	"slices"

	"lungbox/ensemble/arch"
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
	if _, err := os.Stat(r.path(stateFile)); err == nil {
		if err := r.sameSettings(text); err != nil {
			return err
		}
		return r.sameRows(table) // the pictures are not read again
	}
	// What can be refused is refused before the pictures are read and before a file is
	// written.
	if err := divisible(table, resolved.SplitOptions()); err != nil {
		return err
	}
	hashes, err := initial(&resolved)
	if err != nil {
		return err
	}
	if err := r.claim(text); err != nil {
		return err
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
	state := State{Data: data, DataHash: pictures.Hash, Preset: hashOf(text), Initial: hashes, Warnings: s.Warnings, DryRun: dryRun}
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

// divisible says why the table cannot be divided as wanted. One without any common
// score is left to package pack, which counts why.
func divisible(table *dataset.Dataset, o split.Options) error {
	var scored []dataset.Row
	var labels []int
	for _, row := range table.Rows {
		if score, ok := row.Label(); ok {
			scored, labels = append(scored, row), append(labels, score)
		}
	}
	if len(scored) == 0 {
		return nil
	}
	_, err := split.Make(scored, labels, o)
	return err
}

// simulated says whether any picture was drawn by the phantom.
func simulated(pictures []dataset.Picture) bool {
	return slices.ContainsFunc(pictures, func(p dataset.Picture) bool { return split.SiteOf(p.Source) == "simulated" })
}
