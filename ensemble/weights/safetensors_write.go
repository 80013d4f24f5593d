package weights

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// Write writes the set as a safetensors file. The same set gives the same bytes:
// wider types come first, so that every value is aligned, and names are sorted
// within a type.
//
// The type is F32, F16, BF16 or I8 and holds for kernels and matrices; tensors of
// one dimension (biases, normalisation) stay F32 always, because they are a small
// part of the file and variances go below what a half can hold. An I8 tensor is
// quantised per output channel, its scales follow as "NAME.scale". A finite value
// too large for the type is refused. After an error w may hold a part of the file.
func Write(w io.Writer, set Set, dtype DType, metadata map[string]string) error {
	if dtype != I8 && encoderOf(dtype) == nil {
		return fmt.Errorf("cannot write weights as %q: want %s, %s, %s or %s", dtype, F32, F16, BF16, I8)
	}
	blocks, err := layOut(set, dtype)
	if err != nil {
		return err
	}
	header, err := headerOf(blocks, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	buffer := make([]byte, chunk)
	for _, b := range blocks {
		if b.DType == I8 {
			err = b.writeInt8(w, buffer)
		} else {
			err = b.writeFloats(w, buffer)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", b.Name, err)
		}
	}
	return nil
}

func (b block) writeFloats(w io.Writer, buffer []byte) error {
	encode, limit := encoderOf(b.DType), largest(b.DType)
	for part := range slices.Chunk(b.values, len(buffer)/b.DType.Size()) {
		for _, v := range part {
			if magnitude := abs(v); magnitude > limit && magnitude <= math.MaxFloat32 {
				return fmt.Errorf("%v is more than %s can hold: write it as %s", v, b.DType, F32)
			}
		}
		bytes := buffer[:len(part)*b.DType.Size()]
		encode(bytes, part)
		if _, err := w.Write(bytes); err != nil {
			return err
		}
	}
	return nil
}

func (b block) writeInt8(w io.Writer, buffer []byte) error {
	signed := make([]int8, len(buffer))
	for o, scale := range b.scale {
		perOut := len(b.values) / len(b.scale)
		for part := range slices.Chunk(b.values[o*perOut:][:perOut], len(buffer)) {
			quantiseChannel(signed, part, scale)
			for i, q := range signed[:len(part)] {
				buffer[i] = byte(q)
			}
			if _, err := w.Write(buffer[:len(part)]); err != nil {
				return err
			}
		}
	}
	return nil
}

// SaveFile writes the set like Write, through a temporary file in the same folder:
// after a crash at any moment the path holds the old file or the whole new one.
func SaveFile(path string, set Set, dtype DType, metadata map[string]string) (err error) {
	folder := filepath.Dir(path)
	temporary, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			temporary.Close()
			os.Remove(temporary.Name())
			err = fmt.Errorf("save %s: %w", path, err)
		}
	}()
	buffered := bufio.NewWriterSize(temporary, chunk)
	if err := Write(buffered, set, dtype, metadata); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if err := temporary.Chmod(0o644); err != nil {
		return err
	}
	if err := temporary.Sync(); err != nil {
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes a rename in the folder durable.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
