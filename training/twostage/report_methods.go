package twostage

import (
	"math"

	"lungbox/ensemble/arch"
	"lungbox/training/evaluate"
	"lungbox/training/report"
)

// methods is the paper's Table 6 and the ablation.
func methods(c *report.Content, o *Outcome) {
	method := func(name, arm string, m evaluate.Measures) {
		out := report.Method{
			Name: name, Count: m.Count, NoScore: m.Unscored, Accuracy: m.Accuracy, Kappa: m.Kappa, Severe: m.Severe,
			Mean: report.PerScore(m.Confusion.Mean()), Confusion: m.Confusion, AccuracyCI: [2]float64{math.NaN(), math.NaN()},
		}
		for score, p := range m.PerScore {
			out.PerScore[score] = report.PerScore(p)
			if !m.Confusion.Occurs(score) {
				out.PerScore[score].Sensitivity, out.PerScore[score].F1 = math.NaN(), math.NaN()
			}
		}
		for _, a := range o.Arms {
			if a.Name == arm {
				out.AccuracyCI = [2]float64{a.Accuracy.Low, a.Accuracy.High}
			}
		}
		c.Methods = append(c.Methods, out)
	}
	for _, name := range o.Report.Order {
		method(name, name+", with selection", o.Report.Nets[name])
	}
	method("vote", "vote, with selection", o.Report.Vote)
	for _, a := range o.Arms {
		c.Ablation = append(c.Ablation, report.Arm{
			Name: a.Name, Accuracy: a.Accuracy.Point, CI: [2]float64{a.Accuracy.Low, a.Accuracy.High},
			Kappa: a.Kappa, Severe: a.Severe, NoScore: a.NoScore, Paper: paperFigure(a.Name),
		})
	}
	for _, g := range o.Gains {
		c.Verdicts = append(c.Verdicts, g.Sentence)
	}
}

// paperFigure is the test accuracy that the paper gives for the same arm (Tables 5 and
// 6, and section 4 for the vote without selection); NaN where it gives none.
func paperFigure(arm string) float64 {
	figures := map[string]float64{
		arch.ResNet50 + ", with selection": 0.878, arch.VGG19 + ", with selection": 0.949, arch.GoogLeNet + ", with selection": 0.928,
		"vote, with selection": 0.961, "vote, without selection": 0.93,
	}
	if v, ok := figures[arm]; ok {
		return v
	}
	return math.NaN()
}
