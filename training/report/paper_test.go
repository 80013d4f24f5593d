package report

import (
	"math"
	"testing"
)

// The paper prints sums and means of what stands in its tables (section 3, Tables 3 and
// 4): a slip of the pen here would not fit them.
func TestPaperFiguresFitTheirSums(t *testing.T) {
	if given, kept := sum(paperGiven), sum(paperKept); given != 18330 || kept != 12949 {
		t.Errorf("%d given, %d kept: want 18330 and 12949", given, kept)
	}
	for score, share := range [4]float64{27.14, 32.76, 14.20, 25.90} {
		if got := 100 * float64(paperKept[score]) / 12949; math.Abs(got-share) > 0.006 {
			t.Errorf("score %d: %.2f %% of the kept pictures, want %.2f", score, got, share)
		}
	}
	mean := 0.0
	for k, fold := range paperFolds {
		if got := (fold[0] + fold[1] + fold[2] + fold[3]) / 4; math.Abs(got-fold[4]) > 0.006 {
			t.Errorf("fold %d: mean %.3f, printed %.2f", k+1, got, fold[4])
		}
		mean += fold[4] / 5
	}
	if math.Abs(mean-85.99) > 0.01 {
		t.Errorf("mean of the folds %.3f, printed 85.99", mean)
	}
}
