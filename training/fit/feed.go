package fit

import (
	"context"

	"lungbox/ensemble/tensorflow"
)

// fed is a batch with the scores of its pictures.
type fed struct {
	tensorflow.Batch
	scores []int
}

// feed prepares batches ahead, two at a time, in order. The channel is closed when
// the context ends.
func (r *run) feed(ctx context.Context) <-chan fed {
	const ahead = 4
	slots := make(chan chan fed, ahead)
	go func() {
		defer close(slots)
		for step := r.step; step < r.Steps; step++ {
			slot := make(chan fed, 1)
			select {
			case slots <- slot:
				go func() { slot <- r.batch(step) }()
			case <-ctx.Done():
				return
			}
		}
	}()
	out := make(chan fed)
	go func() {
		defer close(out)
		for slot := range slots {
			select {
			case out <- <-slot:
			case <-ctx.Done():
				for range slots { // let the other end see the end too
				}
				return
			}
		}
	}()
	return out
}

// batch makes the batch of a step.
func (r *run) batch(step int) fed {
	size := r.net.InputShape().Len()
	b := fed{scores: make([]int, r.Batch)}
	b.Images, b.Labels = make([]float32, r.Batch*size), make([]float32, r.Batch*r.net.Classes)
	for k := range r.Batch {
		picture, score, random := r.sampler.draw(uint64(step)*uint64(r.Batch) + uint64(k))
		r.Augmentation.apply(b.Images[k*size:][:size], picture, r.Net.Input, random)
		b.scores[k] = score
		row := b.Labels[k*r.net.Classes:][:r.net.Classes]
		for c := range row {
			row[c] = float32(r.Smoothing) / float32(r.net.Classes)
		}
		row[score] += 1 - float32(r.Smoothing)
	}
	return b
}

// hits is the share of rows of logits whose highest is the score.
func hits(logits []float32, scores []int) float64 {
	classes, right := len(logits)/len(scores), 0
	for i, score := range scores {
		if highest(logits[i*classes:][:classes]) == score {
			right++
		}
	}
	return float64(right) / float64(len(scores))
}

// highest is the index of the largest value, the lower of equal ones.
func highest(values []float32) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}
