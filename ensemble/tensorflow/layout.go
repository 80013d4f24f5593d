package tensorflow

import (
	"unsafe"

	"lungbox/ensemble/arch"
)

// layout moves a parameter's values between torchvision's order out, channel, place and
// TensorFlow's place, channel, out. It is an io.Reader that gives all values in
// TensorFlow's order to one Read, and an io.Writer that takes them in one Write: so
// they go between a tensor and Go without a copy between.
type layout struct {
	values                []float32 // torchvision's order
	out, channels, places int
}

func newLayout(net *arch.Net, p arch.Param, values []float32) layout {
	l := layout{values: values, out: 1, channels: len(values), places: 1}
	switch p.Role {
	case arch.RoleKernel:
		l.places = p.Shape[2] * p.Shape[3]
	case arch.RoleMatrix:
		in := net.Nodes[net.Nodes[p.Node].Inputs[0]].Out
		l.places = in.H * in.W
	default:
		return l
	}
	l.out = p.Shape[0]
	l.channels = len(values) / l.out / l.places
	return l
}

func (l layout) Read(dst []byte) (int, error) {
	l.transpose(floats(dst), true)
	return len(dst), nil
}

func (l layout) Write(src []byte) (int, error) {
	l.transpose(floats(src), false)
	return len(src), nil
}

// transpose copies the values into a tensor, or out of it.
func (l layout) transpose(tensor []float32, into bool) {
	in := len(l.values) / l.out
	const block = 64 // keeps both sides of the transposition in cache
	for o0 := 0; o0 < l.out; o0 += block {
		o1 := min(o0+block, l.out)
		for i0 := 0; i0 < in; i0 += block {
			for i := i0; i < min(i0+block, in); i++ {
				row := tensor[(i%l.places*l.channels+i/l.places)*l.out:][:l.out]
				if into {
					for o := o0; o < o1; o++ {
						row[o] = l.values[o*in+i]
					}
				} else {
					for o := o0; o < o1; o++ {
						l.values[o*in+i] = row[o]
					}
				}
			}
		}
	}
}

// floats is the memory of a float32 tensor, which TensorFlow aligns.
func floats(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}
