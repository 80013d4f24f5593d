package adapt

import (
	"context"
	"fmt"
	"slices"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/ensemble/weights"
	"lungbox/training/calibrate"
	"lungbox/training/dataset"
	"lungbox/training/fit"
	"lungbox/training/logistic"
	"lungbox/training/split"
)

// FeaturesOf runs a net and gives what its last layer gets, one row for each picture.
func FeaturesOf(ctx context.Context, net *arch.Net, set weights.Set, pictures []dataset.Picture, o tensorflow.Options) ([][]float32, error) {
	trainer, err := fit.Open(net, set, o)
	if err != nil {
		return nil, err
	}
	defer trainer.Close()
	return fit.Features(ctx, trainer, net, pictures)
}

// Lesson is what a detector of pictures unlike the training learns from: pictures with
// their features, one row each.
type Lesson struct {
	Net           string
	Real          []dataset.Picture
	RealFeatures  [][]float32
	Known         []dataset.Picture // further ones of the training, simulated
	KnownFeatures [][]float32
	Others        map[string][][]float32 // features of pictures that are no lung, by kind
}

// learn makes a detector without thresholds that has never seen a source or a kind.
func (l *Lesson) learn(source, kind string) (*ensemble.Novelty, error) {
	rows := append([][]float32{}, l.KnownFeatures...)
	var scores []int
	for _, p := range l.Known {
		scores = append(scores, p.Score)
	}
	for i, p := range l.Real {
		if source == "" || split.SiteOf(p.Source) != source {
			rows, scores = append(rows, l.RealFeatures[i]), append(scores, p.Score)
		}
	}
	features, err := calibrate.FitFeatures(rows, scores)
	if err != nil {
		return nil, err
	}
	n := &ensemble.Novelty{Net: l.Net, Features: *features}
	all, labels := logistic.Wide(rows), slices.Repeat([]float64{1}, len(rows))
	for name, others := range l.Others {
		if name != kind {
			all, labels = append(all, logistic.Wide(others)...), append(labels, make([]float64, len(others))...)
		}
	}
	if len(all) > len(rows) {
		m := logistic.Learn(all, labels)
		n.Likeness = &ensemble.Likeness{Weight: m.Weight, Bias: m.Bias}
	}
	return n, nil
}

// Detector learns what is unlike the training of a net. Its two thresholds are those that
// half of lost, a share of the real pictures, exceed when the detector has learnt without
// their source: that is how a hospital looks that nobody has trained with. refused is the
// share that either of them then refuses.
func (l *Lesson) Detector(lost float64) (n *ensemble.Novelty, refused float64, err error) {
	type seen struct{ distance, unlikeness float64 }
	bySource := map[string]*ensemble.Novelty{}
	all := make([]seen, len(l.Real))
	var distances, unlikeness []float64
	for i, p := range l.Real {
		source := split.SiteOf(p.Source)
		if bySource[source] == nil {
			if bySource[source], err = l.learn(source, ""); err != nil {
				return nil, 0, fmt.Errorf("novelty without %s: %w", source, err)
			}
		}
		d := bySource[source]
		all[i].distance = d.Distance(l.RealFeatures[i])
		distances = append(distances, all[i].distance)
		if d.Likeness != nil {
			all[i].unlikeness = -d.Likeness.Logit(l.RealFeatures[i])
			unlikeness = append(unlikeness, all[i].unlikeness)
		}
	}
	if n, err = l.learn("", ""); err != nil {
		return nil, 0, err
	}
	n.Lost, n.Threshold = lost, calibrate.Threshold(distances, 1-lost/2)
	if n.Likeness != nil {
		n.Likeness.Least = -calibrate.Threshold(unlikeness, 1-lost/2)
	}
	for _, s := range all {
		if s.distance > n.Threshold || n.Likeness != nil && s.unlikeness > -n.Likeness.Least {
			refused += 1 / float64(len(all))
		}
	}
	return n, refused, nil
}

// Unseen is the detector with the thresholds of n that has never seen a kind of picture
// that is no lung: what it refuses of that kind it would refuse of other unknown things.
func (l *Lesson) Unseen(kind string, n *ensemble.Novelty) (*ensemble.Novelty, error) {
	out, err := l.learn("", kind)
	if err != nil {
		return nil, err
	}
	out.Threshold, out.Lost = n.Threshold, n.Lost
	if out.Likeness != nil && n.Likeness != nil {
		out.Likeness.Least = n.Likeness.Least
	}
	return out, nil
}
