package evaluate

// PerScore are the figures of the paper's Table 6, one score against all others
// (section 3.3, equations 3 to 6), 0 where nothing can be divided.
//
// Equation 3's accuracy counts the true negatives too. What Table 6 prints under ACC is
// another figure: the share of each score's test pictures that were scored right, which
// equation 5 calls sensitivity (95.6, 99.2, 89.6 and 100 % are the per-score accuracies
// of section 3.2); its SEN and ACC columns are swapped in sense. Here every name means
// its equation.
type PerScore struct {
	Accuracy    float64 `json:"accuracy"`    // (TP+TN)/all
	Sensitivity float64 `json:"sensitivity"` // TP/(TP+FN)
	Specificity float64 `json:"specificity"` // TN/(TN+FP)
	F1          float64 `json:"f1"`          // 2TP/(2TP+FP+FN)
}

// PerScore compares each score with all others.
func (c *Confusion) PerScore() (out [Scores]PerScore) {
	total := float64(c.Total())
	for s := range Scores {
		tp, row, column := float64(c[s][s]), 0.0, 0.0
		for k := range Scores {
			row += float64(c[s][k])
			column += float64(c[k][s])
		}
		fn, fp := row-tp, column-tp
		tn := total - tp - fn - fp
		out[s] = PerScore{
			Accuracy: ratio(tp+tn, total), Sensitivity: ratio(tp, row),
			Specificity: ratio(tn, tn+fp), F1: ratio(2*tp, 2*tp+fp+fn),
		}
	}
	return out
}

// Mean is the mean over the scores.
func Mean(scores [Scores]PerScore) (m PerScore) {
	for _, p := range scores {
		m.Accuracy += p.Accuracy / Scores
		m.Sensitivity += p.Sensitivity / Scores
		m.Specificity += p.Specificity / Scores
		m.F1 += p.F1 / Scores
	}
	return m
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
