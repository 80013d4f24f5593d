package weights

import (
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
)

// Throughputs are of float32 values, 4 bytes each, whatever the type in the file.

func benchSet() (Set, int64) {
	random := rand.New(rand.NewPCG(3, 4))
	t := Tensor{Shape: []int{4096, 4096}, Data: make([]float32, 4096*4096)} // VGG-19's second linear layer
	for i := range t.Data {
		t.Data[i] = float32(random.NormFloat64()) / 100
	}
	return Set{"classifier.3.weight": t}, int64(4 * len(t.Data))
}

func BenchmarkWrite(b *testing.B) {
	set, size := benchSet()
	for _, dtype := range []DType{F32, F16, BF16, I8} {
		b.Run(string(dtype), func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if err := Write(io.Discard, set, dtype, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoadFile(b *testing.B) {
	set, size := benchSet()
	for _, dtype := range []DType{F32, F16, BF16, I8} {
		b.Run(string(dtype), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "w.safetensors")
			if err := SaveFile(path, set, dtype, nil); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(size)
			for b.Loop() {
				if _, _, err := LoadFile(path); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
