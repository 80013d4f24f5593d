package fit

import (
	"image"
	"math/rand/v2"
	"reflect"
	"testing"

	"lungbox/ensemble/arch"
)

// Augmentation never turns a picture upside down, keeps the mask black, and with
// everything off is the plain preprocessing.
func TestAugmentation(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 64, 64))
	for y := range 20 { // bright on top, black below
		for x := range 64 {
			img.Pix[y*img.Stride+x] = 200
		}
	}
	plain, got := make([]float32, 32*32), make([]float32, 32*32)
	arch.Preprocess(plain, img, 32)
	net := arch.Config{Input: 32}
	Augmentation{}.apply(got, img, net, nil, rand.New(rand.NewPCG(1, 1)))
	if !reflect.DeepEqual(got, plain) {
		t.Error("no augmentation changes the picture")
	}
	same := func(*rand.Rand) *image.Gray { return img }
	changed := 0
	for seed := range uint64(50) {
		Standard().apply(got, img, net, same, rand.New(rand.NewPCG(seed, 1)))
		if !reflect.DeepEqual(got, plain) {
			changed++
		}
		top, bottom := 0.0, 0.0
		for x := range 32 {
			top += float64(brightness(got[4*32+x]))
			bottom += float64(brightness(got[28*32+x]))
		}
		if bottom > 1 || top < bottom {
			t.Errorf("seed %d: brightness %v on top, %v below, where the mask is", seed, top, bottom)
		}
	}
	if changed < 50 {
		t.Errorf("%d of 50 pictures changed", changed)
	}
}
