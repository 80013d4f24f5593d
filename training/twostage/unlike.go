package twostage

import (
	"errors"
	"io/fs"
	"math"

	"lungbox/training/calibrate"
	"lungbox/training/split"
)

// Unlike says what is unlike the training: pictures whose features lie further from
// those of the training than Threshold.
type Unlike struct {
	Net       string  `json:"net"`
	Threshold float64 `json:"threshold"` // distance, see ensemble.Features
	Share     float64 `json:"share"`     // of validation pictures that are nearer
	From      string  `json:"from"`      // the part of the split that the threshold was set on
	Test      float64 `json:"test"`      // share of test pictures that are further
}

// inside is the share of ordinary pictures that the threshold lets pass.
const inside = 0.99

// unlike sets the threshold on pictures of patients that no net has seen: those of the
// training lie too near. nil when the detector learnt nothing.
func (r *Run) unlike() (*Unlike, error) {
	for _, t := range r.Tasks() {
		if t.Kind != Selected || t.Net != detector {
			continue
		}
		u := &Unlike{Net: t.Net, Share: inside, From: split.Validation}
		near, err := r.distances(t, split.Validation)
		if err != nil || len(near) == 0 {
			return nil, err
		}
		u.Threshold = calibrate.Threshold(near, inside)
		test, err := r.distances(t, split.Test)
		if err != nil {
			return nil, err
		}
		for _, d := range test {
			if d > u.Threshold {
				u.Test += 1 / float64(len(test))
			}
		}
		return u, nil
	}
	return nil, nil
}

func (r *Run) distances(t Task, part string) ([]float64, error) {
	said, err := r.predictions(t, part)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []float64
	for _, p := range r.where(part) {
		if d := said[pictureKey{p.File, p.Frame}].distance; !math.IsNaN(d) {
			out = append(out, d)
		}
	}
	return out, nil
}
