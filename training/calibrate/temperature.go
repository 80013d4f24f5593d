// Package calibrate makes a net's confidences honest and finds pictures that are unlike
// the training: one temperature for each net, a reliability table, and distances of
// features.
package calibrate

import (
	"fmt"
	"math"

	"lungbox/ensemble"
)

// Limits of a temperature: beyond them the pictures say nothing about confidence.
const (
	Coldest = 0.05
	Hottest = 20
)

// fewest pictures that a temperature is found on.
const fewest = 20

// Temperature is the one that makes the readers' scores most likely: it minimises the
// negative log-likelihood of softmax(logits/T) (Guo et al. 2017, arXiv 1706.04599,
// section 4.2), by golden section on log T between Coldest and Hottest. Fewer than 20
// pictures, or pictures of one score only, are refused.
func Temperature(logits [][ensemble.Scores]float32, truth []int) (float64, error) {
	seen := map[int]bool{}
	for _, score := range truth {
		seen[score] = true
	}
	if len(logits) < fewest || len(seen) < 2 {
		return 0, fmt.Errorf("calibrate: %d pictures of %d scores: want at least %d of two", len(logits), len(seen), fewest)
	}
	low, high := math.Log(Coldest), math.Log(Hottest)
	golden := (math.Sqrt(5) - 1) / 2
	at := func(x float64) float64 { return NLL(logits, truth, math.Exp(x)) }
	a, b := high-golden*(high-low), low+golden*(high-low)
	fa, fb := at(a), at(b)
	for high-low > 1e-7 {
		if fa <= fb {
			high, b, fb = b, a, fa
			a = high - golden*(high-low)
			fa = at(a)
		} else {
			low, a, fa = a, b, fb
			b = low + golden*(high-low)
			fb = at(b)
		}
	}
	return math.Exp((low + high) / 2), nil
}

// NLL is the mean negative log-likelihood of the readers' scores at a temperature, in
// nats.
func NLL(logits [][ensemble.Scores]float32, truth []int, temperature float64) float64 {
	sum := 0.0
	for i, l := range logits {
		highest := math.Inf(-1)
		for _, v := range l {
			highest = max(highest, float64(v)/temperature)
		}
		total := 0.0
		for _, v := range l {
			total += math.Exp(float64(v)/temperature - highest)
		}
		sum += highest + math.Log(total) - float64(l[truth[i]])/temperature
	}
	return sum / float64(max(1, len(logits)))
}

// Bin is one bar of a reliability diagram.
type Bin struct {
	Confidence float64 `json:"confidence"` // mean of the pictures in it; 0 without any
	Accuracy   float64 `json:"accuracy"`
	Count      int     `json:"count"`
}

// Reliability divides pictures into bins of equal width by confidence, 0 to 1.
func Reliability(confidence []float64, right []bool, bins int) []Bin {
	out := make([]Bin, bins)
	for i, c := range confidence {
		b := &out[min(bins-1, max(0, int(c*float64(bins))))]
		b.Count++
		b.Confidence += c
		if right[i] {
			b.Accuracy++
		}
	}
	for i := range out {
		if n := float64(out[i].Count); n > 0 {
			out[i].Confidence /= n
			out[i].Accuracy /= n
		}
	}
	return out
}

// ECE is the expected calibration error (Guo et al. 2017, equation 3): the mean distance
// between confidence and accuracy over the bins, weighted by their pictures.
func ECE(confidence []float64, right []bool, bins int) float64 {
	sum := 0.0
	for _, b := range Reliability(confidence, right, bins) {
		sum += float64(b.Count) * math.Abs(b.Confidence-b.Accuracy)
	}
	return sum / float64(max(1, len(confidence)))
}
