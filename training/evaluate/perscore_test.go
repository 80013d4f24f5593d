package evaluate

import (
	"math"
	"testing"
)

// The paper tests 250 pictures of each score. These counts are the only ones that give
// Table 6's ACC, SEN and F1 to the printed digit; 37 false positives for 39 misses leave
// two pictures without a score.
var paperCounts = [Scores]struct {
	tp, fn, fp                 int
	acc, sen, spe, f1          float64 // Table 6, percent
	accuracy, specificity, npv float64 // of these counts, percent
}{
	{tp: 239, fn: 11, fp: 12, acc: 95.6, sen: 95.2, f1: 95.4, specificity: 98.4, npv: 98.5, spe: 98.6, accuracy: 97.7},
	{tp: 248, fn: 2, fp: 9, acc: 99.2, sen: 96.5, f1: 97.8, specificity: 98.8, npv: 99.7, spe: 99.7, accuracy: 98.9},
	{tp: 224, fn: 26, fp: 6, acc: 89.6, sen: 97.4, f1: 93.3, specificity: 99.2, npv: 96.6, spe: 96.8, accuracy: 96.8},
	{tp: 250, fn: 0, fp: 10, acc: 100, sen: 96.2, f1: 98.0, specificity: 98.7, npv: 100, spe: 100, accuracy: 99.0},
}

// What PerScore's comment says of Table 6.
func TestPerScoreOnThePapersTable(t *testing.T) {
	const pictures = 1000
	var out, across [Scores]PerScore
	for s, want := range paperCounts {
		other := (s + 1) % Scores // stands for all other scores, as in the paper's Fig. 10
		var c Confusion
		c[s][s], c[s][other], c[other][s] = want.tp, want.fn, want.fp
		c[other][other] = pictures - want.tp - want.fn - want.fp
		out[s] = c.PerScore()[s]
		turned := transposed(c)
		across[s] = turned.PerScore()[s]
		for name, pair := range map[string][2]float64{
			"accuracy": {out[s].Accuracy, want.accuracy}, "sensitivity, printed as ACC": {out[s].Sensitivity, want.acc},
			"precision, printed as SEN": {across[s].Sensitivity, want.sen}, "F1": {out[s].F1, want.f1},
			"specificity": {out[s].Specificity, want.specificity}, "negative predictive value": {across[s].Specificity, want.npv},
		} {
			if got := 100 * pair[0]; math.Abs(got-pair[1]) > 0.05+tolerance {
				t.Errorf("score %d: %s %.2f %%, want %.1f", s, name, got, pair[1])
			}
		}
		// SPE follows the negative predictive value, not the specificity.
		if npv, spe := 100*across[s].Specificity, 100*out[s].Specificity; math.Abs(npv-want.spe) > 0.2 || math.Abs(npv-want.spe) > math.Abs(spe-want.spe) {
			t.Errorf("score %d: specificity %.2f %%, negative predictive value %.2f %%, printed %.1f", s, spe, npv, want.spe)
		}
	}
	// The paper's means are of figures that were rounded already: F1's is 96.15.
	mean := Mean(out[:]...)
	for name, pair := range map[string][2]float64{
		"sensitivity, printed as ACC": {mean.Sensitivity, 96.1}, "precision, printed as SEN": {Mean(across[:]...).Sensitivity, 96.3},
		"specificity": {mean.Specificity, 98.8}, "F1": {mean.F1, 96.1},
	} {
		if got := 100 * pair[0]; math.Abs(got-pair[1]) > 0.1 {
			t.Errorf("mean %s %.2f %%, paper %.1f", name, got, pair[1])
		}
	}
}

// A score that no picture has gives no figure, and none to the mean.
func TestMeanOverScoresThatOccur(t *testing.T) {
	var c Confusion
	c[0][0], c[1][1], c[3][0], c[3][3] = 5, 4, 1, 2
	c[0][2] = 1
	if c.Occurs(2) || !c.Occurs(3) {
		t.Error("score 2 occurs, or 3 does not")
	}
	if got, want := c.Mean().Sensitivity, (5.0/6+1+2.0/3)/3; math.Abs(got-want) > 1e-12 {
		t.Errorf("mean sensitivity %v, want %v", got, want)
	}
	if c.Mean().Sensitivity != c.Balanced() {
		t.Error("the mean sensitivity is not the balanced accuracy")
	}
}
