package adapt

import (
	"fmt"
	"strings"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/training/calibrate"
	"lungbox/training/evaluate"
)

// Honesty says how far confidences can be believed.
type Honesty struct {
	Temperatures map[string]float64 `json:"temperatures"` // by net, of all left-out pictures: those for a release
	Before       map[string]float64 `json:"ece_before"`   // expected calibration error at temperature 1; of the vote under "vote"
	After        map[string]float64 `json:"ece_after"`    // with temperatures of the other folds
}

// bins of the expected calibration error.
const bins = 15

// Calibrate finds temperatures on left-out pictures. Every fold is measured with the
// temperatures of the other folds of its repeat; the samples are those.
func Calibrate(judged []Judged) (h Honesty, samples []evaluate.Sample, err error) {
	h = Honesty{Temperatures: map[string]float64{}}
	type part struct{ repeat, fold int }
	others := map[part]map[string]float64{}
	for _, name := range arch.Names() {
		if h.Temperatures[name], err = temperature(judged, name, func(Judged) bool { return true }); err != nil {
			return h, nil, err
		}
	}
	for _, j := range judged {
		at := part{j.Repeat, j.Fold}
		if others[at] != nil {
			continue
		}
		others[at] = map[string]float64{}
		for _, name := range arch.Names() {
			t, err := temperature(judged, name, func(o Judged) bool { return o.Repeat == at.repeat && o.Fold != at.fold })
			if err != nil {
				return h, nil, err
			}
			others[at][name] = t
		}
	}
	plain, err := Samples(judged, nil)
	if err != nil {
		return h, nil, err
	}
	samples, err = Samples(judged, func(repeat, fold int) map[string]float64 { return others[part{repeat, fold}] })
	if err != nil {
		return h, nil, err
	}
	h.Before, h.After = errorsOf(plain), errorsOf(samples)
	return h, samples, nil
}

// temperature is found on those pictures that keep holds of, each patient counting the same
// number of times as it has pictures.
func temperature(judged []Judged, net string, keep func(Judged) bool) (float64, error) {
	var logits [][ensemble.Scores]float32
	var truth []int
	for _, j := range judged {
		if keep(j) {
			logits, truth = append(logits, j.Logits[net]), append(truth, j.Score)
		}
	}
	return calibrate.Temperature(logits, truth)
}

// errorsOf is the expected calibration error of every net and of the vote.
func errorsOf(samples []evaluate.Sample) map[string]float64 {
	confidence, right := map[string][]float64{}, map[string][]bool{}
	add := func(name string, score ensemble.Score, sure float64, truth int) {
		confidence[name] = append(confidence[name], sure)
		right[name] = append(right[name], int(score) == truth)
	}
	for _, s := range samples {
		for _, v := range s.Votes {
			add(v.Net, v.Score, v.Confidence(), s.Truth)
		}
		if d := ensemble.Decide(s.Votes); d.Score != ensemble.None {
			add("vote", d.Score, d.Confidence, s.Truth)
		}
	}
	out := map[string]float64{}
	for name := range confidence {
		out[name] = calibrate.ECE(confidence[name], right[name], bins)
	}
	return out
}

// String is a table for people.
func (h Honesty) String() string {
	var text strings.Builder
	fmt.Fprintln(&text, "temperature and expected calibration error before and after it:")
	for _, name := range append(arch.Names(), "vote") {
		fmt.Fprintf(&text, "  %-10s", name)
		if t, ok := h.Temperatures[name]; ok {
			fmt.Fprintf(&text, " %.2f", t)
		} else {
			text.WriteString("     ")
		}
		fmt.Fprintf(&text, "  %.3f  %.3f\n", h.Before[name], h.After[name])
	}
	return text.String()
}
