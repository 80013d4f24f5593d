package evaluate

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"lungbox/ensemble"
	"lungbox/training/calibrate"
)

// tolerance is for figures of order 1 that two programs sum in another order.
const tolerance = 1e-12

// skTable are scikit-learn's figures of one confusion matrix.
type skTable struct {
	Confusion                  Confusion
	Accuracy, Balanced, Severe float64
	Kappa                      *float64 // null: 0/0, both sides have the same single score
	PerScore                   struct{ Accuracy, Precision, Sensitivity, Specificity, F1 [Scores]float64 }
	Mean                       struct{ Accuracy, Precision, Sensitivity, Specificity, F1 float64 }
}

// skWay are scikit-learn's figures of one way of scoring.
type skWay struct {
	Count, Unscored int
	Table           *skTable // null when nothing has a score
	AUC0, AUC1      *float64
}

type skMetrics struct {
	Name             string
	Truth, Predicted []int
	Values           []float64
	skTable
	AUC0, AUC1 *float64
}

type skJudged struct {
	Name            string
	Patients, Clips []string
	Truth           []int
	Sixtyfourths    [][3][Scores]int // probabilities, by picture, net and score
	Nets            [3]skWay
	Vote, ByClip    skWay

	Differed, Disagreement, NoConsensus float64
}

type skCalibration struct {
	Temperature float64
	Sixteenths  [][Scores]int // logits
	Truth       []int
	Confidence  []float64
	Right       []bool
	NLL         float64
	ECE         map[int]float64 // by number of bins
}

type skReference struct {
	Metrics     []skMetrics
	Judged      []skJudged
	Calibration []skCalibration
	Percentiles []struct{ Values, Shares, Want []float64 }
}

// reference reads what testdata/reference.py had scikit-learn and numpy compute.
func reference(t *testing.T) (r skReference) {
	t.Helper()
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Metrics) == 0 || len(r.Judged) == 0 || len(r.Calibration) == 0 || len(r.Percentiles) == 0 {
		t.Fatal("a part of the reference is empty")
	}
	return r
}

func same(t *testing.T, got, want float64, what string) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) { // false for NaN too
		t.Errorf("%s is %v, scikit-learn %v", what, got, want)
	}
}

func sameOrNone(t *testing.T, got, want *float64, what string) {
	t.Helper()
	switch {
	case got != nil && want != nil:
		same(t, *got, *want, what)
	case got != nil:
		t.Errorf("%s is %v, scikit-learn has none", what, *got)
	case want != nil:
		t.Errorf("%s is missing, scikit-learn %v", what, *want)
	}
}

// compare checks all figures of a confusion matrix.
func compare(t *testing.T, m Measures, want skTable) {
	t.Helper()
	if m.Confusion != want.Confusion {
		t.Errorf("confusion %v, scikit-learn %v", m.Confusion, want.Confusion)
	}
	same(t, m.Accuracy, want.Accuracy, "accuracy")
	same(t, m.Balanced, want.Balanced, "balanced accuracy")
	same(t, m.Severe, want.Severe, "share wrong by two grades")
	kappa := 0.0 // Kappa's promise where scikit-learn has 0/0
	if want.Kappa != nil {
		kappa = *want.Kappa
	}
	same(t, m.Kappa, kappa, "kappa")
	across := transposed(m.Confusion)
	precision := across.PerScore()
	for s, p := range m.PerScore {
		score := ensemble.Score(s).String()
		same(t, p.Accuracy, want.PerScore.Accuracy[s], "accuracy of score "+score)
		same(t, precision[s].Sensitivity, want.PerScore.Precision[s], "precision of score "+score)
		same(t, p.Sensitivity, want.PerScore.Sensitivity[s], "sensitivity of score "+score)
		same(t, p.Specificity, want.PerScore.Specificity[s], "specificity of score "+score)
		same(t, p.F1, want.PerScore.F1[s], "F1 of score "+score)
	}
	same(t, m.Mean.Accuracy, want.Mean.Accuracy, "mean accuracy")
	same(t, Mean(precision[:]...).Sensitivity, want.Mean.Precision, "mean precision")
	same(t, m.Mean.Sensitivity, want.Mean.Sensitivity, "mean sensitivity")
	same(t, m.Mean.Specificity, want.Mean.Specificity, "mean specificity")
	same(t, m.Mean.F1, want.Mean.F1, "mean F1")
}

// transposed has the readers' scores by column: its sensitivity is the precision.
func transposed(c Confusion) (out Confusion) {
	for i, row := range c {
		for j, n := range row {
			out[j][i] = n
		}
	}
	return out
}

func TestMetricsFollowScikitLearn(t *testing.T) {
	for _, c := range reference(t).Metrics {
		t.Run(c.Name, func(t *testing.T) {
			var all tally
			sick, severe := make([]bool, len(c.Truth)), make([]bool, len(c.Truth))
			for i, truth := range c.Truth {
				all.add(truth, ensemble.Score(c.Predicted[i]), [Scores]float64{}, 1)
				sick[i], severe[i] = truth >= 1, truth >= 2
			}
			compare(t, all.measures(), c.skTable)
			sameOrNone(t, area(c.Values, sick), c.AUC0, "AUC 0|123")
			sameOrNone(t, area(c.Values, severe), c.AUC1, "AUC 01|23")
		})
	}
}

// area is nil where AUC is not a number.
func area(values []float64, positive []bool) *float64 {
	if a := AUC(values, positive); !math.IsNaN(a) {
		return &a
	}
	return nil
}

// The whole report, from three nets' probabilities: the votes, the pictures without
// consensus, the clips and the two questions.
func TestJudgeFollowsScikitLearn(t *testing.T) {
	for _, c := range reference(t).Judged {
		t.Run(c.Name, func(t *testing.T) {
			samples := make([]Sample, len(c.Truth))
			for i := range samples {
				samples[i] = Sample{Patient: c.Patients[i], Clip: c.Clips[i], Truth: c.Truth[i]}
				for n, name := range []string{"googlenet", "resnet50", "vgg19"} {
					v := ensemble.Vote{Net: name}
					for s, k := range c.Sixtyfourths[i][n] {
						v.Probs[s] = float64(k) / 64
						if v.Probs[s] > v.Probs[v.Score] {
							v.Score = ensemble.Score(s)
						}
					}
					samples[i].Votes = append(samples[i].Votes, v)
				}
			}
			r := Judge(samples)
			check := func(name string, m Measures, want skWay) {
				t.Run(name, func(t *testing.T) {
					if m.Count != want.Count || m.Unscored != want.Unscored {
						t.Errorf("%d with and %d without a score, want %d and %d", m.Count, m.Unscored, want.Count, want.Unscored)
					}
					if want.Table != nil {
						compare(t, m, *want.Table)
					}
					sameOrNone(t, m.AUC0, want.AUC0, "AUC 0|123")
					sameOrNone(t, m.AUC1, want.AUC1, "AUC 01|23")
				})
			}
			for n, name := range r.Order {
				check(name, r.Nets[name], c.Nets[n])
			}
			check("vote", r.Vote, c.Vote)
			check("clips", r.Clips, c.ByClip)
			same(t, r.Differed, c.Differed, "share on which two nets differ")
			same(t, r.Disagreement, c.Disagreement, "share on which not all nets agree")
			same(t, r.NoConsensus, c.NoConsensus, "share without consensus")
		})
	}
}

func TestCalibrationFollowsScikitLearn(t *testing.T) {
	for _, c := range reference(t).Calibration {
		logits := make([][Scores]float32, len(c.Sixteenths))
		for i, row := range c.Sixteenths {
			for s, k := range row {
				logits[i][s] = float32(k) / 16
			}
		}
		same(t, calibrate.NLL(logits, c.Truth, c.Temperature), c.NLL, "log loss")
		for bins, want := range c.ECE {
			same(t, calibrate.ECE(c.Confidence, c.Right, bins), want, "expected calibration error")
		}
	}
}
