package convert

import (
	"slices"

	flatbuffers "github.com/google/flatbuffers/go"
)

// graph is a model without its constants' bytes.
type graph struct {
	description string
	tensors     []tensor
	operators   []operator
	input       int   // tensor index
	outputs     []int // tensor indices
}

// encode writes the model's FlatBuffer. Constants are referred to by their place
// in the file (Buffer.offset and size), so its length does not depend on them.
func (g *graph) encode() []byte {
	b := flatbuffers.NewBuilder(1 << 16)
	var codes []opCode
	for _, op := range g.operators {
		if !slices.Contains(codes, op.code) {
			codes = append(codes, op.code)
		}
	}
	operators := make([]flatbuffers.UOffsetT, len(g.operators))
	for i, op := range g.operators {
		inputs, outputs := ints(b, op.inputs), ints(b, op.outputs)
		kind, options := op.options(b)
		b.StartObject(14)
		b.PrependUint32Slot(0, uint32(slices.Index(codes, op.code)), 0)
		b.PrependUOffsetTSlot(1, inputs, 0)
		b.PrependUOffsetTSlot(2, outputs, 0)
		b.PrependByteSlot(3, kind, 0)
		b.PrependUOffsetTSlot(4, options, 0)
		operators[i] = b.EndObject()
	}
	// Buffer 0 is the empty one that run-time values share, by convention.
	buffers := []flatbuffers.UOffsetT{encodeBuffer(b, 0, 0)}
	tensors := make([]flatbuffers.UOffsetT, len(g.tensors))
	for i, t := range g.tensors {
		buffer := 0
		if t.offset != 0 {
			buffer = len(buffers)
			buffers = append(buffers, encodeBuffer(b, t.offset, t.bytes()))
		}
		tensors[i] = encodeTensor(b, t, buffer)
	}
	tensorVector, operatorVector := tables(b, tensors), tables(b, operators)
	inputs, outputs, name := ints(b, []int{g.input}), ints(b, g.outputs), b.CreateString("main")
	b.StartObject(6)
	b.PrependUOffsetTSlot(0, tensorVector, 0)
	b.PrependUOffsetTSlot(1, inputs, 0)
	b.PrependUOffsetTSlot(2, outputs, 0)
	b.PrependUOffsetTSlot(3, operatorVector, 0)
	b.PrependUOffsetTSlot(4, name, 0)
	subgraph := b.EndObject()

	codeTables := make([]flatbuffers.UOffsetT, len(codes))
	for i, c := range codes {
		b.StartObject(4)
		b.PrependInt8Slot(0, int8(c), 0)
		b.PrependInt32Slot(2, c.version(), 1)
		b.PrependInt32Slot(3, int32(c), 0)
		codeTables[i] = b.EndObject()
	}
	codeVector, subgraphVector, bufferVector := tables(b, codeTables), tables(b, []flatbuffers.UOffsetT{subgraph}), tables(b, buffers)
	description := b.CreateString(g.description)
	b.StartObject(10)
	b.PrependUint32Slot(0, 3, 0)
	b.PrependUOffsetTSlot(1, codeVector, 0)
	b.PrependUOffsetTSlot(2, subgraphVector, 0)
	b.PrependUOffsetTSlot(3, description, 0)
	b.PrependUOffsetTSlot(4, bufferVector, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte("TFL3"))
	return b.FinishedBytes()
}

func encodeBuffer(b *flatbuffers.Builder, offset, size int64) flatbuffers.UOffsetT {
	b.StartObject(3)
	b.PrependUint64Slot(1, uint64(offset), 0)
	b.PrependUint64Slot(2, uint64(size), 0)
	return b.EndObject()
}

func encodeTensor(b *flatbuffers.Builder, t tensor, buffer int) flatbuffers.UOffsetT {
	var quantisation flatbuffers.UOffsetT
	if t.scales != nil {
		scales := vector(b, 4, len(t.scales), func(i int) { b.PrependFloat32(t.scales[i]) })
		zeros := vector(b, 8, len(t.scales), func(int) { b.PrependInt64(0) })
		b.StartObject(7)
		b.PrependUOffsetTSlot(2, scales, 0)
		b.PrependUOffsetTSlot(3, zeros, 0)
		quantisation = b.EndObject()
	}
	shape, name := ints(b, t.shape), b.CreateString(t.name)
	b.StartObject(11)
	b.PrependUOffsetTSlot(0, shape, 0)
	b.PrependInt8Slot(1, int8(t.kind), 0)
	b.PrependUint32Slot(2, uint32(buffer), 0)
	b.PrependUOffsetTSlot(3, name, 0)
	b.PrependUOffsetTSlot(4, quantisation, 0)
	b.PrependBoolSlot(8, true, false)
	return b.EndObject()
}

func ints(b *flatbuffers.Builder, values []int) flatbuffers.UOffsetT {
	return vector(b, 4, len(values), func(i int) { b.PrependInt32(int32(values[i])) })
}

func tables(b *flatbuffers.Builder, at []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	return vector(b, 4, len(at), func(i int) { b.PrependUOffsetT(at[i]) })
}

// vector writes n elements; FlatBuffers are built back to front.
func vector(b *flatbuffers.Builder, size, n int, prepend func(i int)) flatbuffers.UOffsetT {
	b.StartVector(size, n, size)
	for i := n - 1; i >= 0; i-- {
		prepend(i)
	}
	return b.EndVector(n)
}
