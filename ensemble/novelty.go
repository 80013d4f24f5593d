package ensemble

import (
	"fmt"
	"math"

	"lungbox/ensemble/arch"
)

// Features knows where the features of training pictures lie: the mean of each score
// and one precision for each feature, shared by the scores. That is the detector of Lee
// et al. 2018 (arXiv 1807.03888, section 2) with a diagonal covariance: a full one of
// 1024 features wants many more pictures than a hospital has.
type Features struct {
	Means     [Scores][]float64 `json:"means"`     // null for a score without pictures
	Precision []float64         `json:"precision"` // inverse variances
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

// Novelty refuses pictures that are unlike what a net was trained on: other organs, menus,
// photographs. A score of such a picture would mean nothing, however sure the nets are.
type Novelty struct {
	Net       string  `json:"net"` // whose features are looked at, one that every vote runs
	Features          // of its training pictures
	Threshold float64 `json:"threshold"` // distance above which a picture is refused

	// Likeness tells lung from other pictures by the same features; nil: by distance alone.
	Likeness *Likeness `json:"likeness,omitempty"`

	Lost float64 `json:"lost"` // share of lung pictures that no net had seen and that were refused too
}

// Likeness is a logistic regression that was learnt on lung pictures and on pictures of
// other things (outlier exposure, Hendrycks et al. 2019, arXiv 1812.04606).
type Likeness struct {
	Weight []float64 `json:"weight"`
	Bias   float64   `json:"bias"`
	Least  float64   `json:"least"` // logit below which a picture is refused
}

// Logit is high for lung.
func (l *Likeness) Logit(row []float32) float64 {
	sum := l.Bias
	for k, v := range row {
		sum += l.Weight[k] * float64(v)
	}
	return sum
}

// Refuses reports whether a picture with these features is unlike the training.
func (n *Novelty) Refuses(row []float32) bool {
	return n.Distance(row) > n.Threshold || n.Likeness != nil && n.Likeness.Logit(row) < n.Likeness.Least
}

// Check reports what makes a novelty detector unusable with these nets.
func (n *Novelty) Check(nets []*arch.Net) error {
	for i, net := range nets {
		if net.Arch != n.Net {
			continue
		}
		at := net.Places()
		switch {
		case i > 1 || at < 0:
			return fmt.Errorf("novelty of %s: want %s or %s, which every vote runs", n.Net, arch.GoogLeNet, arch.ResNet50)
		case !(n.Threshold > 0) || math.IsInf(n.Threshold, 0):
			return fmt.Errorf("novelty threshold %v: want a positive number", n.Threshold)
		}
		channels, some := net.Nodes[at].Out.C, false
		for _, mean := range n.Means {
			some = some || mean != nil
			if mean != nil && len(mean) != channels {
				return fmt.Errorf("novelty of %d features: %s has %d", len(mean), n.Net, channels)
			}
		}
		if l := n.Likeness; l != nil && (len(l.Weight) != channels || math.IsNaN(l.Least) || math.IsNaN(l.Bias)) {
			return fmt.Errorf("likeness of %d weights and least logit %v: %s has %d features", len(l.Weight), l.Least, n.Net, channels)
		}
		if !some || len(n.Precision) != channels {
			return fmt.Errorf("novelty of %d precisions: %s has %d features", len(n.Precision), n.Net, channels)
		}
		return nil
	}
	return fmt.Errorf("novelty of %q, which is no net of the release", n.Net)
}

// Pooled is the mean of a feature map of this many channels over all places: what the
// last layer of a net gets.
func Pooled(features []float32, channels int) []float32 {
	out := make([]float32, channels)
	for i, v := range features {
		out[i%channels] += v
	}
	for c := range out {
		out[c] *= float32(channels) / float32(len(features))
	}
	return out
}
