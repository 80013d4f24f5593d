package calibrate

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"lungbox/ensemble"
)

// shrink is how much of the mean variance goes into each feature's: features that never
// fired in training would otherwise make any picture infinitely far.
const shrink = 0.05

// FitFeatures learns from one row of features for each training picture.
func FitFeatures(values [][]float32, scores []int) (*ensemble.Features, error) {
	if len(values) == 0 || len(values) != len(scores) {
		return nil, fmt.Errorf("calibrate: %d rows of features for %d scores", len(values), len(scores))
	}
	length := len(values[0])
	f := &ensemble.Features{Precision: make([]float64, length)}
	var counts [ensemble.Scores]int
	for i, row := range values {
		if len(row) != length {
			return nil, errors.New("calibrate: rows of features differ in length")
		}
		s := scores[i]
		if f.Means[s] == nil {
			f.Means[s] = make([]float64, length)
		}
		counts[s]++
		for k, v := range row {
			f.Means[s][k] += float64(v)
		}
	}
	for s, mean := range f.Means {
		for k := range mean {
			mean[k] /= float64(counts[s])
		}
	}
	variance, all := make([]float64, length), 0.0
	for i, row := range values {
		for k, v := range row {
			d := float64(v) - f.Means[scores[i]][k]
			variance[k] += d * d / float64(len(values))
		}
	}
	for _, v := range variance {
		all += v / float64(length)
	}
	if !(all > 0) || math.IsInf(all, 0) {
		return nil, fmt.Errorf("calibrate: the features' mean variance is %v", all)
	}
	for k, v := range variance {
		f.Precision[k] = 1 / ((1-shrink)*v + shrink*all)
	}
	return f, nil
}

// Threshold is the distance that this share of pictures does not exceed.
func Threshold(distances []float64, share float64) float64 {
	if len(distances) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(distances)
	slices.SortFunc(sorted, cmp.Compare[float64])
	at := int(math.Ceil(share*float64(len(sorted)))) - 1
	return sorted[min(len(sorted)-1, max(0, at))]
}
