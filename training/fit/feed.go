package fit

import (
	"context"
	"fmt"
	"math"
	"strings"

	"lungbox/ensemble"
	"lungbox/ensemble/tensorflow"
	"lungbox/training/dataset"
)

// fed is a batch with its pictures.
type fed struct {
	tensorflow.Batch
	pictures []dataset.Picture
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
	b := fed{pictures: make([]dataset.Picture, r.Batch)}
	if r.ClassWeights {
		b.Weights = make([]float32, r.Batch)
	}
	b.Images, b.Labels = make([]float32, r.Batch*size), make([]float32, r.Batch*r.net.Classes)
	places := r.trainer.Guided()
	if places > 0 {
		b.Signs, b.Own = make([]float32, r.Batch*places), make([]float32, r.Batch*r.net.Classes)
	}
	for k := range r.Batch {
		picture, random := r.sampler.draw(uint64(step)*uint64(r.Batch) + uint64(k))
		seen := r.Augmentation.apply(b.Images[k*size:][:size], picture.Image, r.Net, r.sampler.any, random)
		if places > 0 && picture.Signs != nil && picture.Score != dataset.Unscored {
			r.guidance(b.Signs[k*places:][:places], b.Own[k*r.net.Classes:][:r.net.Classes], picture, seen)
		}
		b.pictures[k] = picture
		if r.ClassWeights {
			b.Weights[k] = 1
			if picture.Score != dataset.Unscored {
				b.Weights[k] = r.weights[picture.Score]
			}
		}
		r.target(b.Labels[k*r.net.Classes:][:r.net.Classes], picture.Score)
	}
	return b
}

// target fills in the probabilities that the net shall give a picture of a score: of one
// without a score, which is no lung, that all scores are as likely (outlier exposure,
// Hendrycks et al. 2019, arXiv 1812.04606).
func (c *Config) target(row []float32, score int) {
	if score == dataset.Unscored {
		for s := range row {
			row[s] = 1 / float32(len(row))
		}
		return
	}
	own := make([]float64, len(row))
	own[score] = 1
	if c.Grades > 0 {
		sum := 0.0
		for s := range own {
			own[s] = math.Exp(-math.Abs(float64(s-score)) / c.Grades)
			sum += own[s]
		}
		for s := range own {
			own[s] /= sum
		}
	}
	for s := range row {
		row[s] = float32(c.Smoothing/float64(len(row)) + (1-c.Smoothing)*own[s])
	}
}

// hits counts the rows of logits whose highest is the picture's score.
func hits(logits []float32, pictures []dataset.Picture) (right int) {
	classes := len(logits) / len(pictures)
	for i, p := range pictures {
		if highest(logits[i*classes:][:classes]) == p.Score {
			right++
		}
	}
	return right
}

// names lists the pictures of a batch.
func (b fed) names() string {
	var names []string
	for _, p := range b.pictures {
		name := p.File
		if p.Frame >= 0 {
			name += fmt.Sprintf(" frame %d", p.Frame)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// classWeights are inverse to how many pictures have a score, with mean 1 over the
// pictures.
func classWeights(pools []Pool) (weights [ensemble.Scores]float32) {
	var counts [ensemble.Scores]int
	all, classes := 0, 0
	for _, p := range pools {
		for _, picture := range p.Pictures {
			if picture.Score == dataset.Unscored {
				continue
			}
			counts[picture.Score]++
			all++
		}
	}
	for _, n := range counts {
		if n > 0 {
			classes++
		}
	}
	for score, n := range counts {
		if n > 0 {
			weights[score] = float32(all) / float32(classes*n)
		}
	}
	return weights
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
