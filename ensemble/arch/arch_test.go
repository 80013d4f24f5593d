package arch

import (
	"image"
	"math/rand/v2"
	"testing"
)

// The counts that DESIGN and the literature quote, with four outputs.
func TestParameterCounts(t *testing.T) {
	for name, want := range map[string]int{ResNet50: 23_516_228, VGG19: 139_586_628, GoogLeNet: 5_604_004} {
		if got := MustNew(Full(name)).LearntParams(); got != want {
			t.Errorf("%s has %d parameters, want %d", name, got, want)
		}
	}
}

func BenchmarkPreprocess1280x960(b *testing.B) {
	src := image.NewGray(image.Rect(0, 0, 1280, 960))
	r := rand.New(rand.NewPCG(1, 1))
	for i := range src.Pix {
		src.Pix[i] = byte(r.Uint32())
	}
	dst := make([]float32, 224*224)
	for b.Loop() {
		Preprocess(dst, src, 224)
	}
}
