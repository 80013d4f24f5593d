package twostage

import (
	"fmt"
	"math"
	"strings"
	"text/tabwriter"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/training/calibrate"
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

// Arm is one way to score: a single net or the vote, with selection or without. A
// picture without consensus counts as wrong.
type Arm struct {
	Name     string            `json:"name"`
	Accuracy evaluate.Interval `json:"accuracy"` // of all pictures; interval over patients
	NoScore  float64           `json:"no_score"` // share
	Kappa    float64           `json:"kappa"`    // of the scored pictures, quadratic weights
	Severe   float64           `json:"severe"`   // share wrong by two grades or more, of the scored ones
}

// Gain is the difference in accuracy between two arms.
type Gain struct {
	Of, Over string
	Points   evaluate.Interval
	Sentence string
}

// FoldTest is the accuracy of a fold's net on the test pictures, by score and over all.
type FoldTest struct {
	ByScore [ensemble.Scores]float64 `json:"by_score"`
	Average float64                  `json:"average"`
}

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
			return nil, fmt.Errorf("%s has not judged %s: remove %s and run again", t, p.File, r.path(t.dir()))
		}
		out[i] = found.logits
	}
	return out, nil
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

// way is one way to score a sample.
type way struct {
	name  string
	arm   *arm
	score func(s evaluate.Sample) ensemble.Score
}

// accuracy is the share of all samples that a way scores as the readers do.
func (w way) accuracy(samples []evaluate.Sample) float64 {
	right := 0
	for _, s := range samples {
		if int(w.score(s)) == s.Truth {
			right++
		}
	}
	return float64(right) / float64(max(1, len(samples)))
}

// compare fills in the ablation that the paper argues with.
func (r *Run) compare(o *Outcome, arms []*arm) {
	p := r.Preset
	byKind := map[Kind][]way{}
	for _, a := range arms {
		suffix := ", with selection"
		if a.kind == Unselected {
			suffix = ", without selection"
		}
		for i, name := range arch.Names() {
			byKind[a.kind] = append(byKind[a.kind], way{name + suffix, a, func(s evaluate.Sample) ensemble.Score { return s.Votes[i].Score }})
		}
		byKind[a.kind] = append(byKind[a.kind], way{"vote" + suffix, a, func(s evaluate.Sample) ensemble.Score { return ensemble.Decide(s.Votes).Score }})
	}
	for _, a := range arms {
		for _, w := range byKind[a.kind] {
			var seen evaluate.Confusion
			for _, s := range a.samples {
				if score := w.score(s); score != ensemble.None {
					seen.Add(s.Truth, int(score))
				}
			}
			o.Arms = append(o.Arms, Arm{
				Name:     w.name,
				Accuracy: evaluate.Bootstrap(a.samples, p.Evaluate.Bootstrap, p.Seed, w.accuracy),
				NoScore:  1 - float64(seen.Total())/float64(len(a.samples)), Kappa: seen.Kappa(), Severe: seen.Severe(),
			})
		}
	}
	gain := func(of, over way, what string) {
		i := evaluate.Difference(of.arm.samples, over.arm.samples, p.Evaluate.Bootstrap, p.Seed, of.accuracy, over.accuracy)
		o.Gains = append(o.Gains, Gain{Of: of.name, Over: over.name, Points: i, Sentence: sentence(what, i)})
	}
	selected := byKind[Selected]
	vote, best := selected[len(selected)-1], selected[0]
	for _, w := range selected[:len(selected)-1] {
		if w.accuracy(w.arm.samples) > best.accuracy(best.arm.samples) {
			best = w
		}
	}
	gain(vote, best, "The vote against the best single net ("+strings.TrimSuffix(best.name, ", with selection")+")")
	if without := byKind[Unselected]; len(without) > 0 {
		gain(vote, without[len(without)-1], "Selection against no selection, by vote")
	}
}

// sentence says plainly whether a gain is more than chance.
func sentence(what string, i evaluate.Interval) string {
	verdict := "no difference that the test patients could show"
	switch {
	case i.Low > 0:
		verdict = "better"
	case i.High < 0:
		verdict = "WORSE"
	case math.IsNaN(i.Low):
		verdict = "too few test patients to say"
	}
	return fmt.Sprintf("%s: %+.1f points of accuracy (95 %% of bootstraps over patients %+.1f to %+.1f): %s.", what, 100*i.Point, 100*i.Low, 100*i.High, verdict)
}

// stageOne is the accuracy of the folds' nets on the test pictures.
func (r *Run) stageOne() ([]FoldTest, error) {
	test := r.where(split.Test)
	var out []FoldTest
	for _, t := range r.Tasks() {
		if t.Kind != Fold {
			continue
		}
		logits, err := r.logits(t, split.Test, test)
		if err != nil {
			return nil, err
		}
		var seen evaluate.Confusion
		for i, l := range logits {
			vote, ok := ensemble.NewVote(t.Net, l, 1, 0)
			if !ok {
				return nil, fmt.Errorf("%s gives %v on %s", t, l, test[i].File)
			}
			seen.Add(test[i].Score, int(vote.Score))
		}
		f := FoldTest{Average: seen.Accuracy()}
		for score, row := range seen {
			n := 0
			for _, k := range row {
				n += k
			}
			f.ByScore[score] = float64(row[score]) / float64(max(1, n))
		}
		out = append(out, f)
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
