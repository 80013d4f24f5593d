package fit

import (
	"context"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/ensemble/weights"
	"lungbox/training/dataset"
)

// Open makes a trainer with a net's weights, to infer with. The caller closes it.
func Open(net *arch.Net, set weights.Set, o tensorflow.Options) (*tensorflow.Trainer, error) {
	trainer, err := tensorflow.NewTrainer(net, tensorflow.TrainerOptions{Options: o})
	if err != nil {
		return nil, err
	}
	if err := trainer.Load(set); err != nil {
		trainer.Close()
		return nil, err
	}
	return trainer, nil
}

// Logits gives one row of logits for each picture, with the trainer's weights as they
// are and without dropout. progress, which may be nil, is told after every batch. When
// the context ends it returns the context's error after the batch in work.
func Logits(ctx context.Context, trainer *tensorflow.Trainer, net *arch.Net, pictures []dataset.Picture, progress func(done, total int)) ([][ensemble.Scores]float32, error) {
	out := make([][ensemble.Scores]float32, 0, len(pictures))
	err := rows(ctx, net, pictures, ensemble.Scores, trainer.Logits, func(row []float32) { out = append(out, [ensemble.Scores]float32(row)) }, progress)
	return out, err
}

// Features gives what the net's last layer gets, one row for each picture, as Logits does
// with its result.
func Features(ctx context.Context, trainer *tensorflow.Trainer, net *arch.Net, pictures []dataset.Picture) ([][]float32, error) {
	out := make([][]float32, 0, len(pictures))
	err := rows(ctx, net, pictures, trainer.FeatureLen(), trainer.Features, func(row []float32) { out = append(out, row) }, nil)
	return out, err
}

// rows runs pictures in batches and hands on one row of length values for each.
func rows(ctx context.Context, net *arch.Net, pictures []dataset.Picture, length int, infer func([]float32) ([]float32, error), take func(row []float32), progress func(done, total int)) error {
	const batch = 32
	size := net.InputShape().Len()
	for from := 0; from < len(pictures); from += batch {
		if err := ctx.Err(); err != nil {
			return err
		}
		some := pictures[from:min(from+batch, len(pictures))]
		images := make([]float32, len(some)*size)
		for k, p := range some {
			net.Preprocess(images[k*size:][:size], p.Image)
		}
		values, err := infer(images)
		if err != nil {
			return err
		}
		for k := range some {
			take(values[k*length:][:length])
		}
		if progress != nil {
			progress(from+len(some), len(pictures))
		}
	}
	return nil
}
