package tensorflow

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"lungbox/ensemble/arch"
)

// The steps that training and inference share. Feature maps are batch, height,
// width, channels; graft does not number names, so every step has a scope of its own.

// conv2D is a convolution with PyTorch's padding. The kernel is height, width, in, out.
func conv2D(s *op.Scope, x, kernel tf.Output, node arch.Node, in arch.Shape) tf.Output {
	strides := []int64{1, int64(node.Stride), int64(node.Stride), 1}
	if same(node, in) {
		return op.Conv2D(s, x, kernel, strides, "SAME")
	}
	// Not the "EXPLICIT" padding of Conv2D: the gradient that the C API adds loses it.
	return op.Conv2D(s, padded(s, x, node, in), kernel, strides, "VALID")
}

// pointwise is a 1×1 convolution as a product of matrices. On a CPU its gradient is
// faster, because oneDNN need not bring kernels into an order of its own at every step.
func pointwise(s *op.Scope, x, kernel tf.Output, node arch.Node, in arch.Shape) tf.Output {
	if node.Stride > 1 {
		whole := int64(1<<4 - 1) // begin and end of all four dimensions
		at := s.SubScope("every")
		none := op.Const(at.SubScope("none"), []int32{0, 0, 0, 0})
		stride := op.Const(at.SubScope("stride"), []int32{1, int32(node.Stride), int32(node.Stride), 1})
		x = op.StridedSlice(at, x, none, none, stride, op.StridedSliceBeginMask(whole), op.StridedSliceEndMask(whole))
	}
	places := reshape(s.SubScope("places"), x, -1, in.C)
	matrix := reshape(s.SubScope("matrix"), kernel, in.C, node.Out.C)
	return reshape(s.SubScope("picture"), op.MatMul(s, places, matrix), -1, node.Out.H, node.Out.W, node.Out.C)
}

// maxPool pads with zeros, which is exact because its input has been rectified.
func maxPool(s *op.Scope, x tf.Output, node arch.Node, in arch.Shape) tf.Output {
	window, strides := []int64{1, int64(node.Kernel), int64(node.Kernel), 1}, []int64{1, int64(node.Stride), int64(node.Stride), 1}
	if same(node, in) {
		return op.MaxPool(s, x, window, strides, "SAME")
	}
	return op.MaxPool(s, padded(s, x, node, in), window, strides, "VALID")
}

// same reports whether TensorFlow's "SAME" padding is the node's: ⌈in/stride⌉ windows,
// and of an odd padding the larger half behind.
func same(node arch.Node, in arch.Shape) bool {
	axis := func(in, out int) bool {
		before, after := node.Padding(in, out)
		return out == (in+node.Stride-1)/node.Stride && (after == before || after == before+1) &&
			before+after == max(0, (out-1)*node.Stride+node.Kernel-in)
	}
	return axis(in.H, node.Out.H) && axis(in.W, node.Out.W)
}

// padded adds the zeros that "VALID" windows need.
func padded(s *op.Scope, x tf.Output, node arch.Node, in arch.Shape) tf.Output {
	top, bottom := node.Padding(in.H, node.Out.H)
	left, right := node.Padding(in.W, node.Out.W)
	if top+bottom+left+right == 0 {
		return x
	}
	amounts := [][]int32{{0, 0}, {int32(top), int32(bottom)}, {int32(left), int32(right)}, {0, 0}}
	return op.Pad(s, x, op.Const(s.SubScope("padding"), amounts))
}

// average is adaptive pooling: the mean over the picture for 1×1, else the pooling
// matrix applied to the places.
func average(s *op.Scope, x tf.Output, node arch.Node, in arch.Shape) tf.Output {
	if node.Out.H == 1 {
		return op.Mean(s, x, op.Const(s.SubScope("axes"), []int32{1, 2}), op.MeanKeepDims(true))
	}
	if in == node.Out {
		return x
	}
	places := reshape(s.SubScope("places"), x, -1, in.H*in.W, in.C)
	matrix := op.Const(s.SubScope("matrix"), arch.AdaptivePool(in, node.Out.H, node.Out.W))
	pooled := op.BatchMatMulV2(s, matrix, places)
	return reshape(s.SubScope("picture"), pooled, -1, node.Out.H, node.Out.W, node.Out.C)
}

func concat(s *op.Scope, values []tf.Output) tf.Output {
	return op.ConcatV2(s, values, op.Const(s.SubScope("axis"), int32(3)))
}

// linear is a fully connected layer; the matrix is in×out.
func linear(s *op.Scope, x, matrix, bias tf.Output, in arch.Shape) tf.Output {
	flat := reshape(s.SubScope("flat"), x, -1, in.Len())
	return op.BiasAdd(s, op.MatMul(s, flat, matrix), bias)
}

func reshape(s *op.Scope, x tf.Output, shape ...int) tf.Output {
	wide := make([]int32, len(shape))
	for i, d := range shape {
		wide[i] = int32(d)
	}
	return op.Reshape(s, x, op.Const(s.SubScope("shape"), wide))
}

// shaped makes a tensor of flat values.
func shaped(values []float32, shape ...int) (*tf.Tensor, error) {
	t, err := tf.NewTensor(values)
	if err != nil {
		return nil, err
	}
	wide := make([]int64, len(shape))
	for i, d := range shape {
		wide[i] = int64(d)
	}
	return t, t.Reshape(wide)
}

// lastFirst moves the first of two dimensions behind the second: out×in becomes in×out.
func lastFirst(src []float32, out int) []float32 {
	in := len(src) / out
	dst := make([]float32, len(src))
	const block = 64 // keeps both sides of the transposition in cache
	for o0 := 0; o0 < out; o0 += block {
		for i0 := 0; i0 < in; i0 += block {
			for o := o0; o < min(o0+block, out); o++ {
				for i := i0; i < min(i0+block, in); i++ {
					dst[i*out+o] = src[o*in+i]
				}
			}
		}
	}
	return dst
}
