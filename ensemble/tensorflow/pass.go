package tensorflow

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"lungbox/ensemble/arch"
)

// pass builds one way through a net with variables: the training pass (batch
// statistics, dropout) or the inference pass (running statistics).
type pass struct {
	net       *arch.Net
	variables map[string]variable

	training, dropout bool
	products          bool      // 1×1 convolutions as products of matrices
	seed              tf.Output // scalar; decides the dropout of a step

	read       map[string]tf.Output // parameter → its value in this pass
	statistics map[string]tf.Output // running mean or variance → the batch's
	last       tf.Output            // input of the last node
	places     tf.Output            // last feature map, of a net with Places
}

func newPass(net *arch.Net, variables []variable) *pass {
	p := &pass{net: net, variables: map[string]variable{}, read: map[string]tf.Output{}, statistics: map[string]tf.Output{}}
	for _, v := range variables {
		p.variables[v.param.Name] = v
	}
	return p
}

// build adds the net to the graph and returns its logits.
func (p *pass) build(root *op.Scope, images tf.Output) tf.Output {
	values := make([]tf.Output, len(p.net.Nodes))
	for i, node := range p.net.Nodes {
		s := root.SubScope(node.Name)
		in := make([]tf.Output, len(node.Inputs))
		var from arch.Shape
		for k, j := range node.Inputs {
			in[k] = values[j]
			from = p.net.Nodes[j].Out
		}
		switch node.Op {
		case arch.OpInput:
			values[i] = images
		case arch.OpConv:
			values[i] = p.normalise(s, p.convolve(s, in[0], node, from), node)
		case arch.OpMaxPool:
			values[i] = maxPool(s, in[0], node, from)
		case arch.OpAvgPool:
			values[i] = average(s, in[0], node, from)
		case arch.OpAdd:
			values[i] = op.AddV2(s, in[0], in[1])
		case arch.OpConcat:
			values[i] = concat(s, in)
		case arch.OpDropout:
			values[i] = p.drop(s, in[0], node, i)
		case arch.OpLinear:
			values[i] = linear(s, in[0], p.value(s, node.Name+".weight"), p.value(s, node.Name+".bias"), from)
		}
		if node.ReLU {
			values[i] = op.Relu(s, values[i])
		}
	}
	if at := p.net.Places(); at >= 0 {
		p.places = values[at]
	}
	p.last = values[p.net.Nodes[p.net.Logits()].Inputs[0]]
	return values[p.net.Logits()]
}

// convolve adds a convolution. The first one's three input channels all get the grey
// picture, so their kernels are added up instead.
func (p *pass) convolve(s *op.Scope, x tf.Output, node arch.Node, in arch.Shape) tf.Output {
	kernel := p.value(s, node.Name+".weight")
	if p.net.Nodes[node.Inputs[0]].Op == arch.OpInput {
		at := s.SubScope("grey")
		kernel = op.Sum(at, kernel, op.Const(at.SubScope("axis"), []int32{2}), op.SumKeepDims(true))
	}
	if p.products && node.Kernel == 1 && node.Pad == 0 {
		return pointwise(s, x, kernel, node, in)
	}
	return conv2D(s, x, kernel, node, in)
}

// value reads a parameter, once in a pass.
func (p *pass) value(s *op.Scope, name string) tf.Output {
	p.read[name] = op.ReadVariableOp(s.SubScope("read").SubScope(name), p.variables[name].handle, tf.Float)
	return p.read[name]
}

// normalise adds what follows a convolution: its bias or batch normalisation.
func (p *pass) normalise(s *op.Scope, x tf.Output, node arch.Node) tf.Output {
	if node.Bias {
		x = op.BiasAdd(s, x, p.value(s, node.Name+".bias"))
	}
	if node.Norm == "" {
		return x
	}
	mean, variance := node.Norm+".running_mean", node.Norm+".running_var"
	scale, shift := p.value(s, node.Norm+".weight"), p.value(s, node.Norm+".bias")
	epsilon := op.FusedBatchNormV3Epsilon(node.Epsilon)
	if !p.training {
		y, _, _, _, _, _ := op.FusedBatchNormV3(s, x, scale, shift, p.value(s, mean), p.value(s, variance), epsilon, op.FusedBatchNormV3IsTraining(false))
		return y
	}
	none := op.Const(s.SubScope("none"), []float32{})
	y, batchMean, batchVariance, _, _, _ := op.FusedBatchNormV3(s, x, scale, shift, none, none, epsilon, op.FusedBatchNormV3IsTraining(true))
	p.statistics[mean], p.statistics[variance] = batchMean, batchVariance
	return y
}

// drop zeroes a share of the values and scales the rest up, differently for every
// seed and every dropout layer.
func (p *pass) drop(s *op.Scope, x tf.Output, node arch.Node, index int) tf.Output {
	if !p.dropout {
		return x
	}
	seed := op.Pack(s.SubScope("seed"), []tf.Output{p.seed, op.Const(s.SubScope("layer"), int64(index))})
	chance := op.StatelessRandomUniform(s, op.Shape(s, x), seed)
	keep := op.Cast(s, op.GreaterEqual(s, chance, op.Const(s.SubScope("rate"), node.Rate)), tf.Float)
	return op.Mul(s, op.Mul(s.SubScope("masked"), x, keep), op.Const(s.SubScope("scale"), 1/(1-node.Rate)))
}
