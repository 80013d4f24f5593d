package twostage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lungbox/ensemble/release"
	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
	"lungbox/training/export"
	"lungbox/training/split"
)

// Export makes the run's own release, unless the one that is there was made of the same
// nets. One of other nets is put aside.
func (r *Run) Export(ctx context.Context, o export.Options) error {
	dir := r.path(releaseFolder)
	same, err := r.released(dir)
	if err != nil || same {
		return err
	}
	if _, err := os.Stat(dir); err == nil {
		for n := 1; ; n++ {
			away := fmt.Sprintf("%s.before-%d", dir, n)
			if _, err := os.Stat(away); errors.Is(err, fs.ErrNotExist) {
				if err := os.Rename(dir, away); err != nil {
					return fmt.Errorf("put the former release aside: %w", err)
				}
				break
			}
		}
	}
	_, err = r.ExportTo(ctx, dir, o)
	return err
}

// released says whether a release is there that holds this run's evaluation.
func (r *Run) released(dir string) (bool, error) {
	text, err := os.ReadFile(filepath.Join(dir, release.ManifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var m release.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return false, fmt.Errorf("%s: %w: remove it", dir, err)
	}
	measured, err := os.ReadFile(r.path(export.EvaluationFile))
	if err != nil {
		return false, err
	}
	var a, b bytes.Buffer
	if err := errors.Join(json.Compact(&a, m.Training), json.Compact(&b, measured)); err != nil {
		return false, err
	}
	return bytes.Equal(a.Bytes(), b.Bytes()), nil
}

// ExportTo makes a release of the run in a new directory: golden frames from pictures
// that no net has seen, refused when int8 loses more accuracy on the test pictures than
// the preset allows.
func (r *Run) ExportTo(ctx context.Context, dir string, o export.Options) (release.Manifest, error) {
	if len(o.Golden) == 0 {
		if o.Golden = r.where(split.Validation); len(o.Golden) == 0 {
			o.Golden = r.where(split.Test)
		}
	}
	if !r.State.DryRun { // nets of one step know nothing to lose
		o.Check, o.MostLost = r.where(split.Test), r.Preset.Evaluate.Precision
	}
	if len(o.Clips) == 0 {
		used, err := clips.Read(r.State.Data)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return release.Manifest{}, err
		}
		o.Clips = used
	}
	if o.Notice == "" {
		switch {
		case r.State.DryRun:
			o.Notice = "Dry run, trained for one step: not for patients"
		case simulated(r.pack.Pictures):
			o.Notice = "Trained on simulated pictures: not for patients"
		}
	}
	if o.Data == "" {
		o.Data = fmt.Sprintf("%d pictures of %d patients; test and validation patients were taken off before anything was trained (data %.12s, split %.12s).",
			len(r.pack.Pictures), patients(r.pack.Pictures), r.State.DataHash, r.State.Split)
	}
	return export.Run(ctx, r.Dir, dir, o)
}

func patients(pictures []dataset.Picture) int {
	seen := map[string]bool{}
	for _, p := range pictures {
		seen[p.Patient] = true
	}
	return len(seen)
}
