// Package evaluate measures how well scores agree with the readers'.
package evaluate

import (
	"cmp"
	"slices"

	"lungbox/ensemble"
)

// Scores is the number of grades.
const Scores = ensemble.Scores

// Confusion counts scores: rows are the readers', columns the nets'.
type Confusion [Scores][Scores]int

// Add counts one picture or clip.
func (c *Confusion) Add(truth, predicted int) { c[truth][predicted]++ }

// Total is the number of pictures counted.
func (c *Confusion) Total() int {
	n := 0
	for _, row := range c {
		for _, k := range row {
			n += k
		}
	}
	return n
}

// Accuracy is the share of equal scores, 0 of nothing.
func (c *Confusion) Accuracy() float64 {
	right := 0
	for s := range Scores {
		right += c[s][s]
	}
	return float64(right) / float64(max(1, c.Total()))
}

// Balanced is the mean sensitivity over the scores that occur.
func (c *Confusion) Balanced() float64 {
	sum, classes := 0.0, 0
	for s, row := range c {
		if c.Occurs(s) {
			sum += float64(row[s]) / float64(row[0]+row[1]+row[2]+row[3])
			classes++
		}
	}
	return sum / float64(max(1, classes))
}

// Kappa is Cohen's kappa with quadratic weights: 1 for full agreement, 0 for what
// chance would give. It is 0 when either side has one score only.
func (c *Confusion) Kappa() float64 {
	var rows, columns [Scores]float64
	for i, row := range c {
		for j, n := range row {
			rows[i] += float64(n)
			columns[j] += float64(n)
		}
	}
	observed, expected := 0.0, 0.0
	for i := range Scores {
		for j := range Scores {
			weight := float64((i - j) * (i - j))
			observed += weight * float64(c[i][j])
			expected += weight * rows[i] * columns[j] / float64(max(1, c.Total()))
		}
	}
	if expected == 0 {
		return 0
	}
	return 1 - observed/expected
}

// Severe is the share of pictures that are wrong by two grades or more.
func (c *Confusion) Severe() float64 {
	n := 0
	for i, row := range c {
		for j, k := range row {
			if i-j >= 2 || j-i >= 2 {
				n += k
			}
		}
	}
	return float64(n) / float64(max(1, c.Total()))
}

// AUC is the area under the receiver operating characteristic: the chance that a
// positive has a higher value than a negative, equal values counting half. It is
// NaN without positives or without negatives.
func AUC(values []float64, positive []bool) float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	// Mann and Whitney's U from mean ranks.
	ranks, positives := 0.0, 0
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			if positive[k] {
				ranks += float64(i+j+1) / 2
				positives++
			}
		}
		i = j
	}
	negatives := len(values) - positives
	u := ranks - float64(positives*(positives+1))/2
	return u / float64(positives) / float64(negatives)
}
