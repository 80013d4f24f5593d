package twostage

import (
	"fmt"

	"lungbox/ensemble"
	"lungbox/training/calibrate"
	"lungbox/training/export"
	"lungbox/training/split"
)

// Calibration is what calibration.json holds.
type Calibration struct {
	export.Calibration
	Pictures int                       `json:"pictures"` // of validation; 0: not calibrated, temperatures are 1
	Nets     map[string]NetCalibration `json:"nets"`
}

// NetCalibration tells how good a net's confidences are on the test pictures, before
// and after its temperature.
type NetCalibration struct {
	ECEBefore float64         `json:"ece_before"`
	ECEAfter  float64         `json:"ece_after"`
	Before    []calibrate.Bin `json:"before"`
	After     []calibrate.Bin `json:"after"`
}

// fewest is how many validation pictures a temperature needs at least.
const fewest = 20

// temperature is the one that makes a net's confidences on the validation pictures most
// likely; 1, as in the paper, when there are hardly any.
func (r *Run) temperature(t Task) (float64, error) {
	pictures := r.where(split.Validation)
	if len(pictures) < fewest || r.State.DryRun {
		return 1, nil
	}
	logits, err := r.logits(t, split.Validation, pictures)
	if err != nil {
		return 0, err
	}
	value, err := calibrate.Temperature(logits, scores(pictures))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", t, err)
	}
	return value, nil
}

// calibration says how good the confidences of the exported nets are on the test
// pictures.
func (r *Run) calibration(a *arm) (Calibration, error) {
	c := Calibration{Nets: map[string]NetCalibration{}}
	c.Temperatures = a.temps
	if n := len(r.where(split.Validation)); n >= fewest && !r.State.DryRun {
		c.Pictures = n
	}
	const bins = 10
	test := r.where(split.Test)
	for _, t := range r.Tasks() {
		if t.Kind != a.kind {
			continue
		}
		logits, err := r.logits(t, split.Test, test)
		if err != nil {
			return c, err
		}
		sure := func(temperature float64) (confidence []float64, right []bool) {
			for i, l := range logits {
				vote, _ := ensemble.NewVote(t.Net, l, temperature, 0)
				confidence = append(confidence, vote.Confidence())
				right = append(right, int(vote.Score) == test[i].Score)
			}
			return confidence, right
		}
		var n NetCalibration
		confidence, right := sure(1)
		n.ECEBefore, n.Before = calibrate.ECE(confidence, right, bins), calibrate.Reliability(confidence, right, bins)
		confidence, right = sure(a.temps[t.Net])
		n.ECEAfter, n.After = calibrate.ECE(confidence, right, bins), calibrate.Reliability(confidence, right, bins)
		c.Nets[t.Net] = n
	}
	return c, nil
}
