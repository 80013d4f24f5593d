package torchfile

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"lungbox/ensemble/weights"
	"lungbox/training/transfer/pickle"
)

// maxValues bounds one tensor. The largest of our nets, VGG-19's first linear layer,
// has 103 million; without a bound a tensor of stride 0 could claim any size.
const maxValues = 1 << 28

// maxRank is PyTorch's own limit on dimensions.
const maxRank = 64

// chunk is how many values are converted at a time.
const chunk = 64 << 10

// tensor is a view of a storage.
type tensor struct {
	storage *storage
	first   int64 // index of the first value in the storage
	shape   []int
	stride  []int // in values; the same length as shape
	last    int64 // index of the last value, first−1 when there are none
}

// Build ignores the state of a Parameter (whether it wants gradients, its hooks).
func (t *tensor) Build(state any) error {
	if tuple, ok := state.(pickle.Tuple); !ok || len(tuple) != 3 {
		return fmt.Errorf("%w: a tensor has an unknown state", ErrFormat)
	}
	return nil
}

// rebuildTensor takes (storage, first value, shape, strides, …); what follows says
// how to train it.
func rebuildTensor(args pickle.Tuple) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("%w: a tensor of %d arguments", ErrFormat, len(args))
	}
	t := &tensor{}
	var ok [4]bool
	t.storage, ok[0] = args[0].(*storage)
	t.first, ok[1] = args[1].(int64)
	t.shape, ok[2] = sizes(args[2])
	t.stride, ok[3] = sizes(args[3])
	if ok != [4]bool{true, true, true, true} || len(t.shape) != len(t.stride) || t.first < 0 {
		return nil, fmt.Errorf("%w: a tensor of shape %v and strides %v at %d", ErrFormat, t.shape, t.stride, t.first)
	}
	return t, t.bound()
}

// sizes reads a tuple of numbers that are not negative.
func sizes(v any) ([]int, bool) {
	tuple, ok := v.(pickle.Tuple)
	if !ok || len(tuple) > maxRank {
		return nil, false
	}
	out := make([]int, len(tuple))
	for i, item := range tuple {
		n, ok := item.(int64)
		if !ok || n < 0 {
			return nil, false
		}
		out[i] = int(n)
	}
	return out, true
}

// bound works out the last value and checks that the tensor lies in its storage.
func (t *tensor) bound() error {
	count, last := uint64(1), uint64(t.first)
	for _, d := range t.shape {
		if d == 0 {
			t.last = t.first - 1
			return nil
		}
	}
	for i, d := range t.shape {
		var high, carry uint64
		high, count = bits.Mul64(count, uint64(d))
		if high != 0 || count > maxValues {
			return fmt.Errorf("%w: a tensor of shape %v has more than %d values", ErrFormat, t.shape, maxValues)
		}
		high, reach := bits.Mul64(uint64(d-1), uint64(t.stride[i]))
		last, carry = bits.Add64(last, reach, 0)
		if high != 0 || carry != 0 || last >= uint64(t.storage.count) {
			return fmt.Errorf("%w: a tensor of shape %v and strides %v at %d reaches beyond its storage of %d values",
				ErrFormat, t.shape, t.stride, t.first, t.storage.count)
		}
	}
	if last >= uint64(t.storage.count) { // a scalar
		return fmt.Errorf("%w: a tensor at %d lies beyond its storage of %d values", ErrFormat, t.first, t.storage.count)
	}
	t.last = int64(last)
	return nil
}

// rebuildParameter takes (tensor, …) and leaves the tensor.
func rebuildParameter(args pickle.Tuple) (any, error) {
	if len(args) > 0 {
		if t, ok := args[0].(*tensor); ok {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%w: a parameter that is no tensor", ErrFormat)
}

// read returns the values in row-major order.
func (t *tensor) read() (weights.Tensor, error) {
	out := weights.Tensor{Shape: t.shape, Data: []float32{}}
	if t.last < t.first {
		return out, nil
	}
	if err := t.storage.ready(); err != nil {
		return out, err
	}
	values := make([]float32, t.last-t.first+1)
	if err := t.storage.read(values, t.first); err != nil {
		return out, err
	}
	if !t.dense() {
		values = gather(values, t.shape, t.stride)
	}
	out.Data = values
	return out, nil
}

// dense reports whether the values lie in row-major order without gaps.
func (t *tensor) dense() bool {
	step := 1
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] != 1 && t.stride[i] != step {
			return false
		}
		step *= t.shape[i]
	}
	return true
}

// gather copies a strided view into row-major order.
func gather(src []float32, shape, stride []int) []float32 {
	count := 1
	for _, d := range shape {
		count *= d
	}
	dst := make([]float32, count)
	index := make([]int, len(shape))
	at := 0
	for i := range dst {
		dst[i] = src[at]
		for d := len(shape) - 1; d >= 0; d-- {
			index[d]++
			at += stride[d]
			if index[d] < shape[d] {
				break
			}
			at -= index[d] * stride[d]
			index[d] = 0
		}
	}
	return dst
}

// ready makes sure that the storage has a place in the file and is not damaged.
func (s *storage) ready() error {
	if s.bytes == nil {
		return fmt.Errorf("%w: its values are not in the file", ErrFormat)
	}
	if s.check == nil {
		return nil
	}
	if err := s.check(); err != nil {
		return err
	}
	s.check = nil
	return nil
}

// read converts the values from index first on.
func (s *storage) read(dst []float32, first int64) error {
	size := int64(s.dtype.Size())
	buffer := make([]byte, min(chunk, int64(len(dst)))*size)
	for done := int64(0); done < int64(len(dst)); {
		part := dst[done:min(done+chunk, int64(len(dst)))]
		raw := buffer[:int64(len(part))*size]
		if n, err := s.bytes.ReadAt(raw, (first+done)*size); n < len(raw) {
			return fmt.Errorf("read values: %w", err)
		}
		if s.dtype == "I64" {
			for i := range part {
				part[i] = float32(int64(binary.LittleEndian.Uint64(raw[8*i:])))
			}
		} else if err := weights.Decode(part, raw, s.dtype); err != nil {
			return err
		}
		done += int64(len(part))
	}
	return nil
}
