package weights

import (
	"fmt"
	"math"
	"slices"

	"lungbox/ensemble/arch"
)

// Source gives the tensors of a net one at a time, so that a net larger than a
// small box's memory can be converted. A Set is a Source.
type Source interface {
	Tensor(name string) (Tensor, error)
}

// Tensor returns the tensor with that name.
func (s Set) Tensor(name string) (Tensor, error) {
	t, ok := s[name]
	if !ok {
		return Tensor{}, fmt.Errorf("%w: %s is missing", ErrMismatch, name)
	}
	return t, nil
}

// Layer is one step of a folded net. Its node's Inputs index Folded.Layers; a
// convolution has no normalisation any more, and a linear layer takes its input
// in height, width, channel order.
type Layer struct {
	arch.Node
	origin int // index of the node in the net
	pooled int // index of the adaptive pooling that the linear layer absorbed; 0 for none
}

// Folded is a net prepared for inference. It computes the same function with
// fewer steps: batch normalisation becomes part of kernels and biases, the three
// equal input channels become one, dropout goes, and VGG-19's adaptive pooling to
// 7×7 becomes part of the linear layer behind it.
type Folded struct {
	Net    *arch.Net
	Layers []Layer
	source Source
}

// Fold prepares a net for inference. Tensors are read from the source when
// Weights asks for them, not before.
func Fold(net *arch.Net, source Source) *Folded {
	f := &Folded{Net: net, source: source}
	moved := make([]int, len(net.Nodes)) // node → layer that holds its result
	absorbed := map[int]int{}            // node → adaptive pooling to absorb in the next linear layer
	for i, node := range net.Nodes {
		switch {
		case node.Op == arch.OpDropout:
			moved[i] = moved[node.Inputs[0]]
			absorbed[i] = absorbed[node.Inputs[0]]
			continue
		case node.Op == arch.OpAvgPool && node.Out.H > 1:
			moved[i] = moved[node.Inputs[0]]
			absorbed[i] = i
			continue
		}
		layer := Layer{Node: node, origin: i}
		layer.Norm = ""
		if node.Op == arch.OpConv {
			layer.Bias = true
		}
		layer.Inputs = make([]int, len(node.Inputs))
		for k, in := range node.Inputs {
			layer.Inputs[k] = moved[in]
			if pool := absorbed[in]; pool != 0 {
				if node.Op != arch.OpLinear {
					panic("weights: only a linear layer can follow adaptive pooling to more than 1×1")
				}
				layer.pooled = pool
			}
		}
		moved[i] = len(f.Layers)
		f.Layers = append(f.Layers, layer)
	}
	return f
}

// In is the shape of a layer's first input.
func (f *Folded) In(layer int) arch.Shape { return f.Layers[f.Layers[layer].Inputs[0]].Out }

// Places is the index of the layer that holds the net's last feature map; -1 for a net
// without one: see arch.Net.Places.
func (f *Folded) Places() int {
	at := f.Net.Places()
	return slices.IndexFunc(f.Layers, func(l Layer) bool { return at >= 0 && l.origin == at })
}

// Weights returns kernel and bias of a convolution or linear layer. A kernel is
// ordered out, height, width, in; a matrix out, height, width, channel of its
// input. The caller owns both.
func (f *Folded) Weights(layer int) (kernel, bias []float32, err error) {
	l := f.Layers[layer]
	node := f.Net.Nodes[l.origin]
	weight, err := f.source.Tensor(node.Name + ".weight")
	if err != nil {
		return nil, nil, err
	}
	switch node.Op {
	case arch.OpConv:
		in := weight.Shape[1]
		kernel = transposeLast(weight.Data, node.Out.C, in, node.Kernel*node.Kernel)
		if f.Layers[l.Inputs[0]].Op == arch.OpInput {
			kernel = sumLast(kernel, in)
		}
	case arch.OpLinear:
		before := f.Net.Nodes[node.Inputs[0]].Out
		if l.pooled != 0 {
			before = f.Net.Nodes[l.pooled].Out
		}
		kernel = transposeLast(weight.Data, node.Out.C, before.C, before.H*before.W)
		if in := f.In(layer); l.pooled != 0 && in != before {
			kernel = unpool(kernel, node.Out.C, before, in)
		}
	default:
		panic("weights: " + node.Op.String() + " has no weights")
	}
	if bias, err = f.bias(node, kernel); err != nil {
		return nil, nil, err
	}
	return kernel, bias, nil
}

// bias returns the layer's bias and scales the kernel in place by the batch
// normalisation: y = γ(Wx − μ)/√(σ²+ε) + β.
func (f *Folded) bias(node arch.Node, kernel []float32) ([]float32, error) {
	bias := make([]float32, node.Out.C)
	if node.Bias {
		t, err := f.source.Tensor(node.Name + ".bias")
		if err != nil {
			return nil, err
		}
		copy(bias, t.Data)
	}
	if node.Norm == "" {
		return bias, nil
	}
	var stats [4][]float32
	for i, name := range []string{"weight", "bias", "running_mean", "running_var"} {
		t, err := f.source.Tensor(node.Norm + "." + name)
		if err != nil {
			return nil, err
		}
		stats[i] = t.Data
	}
	perOut := len(kernel) / node.Out.C
	for o := range bias {
		scale := float64(stats[0][o]) / math.Sqrt(float64(stats[3][o])+float64(node.Epsilon))
		bias[o] = float32((float64(bias[o])-float64(stats[2][o]))*scale + float64(stats[1][o]))
		for i := range kernel[o*perOut : (o+1)*perOut] {
			kernel[o*perOut+i] *= float32(scale)
		}
	}
	return bias, nil
}

// transposeLast turns out×channels×places into out×places×channels.
func transposeLast(src []float32, out, channels, places int) []float32 {
	dst := make([]float32, len(src))
	for o := range out {
		from, to := src[o*channels*places:][:channels*places], dst[o*channels*places:][:channels*places]
		for c := range channels {
			row := from[c*places:][:places]
			for p, v := range row {
				to[p*channels+c] = v
			}
		}
	}
	return dst
}

// sumLast adds up groups of n neighbouring values.
func sumLast(src []float32, n int) []float32 {
	dst := make([]float32, len(src)/n)
	for i := range dst {
		for _, v := range src[i*n:][:n] {
			dst[i] += v
		}
	}
	return dst
}

// unpool carries a matrix behind an adaptive pooling from shape in to shape pooled
// over to the unpooled input: W·P instead of W.
func unpool(matrix []float32, out int, pooled, in arch.Shape) []float32 {
	dst := make([]float32, out*in.Len())
	pool := arch.AdaptivePool(in, pooled.H, pooled.W)
	for o := range out {
		from, to := matrix[o*pooled.Len():], dst[o*in.Len():]
		for p, row := range pool {
			for q, share := range row {
				if share == 0 {
					continue
				}
				for c := range in.C {
					to[q*in.C+c] += share * from[p*in.C+c]
				}
			}
		}
	}
	return dst
}
