package arch_test

import (
	"image"
	"image/draw"
	"math"
	"slices"
	"testing"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/ensembletest"
)

// A grey level is 1/(255·0.226) = 0.017 in the input's units; the resize may be off
// by a tenth of that (15-bit weights), which no net can tell.
const tolerance = 0.1 / (255 * arch.Deviation)

func TestPreprocessFollowsPyTorch(t *testing.T) {
	for _, c := range ensembletest.Reference(t) {
		got := make([]float32, c.Side*c.Side)
		arch.Preprocess(got, ensembletest.Picture(c.Width, c.Height), c.Side)
		for _, sample := range c.Samples {
			if d := math.Abs(float64(got[int(sample[0])]) - sample[1]); d > tolerance {
				t.Errorf("%d×%d to %d: value %v is %v, PyTorch gave %v", c.Width, c.Height, c.Side, sample[0], got[int(sample[0])], sample[1])
			}
		}
	}
}

func TestPreprocessKeepsUniformPictures(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {3, 500}, {17, 9}, {224, 224}, {1280, 960}} {
		for _, grey := range []byte{0, 1, 128, 255} {
			src := image.NewGray(image.Rectangle{Max: size})
			for i := range src.Pix {
				src.Pix[i] = grey
			}
			got := make([]float32, 224*224)
			arch.Preprocess(got, src, 224)
			want := (float64(grey)/255 - arch.Mean) / arch.Deviation
			for i, v := range got {
				if math.Abs(float64(v)-want) > 1e-5 {
					t.Fatalf("%v of grey %d: value %d is %v, want %v", size, grey, i, v, want)
				}
			}
		}
	}
}

// A window into a larger picture must not see its neighbours, whatever its width
// and place: the fast path reads eight pixels at a time.
func TestPreprocessStaysInsideTheCrop(t *testing.T) {
	for width := 30; width < 47; width++ {
		alone := ensembletest.Picture(width, 40)
		canvas := image.NewGray(image.Rect(0, 0, 100, 100))
		for i := range canvas.Pix {
			canvas.Pix[i] = 255
		}
		window := canvas.SubImage(image.Rect(5, 7, 5+width, 47)).(*image.Gray)
		draw.Draw(window, window.Rect, alone, image.Point{}, draw.Src)
		for _, side := range []int{20, 64} {
			got, want := make([]float32, side*side), make([]float32, side*side)
			arch.Preprocess(got, window, side)
			arch.Preprocess(want, alone, side)
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("width %d to %d: value %d is %v in a window, %v alone", width, side, i, got[i], want[i])
				}
			}
		}
	}
}

// The picture's own tone takes gain, brightness and contrast of the whole away, leaves what
// is black at zero, and does not blow up what has no contrast.
func TestOwnTone(t *testing.T) {
	net := arch.Config{Input: 32, Tone: arch.Own}
	picture := func(gain, shift float64) *image.Gray {
		p := image.NewGray(image.Rect(0, 0, 32, 32))
		for y := 8; y < 32; y++ {
			for x := range 32 {
				p.Pix[y*32+x] = uint8(math.Round(gain*float64(40+(x*5+y*11)%80) + shift))
			}
		}
		return p
	}
	a, b, fixed := make([]float32, 32*32), make([]float32, 32*32), make([]float32, 32*32)
	net.Preprocess(a, picture(1, 0))
	net.Preprocess(b, picture(1.7, 20))
	arch.Preprocess(fixed, picture(1.7, 20), 32)
	mean, off := 0.0, 0.0
	for i := range a {
		if i < 8*32 && a[i] != 0 {
			t.Fatalf("what is black has the value %v", a[i])
		}
		mean += float64(a[i]) / (24 * 32)
		off = max(off, math.Abs(float64(a[i]-b[i])))
	}
	if math.Abs(mean) > 1e-4 || off > 0.5 {
		t.Errorf("mean %v; another gain changes a value by %v", mean, off)
	}
	if slices.Equal(b, fixed) {
		t.Error("the tone changes nothing")
	}
	even := image.NewGray(image.Rect(0, 0, 32, 32))
	for i := range even.Pix {
		even.Pix[i] = uint8(99 + i%3)
	}
	net.Preprocess(a, even)
	for _, v := range a {
		if v > 1 || v < -1 || math.IsNaN(float64(v)) {
			t.Fatalf("an all but even picture gives %v", v)
		}
	}
	net.Preprocess(a, image.NewGray(image.Rect(0, 0, 5, 5)))
	for _, v := range a {
		if v != 0 {
			t.Fatalf("a black picture gives %v", v)
		}
	}
}
