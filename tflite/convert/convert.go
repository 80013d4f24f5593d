// Package convert writes TensorFlow Lite model files from a net and its weights:
// what the box does when it installs a release, instead of shipping a file per
// engine.
//
// A file starts with the model's FlatBuffer; the constants follow behind it and
// are found by their offsets. So a net of any size is converted with one layer in
// memory, and LiteRT maps the weights instead of copying them.
//
// The model takes one 1×size×size×1 float32 picture as arch.Preprocess makes it
// and gives 1×classes float32 logits and, where the net averages its last feature map
// over all places, that map (1×height×width×channels), of which class activation maps
// and distances from the training are made.
package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"

	"lungbox/ensemble/weights"
)

// Version rises when the same net and weights would give another file, so that
// kept files are made anew.
const Version = 2

// Precision is how kernels and matrices are stored; biases are always float32,
// and so are the values that flow.
type Precision string

// Precisions. With Int8 every output channel has a scale of its own and the
// engine quantises each layer's input as it comes (dynamic range).
const (
	Float32 Precision = "float32"
	Float16 Precision = "float16"
	Int8    Precision = "int8"
)

// ParsePrecision reads a precision as a person writes it.
func ParsePrecision(name string) (Precision, error) {
	switch p := Precision(name); p {
	case Float32, Float16, Int8:
		return p, nil
	}
	return "", fmt.Errorf("unknown precision %q: want %s, %s or %s", name, Float32, Float16, Int8)
}

func (p Precision) kind() tensorType {
	return map[Precision]tensorType{Float32: typeFloat32, Float16: typeFloat16, Int8: typeInt8}[p]
}

// alignment of constants in the file: a cache line, more than any engine asks for.
const alignment = 64

// WriteFile converts a net. The file appears under its name only when it is
// whole and on disk; an existing one is replaced.
func WriteFile(path string, f *weights.Folded, p Precision) (err error) {
	l, err := lower(f, p)
	if err != nil {
		return err
	}
	l.place()
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("convert %s: %w", f.Net.Arch, err)
	}
	defer func() {
		file.Close()
		if err != nil {
			os.Remove(file.Name())
			err = fmt.Errorf("convert %s: %w", f.Net.Arch, err)
		}
	}()
	if err := l.writeConstants(file); err != nil {
		return err
	}
	// The scales are known now; the FlatBuffer's length has not changed.
	if _, err := file.WriteAt(l.graph.encode(), 0); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// place gives every constant its offset behind the FlatBuffer.
func (l *lowering) place() {
	for _, c := range l.constants {
		t := &l.graph.tensors[c.tensor]
		t.offset = 1 // any value but zero takes the same room
		if t.kind == typeInt8 {
			t.scales = make([]float32, t.shape[0])
		}
	}
	at := int64(len(l.graph.encode()))
	for _, c := range l.constants {
		t := &l.graph.tensors[c.tensor]
		at = (at + alignment - 1) / alignment * alignment
		t.offset = at
		at += t.bytes()
	}
}

// writeConstants writes all constants, two layers at a time.
func (l *lowering) writeConstants(file *os.File) error {
	byLayer := map[int][]constant{}
	var layers []int
	for _, c := range l.constants {
		if _, ok := byLayer[c.layer]; !ok {
			layers = append(layers, c.layer)
		}
		byLayer[c.layer] = append(byLayer[c.layer], c)
	}
	const atOnce = 2
	var (
		wait  sync.WaitGroup
		next  = make(chan int)
		fault = make(chan error, atOnce)
	)
	for range atOnce {
		wait.Go(func() {
			for layer := range next {
				if err := l.writeLayer(file, layer, byLayer[layer]); err != nil {
					fault <- err
					for range next { // let the sender finish
					}
					return
				}
			}
		})
	}
	for _, layer := range layers {
		next <- layer
	}
	close(next)
	wait.Wait()
	select {
	case err := <-fault:
		return err
	default:
		return nil
	}
}

func (l *lowering) writeLayer(file *os.File, layer int, constants []constant) error {
	var kernel, bias []float32
	if layer >= 0 {
		var err error
		if kernel, bias, err = l.folded.Weights(layer); err != nil {
			return err
		}
	}
	for _, c := range constants {
		t := &l.graph.tensors[c.tensor]
		var text []byte
		switch {
		case c.ints != nil:
			for _, v := range c.ints {
				text = binary.LittleEndian.AppendUint32(text, uint32(v))
			}
		case c.bias:
			text = float32Bytes(bias)
		case t.kind == typeInt8:
			text = quantise(kernel, t.scales)
		case t.kind == typeFloat16:
			text = float16Bytes(kernel)
		default:
			text = float32Bytes(kernel)
		}
		if _, err := file.WriteAt(text, t.offset); err != nil {
			return err
		}
	}
	return nil
}

func float32Bytes(values []float32) []byte {
	text := make([]byte, 4*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint32(text[4*i:], math.Float32bits(v))
	}
	return text
}

func float16Bytes(values []float32) []byte {
	text := make([]byte, 2*len(values))
	for i, v := range values {
		binary.LittleEndian.PutUint16(text[2*i:], weights.Half(v))
	}
	return text
}
