package grey

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

// paint makes a noisy picture whose colour is a function of place and brightness.
func paint(f func(x, y int, level float64) color.RGBA) *image.RGBA {
	random := rand.New(rand.NewPCG(1, 2))
	p := image.NewRGBA(image.Rect(0, 0, 120, 90))
	for y := range 90 {
		for x := range 120 {
			p.SetRGBA(x, y, f(x, y, random.Float64()))
		}
	}
	return p
}

func rgb(r, g, b float64) color.RGBA {
	return color.RGBA{uint8(255 * min(1, r)), uint8(255 * min(1, g)), uint8(255 * min(1, b)), 255}
}

func TestColour(t *testing.T) {
	tests := []struct {
		name     string
		picture  image.Image
		from, to float64
	}{
		{"grey", paint(func(_, _ int, l float64) color.RGBA { return rgb(l, l, l) }), 0, 0},
		{"blue tint", paint(func(_, _ int, l float64) color.RGBA { return rgb(0.9*l, l, 1.15*l) }), 0, 0.01},
		{"sepia tint", paint(func(_, _ int, l float64) color.RGBA { return rgb(1.2*l, 0.95*l, 0.6*l) }), 0, 0.01},
		{"grey with a coloured logo", paint(func(x, y int, l float64) color.RGBA {
			if x < 20 && y < 20 {
				return rgb(0, 0.3, 1)
			}
			return rgb(l, l, l)
		}), 0.03, 0.05},
		{"many colours", paint(func(x, y int, l float64) color.RGBA {
			return rgb(float64(x)/120, float64(y)/90, l)
		}), 0.6, 1},
		{"one strong colour", paint(func(_, _ int, l float64) color.RGBA { return rgb(0, 0.1*l, 1) }), 0.99, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, got := FromImage(test.picture)
			if got < test.from || got > test.to {
				t.Errorf("coloured share %.3f, want %.2f to %.2f", got, test.from, test.to)
			}
		})
	}
}

// All kinds of picture with the same content must give the same grey picture.
func TestFromImageKinds(t *testing.T) {
	bounds := image.Rect(3, 5, 35, 26) // does not start at zero, odd height
	plain := image.NewGray(bounds)
	deep := image.NewGray16(bounds)
	rgba := image.NewNRGBA(bounds)
	ycbcr := image.NewYCbCr(bounds, image.YCbCrSubsampleRatio420)
	for i := range ycbcr.Cb {
		ycbcr.Cb[i], ycbcr.Cr[i] = 128, 128
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			v := uint8(x*7 + y*11)
			plain.SetGray(x, y, color.Gray{Y: v})
			deep.SetGray16(x, y, color.Gray16{Y: uint16(v)<<8 | 0x7f})
			rgba.SetNRGBA(x, y, color.NRGBA{v, v, v, 255})
			ycbcr.Y[ycbcr.YOffset(x, y)] = v
		}
	}
	for _, picture := range []image.Image{plain, deep, rgba, ycbcr} {
		got, colour := FromImage(picture)
		if got.Rect != image.Rect(0, 0, 32, 21) || colour != 0 {
			t.Fatalf("%T: bounds %v, colour %v", picture, got.Rect, colour)
		}
		for y := range 21 {
			for x := range 32 {
				if want := plain.GrayAt(x+3, y+5).Y; got.GrayAt(x, y).Y != want {
					t.Fatalf("%T: pixel (%d,%d) is %d, want %d", picture, x, y, got.GrayAt(x, y).Y, want)
				}
			}
		}
	}
}

func BenchmarkColour1280x960(b *testing.B) {
	p := Planes{image.NewGray(image.Rect(0, 0, 1280, 960)), make([]byte, 640*480), make([]byte, 640*480), 640, 640, 480}
	for b.Loop() {
		Colour(p)
	}
}
