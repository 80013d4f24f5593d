package twostage

import (
	"context"
	"math"
	"path/filepath"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/ensemble/weights"
	"lungbox/sync/atomicfile"
	"lungbox/training/calibrate"
	"lungbox/training/dataset"
	"lungbox/training/fit"
	"lungbox/training/split"
)

// detector is the net whose features tell what is unlike the training: the cheapest,
// which a box runs on every frame.
const detector = arch.GoogLeNet

// featurePictures is how many training pictures the detector learns from.
const featurePictures = 4000

// featuresFile holds the detector's statistics.
const featuresFile = "features.json"

// judge scores what a trained net has not seen: the fold held out of it, validation and
// test pictures. It returns what it ran on.
func (r *Run) judge(ctx context.Context, t Task, set weights.Set, opt tensorflow.Options, progress func(TaskProgress)) (device string, err error) {
	net, err := arch.New(r.Preset.Arch(t.Net))
	if err != nil {
		return "", err
	}
	trainer, err := fit.Open(net, set, opt)
	if err != nil {
		return "", err
	}
	defer trainer.Close()
	var far *ensemble.Features
	if t.Kind == Selected && t.Net == detector {
		if far, err = r.features(ctx, t, trainer, net); err != nil {
			return "", err
		}
	}
	parts := []string{split.Validation, split.Test}
	if t.Kind == Fold {
		parts = append(parts, split.FoldName(t.Fold))
	}
	total := len(r.where(parts...))
	var all []prediction
	for _, part := range parts {
		pictures := r.where(part)
		logits, err := fit.Logits(ctx, trainer, net, pictures, func(n, _ int) {
			if progress != nil {
				progress(TaskProgress{t.Number, len(all) + n, total, "pictures judged that it has not seen"})
			}
		})
		if err != nil {
			return "", err
		}
		distances, err := distances(ctx, far, trainer, net, pictures)
		if err != nil {
			return "", err
		}
		for i, p := range pictures {
			all = append(all, prediction{part, p.File, p.Frame, logits[i], distances[i]})
		}
	}
	return trainer.Device(), atomicfile.Write(r.path(t.Dir(), predictionsFile), predictionTable(all))
}

// features learns where the detector's features of training pictures lie.
func (r *Run) features(ctx context.Context, t Task, trainer *tensorflow.Trainer, net *arch.Net) (*ensemble.Features, error) {
	kept, err := r.kept()
	if err != nil {
		return nil, err
	}
	kept = some(kept, featurePictures)
	values, err := fit.Features(ctx, trainer, net, kept)
	if err != nil {
		return nil, err
	}
	far, err := calibrate.FitFeatures(values, scores(kept))
	if err != nil {
		return nil, err
	}
	return far, r.writeJSON(filepath.Join(t.Dir(), featuresFile), far)
}

// distances are those of pictures from the training; NaN without a detector.
func distances(ctx context.Context, far *ensemble.Features, trainer *tensorflow.Trainer, net *arch.Net, pictures []dataset.Picture) ([]float64, error) {
	out := make([]float64, len(pictures))
	if far == nil {
		for i := range out {
			out[i] = math.NaN()
		}
		return out, nil
	}
	values, err := fit.Features(ctx, trainer, net, pictures)
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		out[i] = far.Distance(v)
	}
	return out, nil
}
