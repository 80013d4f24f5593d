package twostage

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"lungbox/ensemble"
	"lungbox/training/dataset"
	"lungbox/training/evaluate"
	"lungbox/training/export"
	"lungbox/training/split"
)

// Outcome is what a run measured on its test pictures.
type Outcome struct {
	Report      evaluate.Report `json:"-"` // of the nets that are exported; evaluation.json
	Calibration Calibration     `json:"-"` // calibration.json
	Arms        []Arm           `json:"arms"`
	// Gains compare the vote with selection with the other arms, on the same pictures.
	Gains []Gain `json:"gains"`
	// StageOne is the accuracy of the folds' nets on the test pictures (Table 3).
	StageOne []FoldTest `json:"stage_one"`
	Unlike   *Unlike    `json:"out_of_distribution,omitempty"`

	samples []evaluate.Sample // of the vote with selection
}

// arm is what the three nets of one kind say about the test pictures.
type arm struct {
	kind    Kind
	temps   map[string]float64
	samples []evaluate.Sample
}

// Judge measures nets and vote on the test pictures and keeps evaluation.json,
// calibration.json and ablation.json. All trainings must be done.
func (r *Run) Judge() (*Outcome, error) {
	o, err := r.outcome()
	if err != nil {
		return nil, fmt.Errorf("judge %s: %w", r.Dir, err)
	}
	return o, nil
}

func (r *Run) outcome() (*Outcome, error) {
	for _, t := range r.Tasks() {
		if !r.Done(t) {
			return nil, fmt.Errorf("task %d (%s) is not done: lungtrain run goes on with it", t.Number, t)
		}
	}
	o := &Outcome{}
	kinds := []Kind{Selected}
	if r.Preset.Evaluate.Ablation {
		kinds = append(kinds, Unselected)
	}
	var arms []*arm
	for _, kind := range kinds {
		a, err := r.arm(kind)
		if err != nil {
			return nil, err
		}
		arms = append(arms, a)
	}
	o.samples = arms[0].samples
	if len(o.samples) == 0 {
		return nil, fmt.Errorf("the split has no test pictures: set split.test_share")
	}
	o.Report = evaluate.Judge(o.samples)
	var err error
	if o.Calibration, err = r.calibration(arms[0]); err != nil {
		return nil, err
	}
	r.compare(o, arms)
	if o.StageOne, err = r.stageOne(); err != nil {
		return nil, err
	}
	if o.Unlike, err = r.unlike(); err != nil {
		return nil, err
	}
	if err := r.writeJSON(export.EvaluationFile, o.Report); err != nil {
		return nil, err
	}
	if err := r.writeJSON(export.CalibrationFile, o.Calibration); err != nil {
		return nil, err
	}
	return o, r.writeJSON(ablationFile, o)
}

// arm reads what three nets say, with temperatures found on the validation pictures.
func (r *Run) arm(kind Kind) (*arm, error) {
	a := &arm{kind: kind, temps: map[string]float64{}}
	test := r.where(split.Test)
	for _, p := range test {
		a.samples = append(a.samples, evaluate.Sample{Patient: p.Patient, Source: p.Source, Clip: p.Patient + "/" + p.Exam + "/" + p.Zone + "/" + p.Clip, Truth: p.Score})
	}
	for _, t := range r.Tasks() {
		if t.Kind != kind {
			continue
		}
		var err error
		if a.temps[t.Net], err = r.temperature(t); err != nil {
			return nil, err
		}
		logits, err := r.logits(t, split.Test, test)
		if err != nil {
			return nil, err
		}
		for i, l := range logits {
			vote, ok := ensemble.NewVote(t.Net, l, a.temps[t.Net], 0)
			if !ok {
				return nil, fmt.Errorf("%s gives %v on %s", t, l, test[i].File)
			}
			a.samples[i].Votes = append(a.samples[i].Votes, vote)
		}
	}
	return a, nil
}

// logits are what a task's net says about pictures of a part.
func (r *Run) logits(t Task, part string, pictures []dataset.Picture) ([][ensemble.Scores]float32, error) {
	said, err := r.predictions(t, part)
	if err != nil {
		return nil, err
	}
	out := make([][ensemble.Scores]float32, len(pictures))
	for i, p := range pictures {
		found, ok := said[pictureKey{p.File, p.Frame}]
		if !ok {
			return nil, fmt.Errorf("%s has not judged %s: remove %s and run again", t, p.File, r.path(t.Dir()))
		}
		out[i] = found.logits
	}
	return out, nil
}

// String is the outcome as tables for people.
func (o *Outcome) String() string {
	var text strings.Builder
	fmt.Fprint(&text, o.Report)
	fmt.Fprintln(&text)
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\taccuracy\t95 %\tno score\tkappa\twrong by ≥2\t")
	for _, a := range o.Arms {
		fmt.Fprintf(table, "%s\t%.3f\t%.3f–%.3f\t%.3f\t%.3f\t%.3f\t\n", a.Name, a.Accuracy.Point, a.Accuracy.Low, a.Accuracy.High, a.NoScore, a.Kappa, a.Severe)
	}
	table.Flush()
	fmt.Fprintln(&text)
	for _, g := range o.Gains {
		fmt.Fprintln(&text, g.Sentence)
	}
	return text.String()
}
