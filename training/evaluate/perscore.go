package evaluate

// PerScore are the figures of the paper's Table 6, one score against all others
// (section 3.3, equations 3 to 6), 0 where nothing can be divided.
//
// Table 6 prints other figures under three of these names. Its ACC (95.6, 99.2, 89.6 and
// 100 %, the per-score accuracies of section 3.2) is equation 4's sensitivity, where
// equation 3 counts the true negatives too. Its SEN is the precision, TP/(TP+FP): with 250
// test pictures of each score no other counts give it. Its SPE follows the negative
// predictive value, TN/(TN+FN), within 0.2 points. Only F1, and the mean of SPE, are what
// they are called. Here every name means its equation.
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

// Occurs says whether the readers gave a score to any picture. Where not, sensitivity and
// F1 of that score do not exist.
func (c *Confusion) Occurs(score int) bool {
	row := c[score]
	return row[0]+row[1]+row[2]+row[3] > 0
}

// Mean is the mean of PerScore over the scores that occur.
func (c *Confusion) Mean() PerScore {
	var occurring []PerScore
	for s, p := range c.PerScore() {
		if c.Occurs(s) {
			occurring = append(occurring, p)
		}
	}
	return Mean(occurring...)
}

// Mean is the mean over scores.
func Mean(scores ...PerScore) (m PerScore) {
	n := float64(max(1, len(scores)))
	for _, p := range scores {
		m.Accuracy += p.Accuracy / n
		m.Sensitivity += p.Sensitivity / n
		m.Specificity += p.Specificity / n
		m.F1 += p.F1 / n
	}
	return m
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
