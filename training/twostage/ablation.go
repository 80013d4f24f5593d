package twostage

import (
	"fmt"
	"strings"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/training/evaluate"
)

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
	case i.Low == i.High && i.Point != 0: // evaluate.Bootstrap of one or two patients
		verdict = "too few test patients to say"
	case i.Low > 0:
		verdict = "better"
	case i.High < 0:
		verdict = "WORSE"
	}
	return fmt.Sprintf("%s: %+.1f points of accuracy (95 %% of bootstraps over patients %+.1f to %+.1f): %s.", what, 100*i.Point, 100*i.Low, 100*i.High, verdict)
}
