package calibrate

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"lungbox/ensemble"
)

// Features knows where the features of training pictures lie: the mean of each score
// and one variance for each feature, shared by the scores. That is the detector of Lee
// et al. 2018 (arXiv 1807.03888, section 2) with a diagonal covariance: a full one of
// 1024 features wants many more pictures than a hospital has.
type Features struct {
	Means     [ensemble.Scores][]float64 `json:"means"` // nil for a score without pictures
	Precision []float64                  `json:"precision"`
}

// shrink is how much of the mean variance goes into each feature's: features that never
// fired in training would otherwise make any picture infinitely far.
const shrink = 0.05

// FitFeatures learns from one row of features for each training picture.
func FitFeatures(values [][]float32, scores []int) (*Features, error) {
	if len(values) == 0 || len(values) != len(scores) {
		return nil, fmt.Errorf("calibrate: %d rows of features for %d scores", len(values), len(scores))
	}
	length := len(values[0])
	f := &Features{Precision: make([]float64, length)}
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

// Distance is that of a row of features to the nearest score: the root of the mean
// squared deviation, in standard deviations of the training. About 1 for a picture like
// those of the training.
func (f *Features) Distance(row []float32) float64 {
	nearest := math.Inf(1)
	for _, mean := range f.Means {
		if mean == nil {
			continue
		}
		sum := 0.0
		for k, v := range row {
			d := float64(v) - mean[k]
			sum += d * d * f.Precision[k]
		}
		nearest = min(nearest, sum)
	}
	return math.Sqrt(nearest / float64(max(1, len(row))))
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
