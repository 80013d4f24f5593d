package adapt

import (
	"context"
	"fmt"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/ensemble/weights"
	"lungbox/training/calibrate"
	"lungbox/training/dataset"
	"lungbox/training/split"
)

// FeaturesOf runs a net and gives what its last layer gets, one row for each picture.
func FeaturesOf(ctx context.Context, net *arch.Net, set weights.Set, pictures []dataset.Picture, o tensorflow.Options) ([][]float32, error) {
	trainer, err := tensorflow.NewTrainer(net, tensorflow.TrainerOptions{Options: o})
	if err != nil {
		return nil, err
	}
	defer trainer.Close()
	if err := trainer.Load(set); err != nil {
		return nil, err
	}
	const batch = 32
	size, out := net.InputShape().Len(), make([][]float32, 0, len(pictures))
	for from := 0; from < len(pictures); from += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		some := pictures[from:min(from+batch, len(pictures))]
		images := make([]float32, len(some)*size)
		for k, p := range some {
			net.Preprocess(images[k*size:][:size], p.Image)
		}
		values, err := trainer.Features(images)
		if err != nil {
			return nil, err
		}
		for k := range some {
			out = append(out, values[k*trainer.FeatureLen():][:trainer.FeatureLen()])
		}
	}
	return out, nil
}

// Detector learns what is unlike the training of a net. The threshold is the distance that
// a share of the real pictures exceeds when the detector has learnt without their source:
// that is how a hospital looks that nobody has trained with. known are further pictures of
// the training, simulated ones. It returns those distances too, one for each real picture.
func Detector(net string, real []dataset.Picture, features [][]float32, known []dataset.Picture, knownFeatures [][]float32, lost float64) (*ensemble.Novelty, []float64, error) {
	learn := func(without string) (*ensemble.Features, error) {
		rows, scores := append([][]float32{}, knownFeatures...), make([]int, 0, len(known)+len(real))
		for _, p := range known {
			scores = append(scores, p.Score)
		}
		for i, p := range real {
			if without == "" || split.SiteOf(p.Source) != without {
				rows, scores = append(rows, features[i]), append(scores, p.Score)
			}
		}
		return calibrate.FitFeatures(rows, scores)
	}
	distances := make([]float64, len(real))
	detectors := map[string]*ensemble.Features{}
	for i, p := range real {
		source := split.SiteOf(p.Source)
		if detectors[source] == nil {
			d, err := learn(source)
			if err != nil {
				return nil, nil, fmt.Errorf("novelty without %s: %w", source, err)
			}
			detectors[source] = d
		}
		distances[i] = detectors[source].Distance(features[i])
	}
	all, err := learn("")
	if err != nil {
		return nil, nil, err
	}
	return &ensemble.Novelty{Net: net, Features: *all, Threshold: calibrate.Threshold(distances, 1-lost), Lost: lost}, distances, nil
}
