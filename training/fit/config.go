// Package fit trains one net: stochastic gradient descent with momentum on
// cross-entropy, with the settings of the paper's Table 2 as defaults.
//
// A run is a folder:
//
//	fit.json                  settings and what they were used on
//	checkpoint.safetensors    weights and velocities at the last checkpoint
//	curves.csv                step,rate,loss,accuracy,validation_accuracy,validation_kappa
//	weights.safetensors       the trained net; written last
//
// The same settings give the same weights on the same machine, with or without an
// interruption: pictures, augmentation and dropout of a step depend on the seed and
// the step's number only. Loss and accuracy in curves.csv are means over the steps
// since the row before.
package fit

import (
	"fmt"
	"math"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
)

// Config are the settings of a training.
type Config struct {
	Net      arch.Config `json:"net"`
	Steps    int         `json:"steps"`    // batches; Table 2: 2000
	Batch    int         `json:"batch"`    // pictures in a batch; Table 2: 4
	Rate     float64     `json:"rate"`     // learning rate; Table 2: 0.001
	Momentum float64     `json:"momentum"` // Table 2: 0.9
	L2       float64     `json:"l2"`       // Table 2: 0.0001
	// Schedule is how the rate goes over the run: constant (Table 2), or cosine, which
	// rises over the first twentieth and then falls to zero.
	Schedule  string  `json:"schedule"`
	Smoothing float64 `json:"smoothing"` // label smoothing; the paper has none
	// Grades says how far readers err: a picture's target falls off by e for every so many
	// grades from its score, so that a neighbouring score is the lesser mistake. 0: it does
	// not. Smoothing comes on top.
	Grades float64 `json:"grades,omitempty"`
	// Guide is the weight of the loss that draws a net's evidence to where the signs of a
	// picture lie, for pictures that know it. 0: none.
	Guide        float64      `json:"guide,omitempty"`
	Augmentation Augmentation `json:"augmentation"`
	// Sampling is how pictures are drawn: balanced over scores and clips, over scores,
	// sources and clips, or shuffled, each once in an epoch.
	Sampling string `json:"sampling"`
	// ClassWeights weighs the loss of a picture by how rare its score is; only sensible
	// with shuffled sampling.
	ClassWeights bool   `json:"class_weights"`
	Seed         uint64 `json:"seed"`
	Log          int    `json:"log"`        // steps between rows of curves.csv
	Checkpoint   int    `json:"checkpoint"` // steps between checkpoints, each with a validation

	Engine tensorflow.Options `json:"engine"`
}

// Schedules of the learning rate.
const (
	Constant = "constant"
	Cosine   = "cosine"
)

// Ways to draw pictures.
const (
	Balanced = "balanced"
	Shuffled = "shuffled"
	Sources  = "sources" // balanced over scores, then who published them, then clips
)

// Paper is Table 2 of the paper (section 3.1) for one net.
func Paper(net arch.Config) Config {
	return Config{Net: net, Steps: 2000, Batch: 4, Rate: 0.001, Momentum: 0.9, L2: 0.0001, Schedule: Constant, Sampling: Balanced, Log: 20, Checkpoint: 500}
}

// Check reports the first setting that cannot be used; it leaves Net and Engine to
// those who read them.
func (c *Config) Check() error {
	switch {
	case c.Steps < 1:
		return fmt.Errorf("steps %d: want at least 1", c.Steps)
	case c.Batch < 1 || c.Batch > 4096:
		return fmt.Errorf("batch %d: want 1 to 4096", c.Batch)
	case !(c.Rate > 0 && c.Rate <= 10):
		return fmt.Errorf("rate %v: want more than 0, at most 10", c.Rate)
	case !(c.Momentum >= 0 && c.Momentum < 1):
		return fmt.Errorf("momentum %v: want 0 to below 1", c.Momentum)
	case !(c.L2 >= 0 && c.L2 < 1):
		return fmt.Errorf("l2 %v: want 0 to below 1", c.L2)
	case !(c.Smoothing >= 0 && c.Smoothing < 1):
		return fmt.Errorf("smoothing %v: want 0 to below 1", c.Smoothing)
	case !(c.Grades >= 0 && c.Grades <= 3):
		return fmt.Errorf("grades %v: want 0 to 3", c.Grades)
	case !(c.Guide >= 0 && c.Guide <= 10):
		return fmt.Errorf("guide %v: want 0 to 10", c.Guide)
	case c.Schedule != Constant && c.Schedule != Cosine:
		return fmt.Errorf("schedule %q: want %s or %s", c.Schedule, Constant, Cosine)
	case c.Sampling != Balanced && c.Sampling != Shuffled && c.Sampling != Sources:
		return fmt.Errorf("sampling %q: want %s, %s or %s", c.Sampling, Balanced, Sources, Shuffled)
	case c.Log < 1:
		return fmt.Errorf("a row of the curves after %d steps: want at least 1", c.Log)
	case c.Checkpoint < 1:
		return fmt.Errorf("checkpoint after %d steps: want at least 1", c.Checkpoint)
	}
	return c.Engine.Check()
}

// rate is the learning rate of a step, counted from 0.
func (c *Config) rate(step int) float64 {
	if c.Schedule == Constant {
		return c.Rate
	}
	rise := max(1, c.Steps/20)
	if step < rise {
		return c.Rate * float64(step+1) / float64(rise)
	}
	return c.Rate * 0.5 * (1 + math.Cos(math.Pi*float64(step-rise)/float64(max(1, c.Steps-rise))))
}
