// Package logistic tells two kinds of rows apart by logistic regression: enough for
// features that a net has made, and small enough for a box.
package logistic

import "math"

// Model is a logistic regression. The logit of a row is Bias plus the sum of its values by
// Weight: above 0 the row is more likely of kind 1.
type Model struct {
	Weight []float64
	Bias   float64
}

// Logit is the logarithm of the odds that a row is of kind 1.
func (m *Model) Logit(row []float64) float64 {
	sum := m.Bias
	for k, v := range row {
		sum += m.Weight[k] * v
	}
	return sum
}

// Learn descends the regularised cross-entropy of rows with labels 0 and 1. Both kinds
// weigh the same, however many rows they have. A few hundred steps settle it.
func Learn(rows [][]float64, labels []float64) *Model {
	n := len(rows[0])
	mean, scale := make([]float64, n), make([]float64, n)
	ones := 0.0
	for i, row := range rows {
		ones += labels[i]
		for k, v := range row {
			mean[k] += v / float64(len(rows))
		}
	}
	for _, row := range rows {
		for k, v := range row {
			scale[k] += (v - mean[k]) * (v - mean[k]) / float64(len(rows))
		}
	}
	for k, v := range scale {
		scale[k] = 1 / (math.Sqrt(v) + 1e-9)
	}
	zeros := float64(len(labels)) - ones
	standard := make([][]float64, len(rows))
	for i, row := range rows {
		standard[i] = make([]float64, n)
		for k, v := range row {
			standard[i][k] = (v - mean[k]) * scale[k]
		}
	}
	const steps, rate, decay = 400, 0.5, 1e-3
	m := &Model{Weight: make([]float64, n)}
	gradient := make([]float64, n)
	for range steps {
		clear(gradient)
		toBias := 0.0
		for i, row := range standard {
			share := 0.5 / max(1, zeros)
			if labels[i] == 1 {
				share = 0.5 / max(1, ones)
			}
			off := share * (1/(1+math.Exp(-m.Logit(row))) - labels[i])
			toBias += off
			for k, v := range row {
				gradient[k] += off * v
			}
		}
		m.Bias -= rate * toBias
		for k := range m.Weight {
			m.Weight[k] -= rate * (gradient[k] + decay*m.Weight[k])
		}
	}
	for k := range m.Weight { // back to rows as they come
		m.Weight[k] *= scale[k]
		m.Bias -= m.Weight[k] * mean[k]
	}
	return m
}

// Wide turns rows of features, as nets make them, into rows to learn from.
func Wide(rows [][]float32) [][]float64 {
	out := make([][]float64, len(rows))
	for i, r := range rows {
		out[i] = make([]float64, len(r))
		for k, v := range r {
			out[i][k] = float64(v)
		}
	}
	return out
}
