package weights

import (
	"errors"
	"fmt"
	"math"
)

// Int8 is a tensor in 8 bits: value i of output channel o, the first dimension, is
// Data[i]·Scale[o].
type Int8 struct {
	Shape []int
	Data  []int8    // −127 to 127
	Scale []float32 // one per output channel, positive
}

// largestInt8 leaves −128 out, so that the range is symmetric and zero is exact:
// what LiteRT asks of weights.
const largestInt8 = 127

// QuantiseInt8 rounds each value to the nearest multiple of its output channel's
// scale, the largest magnitude in the channel divided by 127. No value moves by
// more than half a scale. It refuses values that are not finite and tensors
// without dimensions.
func QuantiseInt8(t Tensor) (Int8, error) {
	scale, err := channelScales(t)
	if err != nil {
		return Int8{}, err
	}
	q := Int8{Shape: t.Shape, Data: make([]int8, len(t.Data)), Scale: scale}
	for o, s := range scale {
		perOut := len(t.Data) / len(scale)
		quantiseChannel(q.Data[o*perOut:][:perOut], t.Data[o*perOut:][:perOut], s)
	}
	return q, nil
}

// Dequantise returns the values that the tensor stands for.
func (q Int8) Dequantise() Tensor {
	t := Tensor{Shape: q.Shape, Data: make([]float32, len(q.Data))}
	for o, scale := range q.Scale {
		perOut := len(q.Data) / len(q.Scale)
		dst := t.Data[o*perOut:][:perOut]
		for i, v := range q.Data[o*perOut:][:perOut] {
			dst[i] = float32(v) * scale
		}
	}
	return t
}

func channelScales(t Tensor) ([]float32, error) {
	if len(t.Shape) == 0 {
		return nil, errors.New("a tensor without dimensions has no output channels to quantise")
	}
	scale := make([]float32, t.Shape[0])
	for o := range scale {
		perOut := len(t.Data) / len(scale)
		largest := float32(0)
		for _, v := range t.Data[o*perOut:][:perOut] {
			magnitude := abs(v)
			if !(magnitude <= math.MaxFloat32) {
				return nil, fmt.Errorf("output channel %d holds a value that is not a finite number", o)
			}
			largest = max(largest, magnitude)
		}
		scale[o] = largest / largestInt8
		if scale[o] == 0 {
			scale[o] = 1 // a channel of zeros: any scale does, and engines want a positive one
		}
	}
	return scale, nil
}

func quantiseChannel(dst []int8, src []float32, scale float32) {
	for i, v := range src {
		q := math.RoundToEven(float64(v) / float64(scale))
		dst[i] = int8(max(-largestInt8, min(largestInt8, q)))
	}
}
