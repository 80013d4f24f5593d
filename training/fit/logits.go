package fit

import (
	"context"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/training/dataset"
)

// Logits gives one row of logits for each picture, with the trainer's weights as they
// are and without dropout. progress, which may be nil, is told after every batch. When
// the context ends it returns the context's error after the batch in work.
func Logits(ctx context.Context, trainer *tensorflow.Trainer, net *arch.Net, pictures []dataset.Picture, progress func(done, total int)) ([][ensemble.Scores]float32, error) {
	const batch = 32
	size := net.InputShape().Len()
	out := make([][ensemble.Scores]float32, 0, len(pictures))
	for from := 0; from < len(pictures); from += batch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		some := pictures[from:min(from+batch, len(pictures))]
		images := make([]float32, len(some)*size)
		for k, p := range some {
			net.Preprocess(images[k*size:][:size], p.Image)
		}
		logits, err := trainer.Logits(images)
		if err != nil {
			return nil, err
		}
		for k := range some {
			out = append(out, [ensemble.Scores]float32(logits[ensemble.Scores*k:]))
		}
		if progress != nil {
			progress(len(out), len(pictures))
		}
	}
	return out, nil
}
