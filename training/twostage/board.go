package twostage

import (
	"time"

	"lungbox/training/fit"
	"lungbox/training/tensorboard"
)

// board writes a training's curves for TensorBoard. The first row opens its file, so
// that a training that has nothing left to do leaves none.
type board struct {
	dir    string
	first  int // step that the training goes on from
	writer *tensorboard.Writer
	err    error // the first that a row met
}

func (b *board) row(row fit.Row) {
	if b.err != nil {
		return
	}
	now := time.Now()
	if b.writer == nil {
		if b.writer, b.err = tensorboard.Create(b.dir, now, int64(b.first)); b.err != nil {
			return
		}
	}
	add := func(tag string, value float64) {
		if b.err == nil {
			b.err = b.writer.Scalar(int64(row.Step), now, tag, value)
		}
	}
	add("train/loss", row.Loss)
	add("train/accuracy", row.Accuracy)
	add("train/rate", row.Rate)
	if row.Validation {
		add("validation/accuracy", row.ValidationAccuracy)
		add("validation/kappa", row.Kappa)
	}
}

// close ends the file and returns the first error that a row met.
func (b *board) close() error {
	if b.writer == nil {
		return b.err
	}
	if closed := b.writer.Close(); b.err == nil {
		return closed
	}
	return b.err
}
