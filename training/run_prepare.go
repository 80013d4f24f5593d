package main

import (
	"os"
	"path/filepath"

	"lungbox/training/cluster"
	"lungbox/training/twostage"
)

// prepared writes what other machines need to train a run.
func prepared(f *runFlags, run *twostage.Run) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(run.Dir)
	if err != nil {
		return err
	}
	data, err := filepath.Abs(f.data)
	if err != nil {
		return err
	}
	j := cluster.Job{Program: program, Run: dir, Threads: run.Preset.Machine.Threads, Finish: []string{program, "run", "--preset", filepath.Join(dir, "run.toml"), "--data", data, "--out", dir}}
	if len(twostage.GPUs()) > 0 && run.Preset.Machine.Device != "cpu" {
		j.GPUs = 1
	}
	for _, t := range run.Tasks() {
		if t.Kind == twostage.Selected {
			j.Second = append(j.Second, t.Number)
		} else {
			j.First = append(j.First, t.Number)
		}
	}
	paths, err := cluster.Write(filepath.Join(dir, cluster.Folder), j)
	if err != nil {
		return err
	}
	say("the run is prepared: %d trainings, of which %d need the others", len(j.First)+len(j.Second), len(j.Second))
	for _, path := range paths {
		say("%s", path)
	}
	return nil
}
