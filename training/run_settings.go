package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lungbox/training/preset"
)

// settings reads the preset and puts the flags that were given over it.
func (f *runFlags) settings(c *cobra.Command) (*preset.Preset, error) {
	p, err := preset.Load(f.preset)
	if err != nil {
		return nil, err
	}
	given := c.Flags().Changed
	if given("group") {
		p.Split.Group = f.group
	}
	switch {
	case !given("folds"):
	case f.folds == "paper":
		p.Split.FoldBy = "picture"
	default:
		if p.Split.Folds, err = strconv.Atoi(f.folds); err != nil {
			return nil, fmt.Errorf("--folds %q: want a number or paper", f.folds)
		}
	}
	if given("filter") {
		p.Selection.Filter = f.filter
	}
	if given("seed") {
		p.Seed = f.seed
	}
	if given("device") {
		p.Machine.Device = f.device
	}
	if given("jobs") {
		p.Machine.Jobs = f.jobs
	}
	if given("threads") {
		p.Machine.Threads = f.threads
	}
	if given("mixed-precision") {
		p.Machine.MixedPrecision = f.mixed
	}
	for _, argument := range f.initial {
		name, path, ok := strings.Cut(argument, "=")
		net, known := p.Nets[name]
		if !ok || !known {
			return nil, fmt.Errorf("--init %s: want ARCH=FILE, such as resnet50=resnet50.safetensors", argument)
		}
		if net.Initial, err = filepath.Abs(path); err != nil {
			return nil, err
		}
		p.Nets[name] = net
	}
	return p, p.Check()
}
