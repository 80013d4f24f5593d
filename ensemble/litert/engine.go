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
	nets   []arch.Config
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
		e.nets = append(e.nets, m.Net.Config)
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

// inputKind tells inputs apart: nets of one kind share theirs.
type inputKind struct {
	side int
	tone arch.Tone
}

// Logits runs the members one after the other; LiteRT spreads each over the threads.
func (e *Engine) Logits(ctx context.Context, picture *image.Gray, members []int) ([]ensemble.Output, error) {
	if e.closed {
		return nil, ensemble.ErrClosed
	}
	outputs := make([]ensemble.Output, len(members))
	var made inputKind
	for k, m := range members {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		net := e.nets[m]
		size := net.Input * net.Input
		if kind := (inputKind{net.Input, net.Tone}); made != kind {
			made = kind
			if cap(e.input) < size {
				e.input = make([]float32, size)
			}
			net.Preprocess(e.input[:size], picture)
		}
		start := time.Now()
		results := [][]float32{outputs[k].Logits[:]}
		if places := e.places[m]; places > 0 {
			outputs[k].Features = make([]float32, places)
			results = append(results, outputs[k].Features)
		}
		if err := e.models[m].Run(e.input[:size], results...); err != nil {
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
