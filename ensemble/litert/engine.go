// Package litert runs an ensemble with LiteRT on the CPU: the engine of a box
// without a GPU. Nets are converted to .tflite files once and kept in a folder.
package litert

import (
	"context"
	"fmt"
	"image"
	"os"
	"time"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/tflite"
	"lungbox/tflite/convert"
)

// Options says how the engine runs.
type Options struct {
	Threads   int               // CPU threads
	Precision convert.Precision // of the weights; biases and activations stay float32
	Cache     string            // folder for converted nets; it is made when missing
}

// Engine is an ensemble.Engine.
type Engine struct {
	models []*tflite.Model
	sides  []int
	places []int // values of the last feature map, by member; 0 for a net without one
	info   ensemble.EngineInfo
	input  []float32
	closed bool
}

// New converts what is not in the cache yet, loads all members and runs each once,
// so that the first real frame is as fast as the others.
func New(ctx context.Context, library *tflite.Library, members []ensemble.Member, opt Options) (_ *Engine, err error) {
	if err := os.MkdirAll(opt.Cache, 0o755); err != nil {
		return nil, fmt.Errorf("folder for converted nets: %w", err)
	}
	e := &Engine{info: ensemble.EngineInfo{
		Engine: "litert", Version: "2", Precision: string(opt.Precision),
		Device: fmt.Sprintf("cpu, %d threads", opt.Threads),
	}}
	defer func() {
		if err != nil {
			e.Close()
		}
	}()
	for _, m := range members {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		model, err := loadCached(library, m, opt)
		if err != nil {
			return nil, err
		}
		e.models = append(e.models, model)
		e.sides = append(e.sides, m.Net.Input)
		size := 0
		if at := m.Net.Places(); at >= 0 {
			size = m.Net.Nodes[at].Out.Len()
		}
		e.places = append(e.places, size)
	}
	warm := image.NewGray(image.Rect(0, 0, 8, 8))
	for i := range e.models {
		if _, err := e.Logits(ctx, warm, []int{i}); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Logits runs the members one after the other; LiteRT spreads each over the threads.
func (e *Engine) Logits(ctx context.Context, picture *image.Gray, members []int) ([]ensemble.Output, error) {
	if e.closed {
		return nil, ensemble.ErrClosed
	}
	outputs := make([]ensemble.Output, len(members))
	side := 0
	for k, m := range members {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if side != e.sides[m] {
			side = e.sides[m]
			if cap(e.input) < side*side {
				e.input = make([]float32, side*side)
			}
			arch.Preprocess(e.input[:side*side], picture, side)
		}
		start := time.Now()
		results := [][]float32{outputs[k].Logits[:]}
		if size := e.places[m]; size > 0 {
			outputs[k].Features = make([]float32, size)
			results = append(results, outputs[k].Features)
		}
		if err := e.models[m].Run(e.input[:side*side], results...); err != nil {
			return nil, err
		}
		outputs[k].Took = time.Since(start)
	}
	return outputs, nil
}

// Info says what runs.
func (e *Engine) Info() ensemble.EngineInfo { return e.info }

// Close frees the models.
func (e *Engine) Close() error {
	e.closed = true
	for _, m := range e.models {
		m.Close()
	}
	e.models = nil
	return nil
}
