// Package tensorflow turns nets into TensorFlow graphs: for training, with
// gradients and the optimiser, and for inference on a GPU or a CPU. It drives
// TensorFlow's C API through graft; no Python is involved.
package tensorflow

import (
	"context"
	"fmt"
	"image"
	"io"
	"runtime"
	"time"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// inputKind tells inputs apart: nets of one kind share theirs.
type inputKind struct {
	side int
	tone arch.Tone
}

// Engine is an ensemble.Engine. The nets share one session: asked for together
// they run side by side, and nets of one input size share one input, so a frame
// goes to the GPU once.
type Engine struct {
	session *tf.Session
	graph   *tf.Graph
	inputs  map[inputKind]tf.Output
	nets    []arch.Config // by member
	logits  []tf.Output   // by member
	places  []tf.Output   // last feature map, by member; the zero value for a net without one
	info    ensemble.EngineInfo
	gpu     bool
}

// New builds the graph of all members and runs it once, so that kernels are
// chosen and memory is taken before the release is called ready.
func New(ctx context.Context, members []ensemble.Member, opt Options) (_ *Engine, err error) {
	root := op.NewScope()
	e := &Engine{inputs: map[inputKind]tf.Output{}}
	for _, m := range members {
		kind, side := inputKind{m.Net.Input, m.Net.Tone}, int64(m.Net.Input)
		input, ok := e.inputs[kind]
		if !ok {
			input = op.Placeholder(root.SubScope(fmt.Sprintf("input%d%s", side, m.Net.Tone)), tf.Float,
				op.PlaceholderShape(tf.MakeShape(1, side, side, 1)))
			e.inputs[kind] = input
		}
		logits, places, err := infer(root.SubScope(m.Net.Arch), weights.Fold(m.Net, m.Weights), input)
		if err != nil {
			return nil, fmt.Errorf("TensorFlow graph of %s: %w", m.Net.Arch, err)
		}
		e.nets, e.logits, e.places = append(e.nets, m.Net.Config), append(e.logits, logits), append(e.places, places)
	}
	if e.graph, err = root.Finalize(); err != nil {
		return nil, fmt.Errorf("TensorFlow graph: %w", err)
	}
	if e.session, err = newSession(e.graph, opt); err != nil {
		return nil, err
	}
	e.info = ensemble.EngineInfo{Engine: "tensorflow", Version: Version(), Precision: "float32"}
	if opt.MixedPrecision {
		e.info.Precision = "mixed"
	}
	e.info.Device, e.gpu = device(e.session, opt)
	all := make([]int, len(members))
	for i := range all {
		all[i] = i
	}
	if _, err := e.Logits(ctx, image.NewGray(image.Rect(0, 0, 8, 8)), all); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// infer adds a folded net to the graph and returns its logits and its last feature map,
// if it has one.
func infer(root *op.Scope, f *weights.Folded, input tf.Output) (logits, places tf.Output, err error) {
	values := make([]tf.Output, len(f.Layers))
	for i, layer := range f.Layers {
		s := root.SubScope(layer.Name)
		in := make([]tf.Output, len(layer.Inputs))
		for k, from := range layer.Inputs {
			in[k] = values[from]
		}
		var kernel, bias tf.Output
		if layer.Op == arch.OpConv || layer.Op == arch.OpLinear {
			if kernel, bias, err = constants(s, f, i); err != nil {
				return logits, places, err
			}
		}
		switch layer.Op {
		case arch.OpInput:
			values[i] = input
		case arch.OpConv:
			values[i] = op.BiasAdd(s, conv2D(s, in[0], kernel, layer.Node, f.In(i)), bias)
		case arch.OpMaxPool:
			values[i] = maxPool(s, in[0], layer.Node, f.In(i))
		case arch.OpAvgPool:
			values[i] = average(s, in[0], layer.Node, f.In(i))
		case arch.OpAdd:
			values[i] = op.AddV2(s, in[0], in[1])
		case arch.OpConcat:
			values[i] = concat(s, in)
		case arch.OpLinear:
			values[i] = linear(s, in[0], kernel, bias, f.In(i))
		default:
			return logits, places, fmt.Errorf("%s: %s has no TensorFlow form", layer.Name, layer.Op)
		}
		if layer.ReLU {
			values[i] = op.Relu(s, values[i])
		}
		if err := root.Err(); err != nil {
			return logits, places, fmt.Errorf("%s: %w", layer.Name, err)
		}
	}
	if at := f.Places(); at >= 0 {
		places = values[at]
	}
	return values[len(values)-1], places, nil
}

// constants adds a layer's kernel and bias in TensorFlow's order.
func constants(s *op.Scope, f *weights.Folded, layer int) (kernel, bias tf.Output, err error) {
	l := f.Layers[layer]
	k, b, err := f.Weights(layer)
	if err != nil {
		return kernel, bias, err
	}
	shape := []int{f.In(layer).Len(), l.Out.C}
	if l.Op == arch.OpConv {
		shape = []int{l.Kernel, l.Kernel, f.In(layer).C, l.Out.C}
	}
	value, err := shaped(lastFirst(k, l.Out.C), shape...)
	if err != nil {
		return kernel, bias, err
	}
	return op.Const(s.SubScope("kernel"), value), op.Const(s.SubScope("bias"), b), nil
}

// Logits runs the members side by side in one call of the session.
func (e *Engine) Logits(ctx context.Context, picture *image.Gray, members []int) ([]ensemble.Output, error) {
	if e.session == nil {
		return nil, ensemble.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	feeds := map[tf.Output]*tf.Tensor{}
	var fetches []tf.Output
	for _, m := range members {
		net := e.nets[m]
		side := net.Input
		input := e.inputs[inputKind{side, net.Tone}]
		if feeds[input] == nil {
			values := make([]float32, side*side)
			net.Preprocess(values, picture)
			t, err := shaped(values, 1, side, side, 1)
			if err != nil {
				return nil, err
			}
			feeds[input] = t
		}
		fetches = append(fetches, e.logits[m])
	}
	for _, m := range members {
		if e.places[m].Op != nil {
			fetches = append(fetches, e.places[m])
		}
	}
	start := time.Now()
	results, err := e.session.Run(feeds, fetches, nil)
	if err != nil {
		return nil, fmt.Errorf("TensorFlow: %w", err)
	}
	took := time.Since(start)
	outputs := make([]ensemble.Output, len(members))
	maps := results[len(members):]
	for k, m := range members {
		copy(outputs[k].Logits[:], results[k].Value().([][]float32)[0])
		outputs[k].Took = took
		if e.places[m].Op != nil {
			outputs[k].Features = flatten(maps[0])
			maps = maps[1:]
		}
	}
	runtime.KeepAlive(results) // see flatten
	return outputs, nil
}

// Info says what runs.
func (e *Engine) Info() ensemble.EngineInfo { return e.info }

// Close ends the session. TensorFlow keeps a GPU's memory until the process ends.
func (e *Engine) Close() error {
	if e.session == nil {
		return nil
	}
	session := e.session
	e.session = nil
	return session.Close()
}

// WriteGraph writes the graph as a serialised GraphDef, so that another program can
// run the very same one.
func (e *Engine) WriteGraph(w io.Writer) error {
	_, err := e.graph.WriteTo(w)
	return err
}
