package weights

import (
	"fmt"
	"io"
	"strings"
)

// chunk is how many bytes are converted at a time: small enough for the cache,
// large enough for the disk.
const chunk = 256 << 10

// scaleSuffix names the scales of an int8 tensor: "fc.weight" has "fc.weight.scale".
const scaleSuffix = ".scale"

// Entry returns the description of a tensor. The error wraps ErrMismatch when
// there is none.
func (f *File) Entry(name string) (Entry, error) {
	i, ok := f.index[name]
	if !ok {
		return Entry{}, fmt.Errorf("%w: %s is missing", ErrMismatch, name)
	}
	return f.Entries[i], nil
}

// Raw returns a reader of a tensor's bytes as they are stored.
func (f *File) Raw(name string) (*io.SectionReader, error) {
	e, err := f.Entry(name)
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(f.reader, e.Offset, e.Length), nil
}

// Tensor reads one tensor of a floating-point type as float32, or an int8 tensor
// with its scales as the values they stand for. It refuses other types.
func (f *File) Tensor(name string) (Tensor, error) {
	e, err := f.Entry(name)
	if err != nil {
		return Tensor{}, err
	}
	if e.DType == I8 {
		q, err := f.Int8(name)
		if err != nil {
			return Tensor{}, err
		}
		return q.Dequantise(), nil
	}
	decode := decoderOf(e.DType)
	if decode == nil {
		return Tensor{}, fmt.Errorf("%s holds values of type %s, not floating-point numbers", name, e.DType)
	}
	t := Tensor{Shape: e.Shape, Data: make([]float32, e.Len())}
	done, size := 0, e.DType.Size()
	err = f.chunks(e, func(part []byte) {
		decode(t.Data[done:], part)
		done += len(part) / size
	})
	return t, err
}

// Int8 reads an int8 tensor and its scales, the tensor of type F32 with the same
// name and ".scale" behind it and one value per output channel.
func (f *File) Int8(name string) (Int8, error) {
	e, err := f.Entry(name)
	if err != nil {
		return Int8{}, err
	}
	if e.DType != I8 {
		return Int8{}, fmt.Errorf("%s holds values of type %s, not I8", name, e.DType)
	}
	if !f.hasScale(e) {
		return Int8{}, fmt.Errorf("%s is of type I8 and has no %s%s of type F32, one for each output channel", name, name, scaleSuffix)
	}
	scale, err := f.Tensor(name + scaleSuffix)
	if err != nil {
		return Int8{}, err
	}
	q := Int8{Shape: e.Shape, Data: make([]int8, e.Len()), Scale: scale.Data}
	done := 0
	err = f.chunks(e, func(part []byte) {
		dst := q.Data[done:][:len(part)]
		for i, b := range part {
			dst[i] = int8(b)
		}
		done += len(part)
	})
	return q, err
}

// Set reads all tensors.
func (f *File) Set() (Set, error) {
	set := make(Set, len(f.Entries))
	for _, e := range f.Entries {
		if owner, ok := strings.CutSuffix(e.Name, scaleSuffix); ok {
			if i, ok := f.index[owner]; ok && f.hasScale(f.Entries[i]) {
				continue
			}
		}
		t, err := f.Tensor(e.Name)
		if err != nil {
			return nil, err
		}
		set[e.Name] = t
	}
	return set, nil
}

// hasScale reports whether the entry is an int8 tensor with scales that fit it.
func (f *File) hasScale(e Entry) bool {
	i, ok := f.index[e.Name+scaleSuffix]
	if !ok || e.DType != I8 || len(e.Shape) == 0 {
		return false
	}
	s := f.Entries[i]
	return s.DType == F32 && len(s.Shape) == 1 && s.Shape[0] == e.Shape[0]
}

// chunks reads a tensor's bytes in parts that hold whole values.
func (f *File) chunks(e Entry, use func(part []byte)) error {
	buffer := make([]byte, min(chunk, e.Length))
	for done := int64(0); done < e.Length; {
		part := buffer[:min(chunk, e.Length-done)]
		if n, err := f.reader.ReadAt(part, e.Offset+done); n < len(part) {
			return fmt.Errorf("read %s: %w", e.Name, err)
		}
		use(part)
		done += int64(len(part))
	}
	return nil
}
