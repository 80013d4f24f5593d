package arch

import "fmt"

// builder appends nodes and works out their shapes.
type builder struct{ net *Net }

func (b *builder) add(n Node) int {
	b.net.Nodes = append(b.net.Nodes, n)
	return len(b.net.Nodes) - 1
}

func (b *builder) shape(i int) Shape { return b.net.Nodes[i].Out }

// conv describes a convolution in the terms of torch.nn.Conv2d.
type conv struct {
	out, kernel, stride, pad int
	norm                     string
	epsilon                  float32
	bias, relu               bool
}

// inputChannels is what the first convolution sees: torchvision's weights are for
// three colours, and the one grey plane is given to all three.
const inputChannels = 3

func (b *builder) conv(name string, in int, c conv) int {
	s := b.shape(in)
	side := func(n int) int { return (n+2*c.pad-c.kernel)/c.stride + 1 }
	return b.add(Node{
		Op: OpConv, Name: name, Inputs: []int{in}, Out: Shape{side(s.H), side(s.W), c.out},
		Kernel: c.kernel, Stride: c.stride, Pad: c.pad, Norm: c.norm, Epsilon: c.epsilon, Bias: c.bias, ReLU: c.relu,
	})
}

// maxPool follows torch.nn.MaxPool2d: with ceil a last window is kept as long as
// it starts inside the picture or its left padding.
func (b *builder) maxPool(name string, in, kernel, stride, pad int, ceil bool) int {
	s := b.shape(in)
	side := func(n int) int {
		if !ceil {
			return (n+2*pad-kernel)/stride + 1
		}
		out := (n+2*pad-kernel+stride-1)/stride + 1
		if (out-1)*stride >= n+pad {
			out--
		}
		return out
	}
	return b.add(Node{
		Op: OpMaxPool, Name: name, Inputs: []int{in}, Out: Shape{side(s.H), side(s.W), s.C},
		Kernel: kernel, Stride: stride, Pad: pad, Ceil: ceil,
	})
}

func (b *builder) avgPool(name string, in, side int) int {
	return b.add(Node{Op: OpAvgPool, Name: name, Inputs: []int{in}, Out: Shape{side, side, b.shape(in).C}})
}

func (b *builder) sum(name string, x, y int) int {
	if b.shape(x) != b.shape(y) {
		panic(fmt.Sprintf("%s: cannot add %v and %v", name, b.shape(x), b.shape(y)))
	}
	return b.add(Node{Op: OpAdd, Name: name, Inputs: []int{x, y}, Out: b.shape(x), ReLU: true})
}

func (b *builder) concat(name string, in ...int) int {
	s := b.shape(in[0])
	s.C = 0
	for _, i := range in {
		s.C += b.shape(i).C
	}
	return b.add(Node{Op: OpConcat, Name: name, Inputs: in, Out: s})
}

func (b *builder) dropout(name string, in int, rate float32) int {
	return b.add(Node{Op: OpDropout, Name: name, Inputs: []int{in}, Out: b.shape(in), Rate: rate})
}

func (b *builder) linear(name string, in, out int, relu bool) int {
	return b.add(Node{Op: OpLinear, Name: name, Inputs: []int{in}, Out: Shape{1, 1, out}, Bias: true, ReLU: relu})
}

// Padding returns the zeros that a convolution or pooling node adds before and
// after one axis of length in, trimmed or widened so that the windows exactly
// cover the padded axis: what an engine with "valid" windows must pad.
func (n *Node) Padding(in, out int) (before, after int) {
	need := (out-1)*n.Stride + n.Kernel
	return n.Pad, max(0, need-in-n.Pad)
}

// AdaptivePool is torch.nn.AdaptiveAvgPool2d as a matrix: for every place of the
// h×w result, in row order, the share that each place of the input, in row order,
// has in it. Windows run from ⌊i·n/m⌋ to ⌈(i+1)·n/m⌉ and may overlap.
func AdaptivePool(in Shape, h, w int) [][]float32 {
	rows := make([][]float32, 0, h*w)
	for y := range h {
		top, bottom := y*in.H/h, ((y+1)*in.H+h-1)/h
		for x := range w {
			left, right := x*in.W/w, ((x+1)*in.W+w-1)/w
			row := make([]float32, in.H*in.W)
			for i := top; i < bottom; i++ {
				for j := left; j < right; j++ {
					row[i*in.W+j] = 1 / float32((bottom-top)*(right-left))
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}
