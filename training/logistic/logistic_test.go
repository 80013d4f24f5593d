package logistic

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Two clouds that a line parts are told apart, whatever the scale of their values and
// however unequal their numbers.
func TestLearn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := func(label float64) []float64 {
		return []float64{1000 + 30*r.NormFloat64() + 90*label, 0.001 * r.NormFloat64(), 5}
	}
	var rows [][]float64
	var labels []float64
	for i := range 600 {
		label := 0.0
		if i%6 == 0 {
			label = 1
		}
		rows, labels = append(rows, draw(label)), append(labels, label)
	}
	m := Learn(rows, labels)
	var right, all [2]float64
	for i := range 2000 {
		label := i % 2
		all[label]++
		if (m.Logit(draw(float64(label))) > 0) == (label == 1) {
			right[label]++
		}
	}
	for label := range right {
		if share := right[label] / all[label]; share < 0.88 || math.IsNaN(m.Bias) {
			t.Errorf("kind %d: %v right, model %+v", label, share, m)
		}
	}
}
