package convert

import flatbuffers "github.com/google/flatbuffers/go"

// The parts of TensorFlow Lite's schema (version 3, file identifier "TFL3") that
// the three nets need. Numbers are field slots and enumeration values of that
// schema; nothing here is a choice.

type tensorType int8

const (
	typeFloat32 tensorType = 0
	typeFloat16 tensorType = 1
	typeInt32   tensorType = 2
	typeInt8    tensorType = 9
)

// size is the number of bytes of one element.
func (t tensorType) size() int {
	return map[tensorType]int{typeFloat32: 4, typeFloat16: 2, typeInt32: 4, typeInt8: 1}[t]
}

type opCode int8

const (
	codeAdd            opCode = 0
	codeConcatenation  opCode = 2
	codeConv2D         opCode = 3
	codeDequantize     opCode = 6
	codeFullyConnected opCode = 9
	codeMaxPool2D      opCode = 17
	codeReshape        opCode = 22
	codePad            opCode = 34
	codeMean           opCode = 40
)

// version is the oldest operator version that has what the converter uses:
// hybrid per-channel convolutions (5) and linear layers (9), half-precision
// dequantisation (3).
func (c opCode) version() int32 {
	switch c {
	case codeConv2D:
		return 5
	case codeFullyConnected:
		return 9
	case codeDequantize:
		return 3
	}
	return 1
}

const (
	paddingSame  int8 = 0
	paddingValid int8 = 1
)

// tensor is a value in the graph. A constant has bytes at an offset of the file.
type tensor struct {
	name   string
	shape  []int
	kind   tensorType
	scales []float32 // int8 constants: one per output channel, dimension 0
	offset int64     // of the constant's bytes in the file; 0 for values computed at run time
}

func (t tensor) bytes() int64 {
	n := int64(t.kind.size())
	for _, d := range t.shape {
		n *= int64(d)
	}
	return n
}

// optionsWriter writes an operator's options table and returns the table's place
// and the number of its type in the schema's union.
type optionsWriter func(*flatbuffers.Builder) (kind byte, at flatbuffers.UOffsetT)

// operator is one step.
type operator struct {
	code            opCode
	inputs, outputs []int
	options         optionsWriter
}

func activation(relu bool) int8 {
	if relu {
		return 1
	}
	return 0
}

func convOptions(padding int8, stride int, relu bool) optionsWriter {
	return func(b *flatbuffers.Builder) (byte, flatbuffers.UOffsetT) {
		b.StartObject(7)
		b.PrependInt8Slot(0, padding, 0)
		b.PrependInt32Slot(1, int32(stride), 0)
		b.PrependInt32Slot(2, int32(stride), 0)
		b.PrependInt8Slot(3, activation(relu), 0)
		return 1, b.EndObject()
	}
}

func poolOptions(padding int8, stride, kernel int) optionsWriter {
	return func(b *flatbuffers.Builder) (byte, flatbuffers.UOffsetT) {
		b.StartObject(6)
		b.PrependInt8Slot(0, padding, 0)
		b.PrependInt32Slot(1, int32(stride), 0)
		b.PrependInt32Slot(2, int32(stride), 0)
		b.PrependInt32Slot(3, int32(kernel), 0)
		b.PrependInt32Slot(4, int32(kernel), 0)
		return 5, b.EndObject()
	}
}

// linearOptions asks for inputs quantised asymmetrically, which the hybrid kernel
// does best.
func linearOptions(relu bool) optionsWriter {
	return func(b *flatbuffers.Builder) (byte, flatbuffers.UOffsetT) {
		b.StartObject(5)
		b.PrependInt8Slot(0, activation(relu), 0)
		b.PrependBoolSlot(3, true, false)
		return 8, b.EndObject()
	}
}

func concatOptions(axis int) optionsWriter {
	return func(b *flatbuffers.Builder) (byte, flatbuffers.UOffsetT) {
		b.StartObject(2)
		b.PrependInt32Slot(0, int32(axis), 0)
		return 10, b.EndObject()
	}
}

func addOptions(relu bool) optionsWriter {
	return func(b *flatbuffers.Builder) (byte, flatbuffers.UOffsetT) {
		b.StartObject(2)
		b.PrependInt8Slot(0, activation(relu), 0)
		return 11, b.EndObject()
	}
}

func meanOptions(b *flatbuffers.Builder) (byte, flatbuffers.UOffsetT) {
	b.StartObject(1)
	b.PrependBoolSlot(0, true, false) // keep the reduced dimensions
	return 27, b.EndObject()
}

func emptyOptions(kind byte) optionsWriter {
	return func(b *flatbuffers.Builder) (byte, flatbuffers.UOffsetT) {
		b.StartObject(0)
		return kind, b.EndObject()
	}
}
