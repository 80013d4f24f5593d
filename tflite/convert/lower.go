package convert

import (
	"fmt"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// constant is a tensor whose bytes must be written to the file.
type constant struct {
	tensor int // index in graph.tensors
	layer  int // layer whose weights it holds; -1 for the literal integers
	bias   bool
	ints   []int
}

// lowering turns a folded net into a TensorFlow Lite graph.
type lowering struct {
	folded    *weights.Folded
	precision Precision
	graph     graph
	constants []constant
	value     []int // layer → tensor of its result
}

// lower builds the graph; constants still lack offsets and scales.
func lower(f *weights.Folded, p Precision) (*lowering, error) {
	l := &lowering{folded: f, precision: p, value: make([]int, len(f.Layers))}
	l.graph.description = fmt.Sprintf("%s width %g input %d %s", f.Net.Arch, f.Net.Width, f.Net.Input, p)
	for i, layer := range f.Layers {
		var err error
		if l.value[i], err = l.layer(i, layer); err != nil {
			return nil, fmt.Errorf("%s %s: %w", f.Net.Arch, layer.Name, err)
		}
	}
	l.graph.input, l.graph.outputs = l.value[0], []int{l.value[len(l.value)-1]}
	if at := f.Places(); at >= 0 {
		l.graph.outputs = append(l.graph.outputs, l.value[at])
	}
	return l, nil
}

func (l *lowering) layer(i int, layer weights.Layer) (int, error) {
	switch layer.Op {
	case arch.OpInput:
		return l.feature(layer), nil
	case arch.OpConv:
		kernel := l.weight(i, layer.Name, []int{layer.Out.C, layer.Kernel, layer.Kernel, l.folded.In(i).C})
		in, padding := l.pad(i, layer)
		out := l.feature(layer)
		l.operator(codeConv2D, []int{in, kernel, l.bias(i, layer)}, out, convOptions(padding, layer.Stride, layer.ReLU))
		return out, nil
	case arch.OpMaxPool:
		// Padding with zeros is exact: what comes in has been rectified.
		in, padding := l.pad(i, layer)
		out := l.feature(layer)
		l.operator(codeMaxPool2D, []int{in}, out, poolOptions(padding, layer.Stride, layer.Kernel))
		return out, nil
	case arch.OpAvgPool:
		if layer.Out.H != 1 {
			return 0, fmt.Errorf("adaptive pooling to %v was not folded away", layer.Out)
		}
		axes := l.literal(layer.Name+".axes", []int{2}, 1, 2)
		out := l.feature(layer)
		l.operator(codeMean, []int{l.value[layer.Inputs[0]], axes}, out, meanOptions)
		return out, nil
	case arch.OpAdd:
		out := l.feature(layer)
		l.operator(codeAdd, l.inputs(layer), out, addOptions(layer.ReLU))
		return out, nil
	case arch.OpConcat:
		out := l.feature(layer)
		l.operator(codeConcatenation, l.inputs(layer), out, concatOptions(3))
		return out, nil
	case arch.OpLinear:
		kernel := l.weight(i, layer.Name, []int{layer.Out.C, l.folded.In(i).Len()})
		out := l.tensor(tensor{name: layer.Name, shape: []int{1, layer.Out.C}})
		l.operator(codeFullyConnected, []int{l.flat(i, layer), kernel, l.bias(i, layer)}, out, linearOptions(layer.ReLU))
		return out, nil
	}
	return 0, fmt.Errorf("%s has no TensorFlow Lite form", layer.Op)
}

func (l *lowering) inputs(layer weights.Layer) []int {
	in := make([]int, len(layer.Inputs))
	for k, i := range layer.Inputs {
		in[k] = l.value[i]
	}
	return in
}

// pad returns the input of a windowed layer and the padding that gives PyTorch's
// windows: "same" where TensorFlow's rule happens to agree, else explicit zeros.
func (l *lowering) pad(i int, layer weights.Layer) (in int, padding int8) {
	in = l.value[layer.Inputs[0]]
	from := l.folded.In(i)
	top, bottom := layer.Padding(from.H, layer.Out.H)
	left, right := layer.Padding(from.W, layer.Out.W)
	if top+bottom+left+right == 0 {
		return in, paddingValid
	}
	same := func(n, out, before, after int) bool {
		total := max(0, (out-1)*layer.Stride+layer.Kernel-n)
		return out == (n+layer.Stride-1)/layer.Stride && before == total/2 && after == total-total/2
	}
	if same(from.H, layer.Out.H, top, bottom) && same(from.W, layer.Out.W, left, right) {
		return in, paddingSame
	}
	amounts := l.literal(layer.Name+".padding", []int{4, 2}, 0, 0, top, bottom, left, right, 0, 0)
	out := l.tensor(tensor{name: layer.Name + ".padded", shape: []int{1, from.H + top + bottom, from.W + left + right, from.C}})
	l.operator(codePad, []int{in, amounts}, out, emptyOptions(22))
	return out, paddingValid
}

// flat returns a linear layer's input as one row.
func (l *lowering) flat(i int, layer weights.Layer) int {
	in := l.value[layer.Inputs[0]]
	if len(l.graph.tensors[in].shape) == 2 {
		return in
	}
	n := l.folded.In(i).Len()
	shape := l.literal(layer.Name+".shape", []int{2}, 1, n)
	out := l.tensor(tensor{name: layer.Name + ".flat", shape: []int{1, n}})
	l.operator(codeReshape, []int{in, shape}, out, emptyOptions(17))
	return out
}

// weight adds a kernel or matrix in the chosen precision. Half precision is kept
// in the file and widened by the engine when it loads.
func (l *lowering) weight(layer int, name string, shape []int) int {
	t := tensor{name: name + ".weight", shape: shape, kind: l.precision.kind()}
	index := l.tensor(t)
	l.constants = append(l.constants, constant{tensor: index, layer: layer})
	if t.kind != typeFloat16 {
		return index
	}
	wide := l.tensor(tensor{name: name + ".weight.float32", shape: shape})
	l.operator(codeDequantize, []int{index}, wide, emptyOptions(38))
	return wide
}

func (l *lowering) bias(i int, layer weights.Layer) int {
	index := l.tensor(tensor{name: layer.Name + ".bias", shape: []int{layer.Out.C}})
	l.constants = append(l.constants, constant{tensor: index, layer: i, bias: true})
	return index
}

func (l *lowering) literal(name string, shape []int, values ...int) int {
	index := l.tensor(tensor{name: name, shape: shape, kind: typeInt32})
	l.constants = append(l.constants, constant{tensor: index, layer: -1, ints: values})
	return index
}

// feature adds the tensor of a layer's result.
func (l *lowering) feature(layer weights.Layer) int {
	return l.tensor(tensor{name: layer.Name, shape: []int{1, layer.Out.H, layer.Out.W, layer.Out.C}})
}

func (l *lowering) tensor(t tensor) int {
	l.graph.tensors = append(l.graph.tensors, t)
	return len(l.graph.tensors) - 1
}

func (l *lowering) operator(code opCode, in []int, out int, options optionsWriter) {
	l.graph.operators = append(l.graph.operators, operator{code: code, inputs: in, outputs: []int{out}, options: options})
}
