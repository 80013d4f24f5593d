package robust

import (
	"bytes"
	"image"
	"testing"
)

// Every change changes the picture, leaves the old one as it is and its black corners
// black, and shows about the same.
func TestChanges(t *testing.T) {
	p := image.NewGray(image.Rect(0, 0, 120, 100))
	for y := range 100 {
		for x := range 120 {
			if dx := x - 60; dx*dx+y*y < 90*90 && dx < y && -dx < y {
				p.Pix[y*p.Stride+x] = uint8(60 + x + (x*7+y*13)%40)
			}
		}
	}
	before := bytes.Clone(p.Pix)
	for _, c := range Changes() {
		got := c.Apply(p)
		if !bytes.Equal(p.Pix, before) {
			t.Fatalf("%s changes the picture that it was given", c.Name)
		}
		if got.Rect == p.Rect && bytes.Equal(got.Pix, before) {
			t.Errorf("%s changes nothing", c.Name)
		}
		if got.Pix[0] != 0 || got.Pix[len(got.Pix)-1] != 0 {
			t.Errorf("%s lights the corners: %d, %d", c.Name, got.Pix[0], got.Pix[len(got.Pix)-1])
		}
		if was, is := mean(p), mean(got); is < 0.7*was || is > 1.4*was {
			t.Errorf("%s: mean level %v, was %v", c.Name, is, was)
		}
	}
	if v := gain(p, 6).Pix[50*p.Stride+60]; v < before[50*p.Stride+60]+24 {
		t.Errorf("6 dB more make %d of %d", v, before[50*p.Stride+60])
	}
}

func mean(p *image.Gray) float64 {
	sum := 0.0
	for _, v := range p.Pix {
		sum += float64(v)
	}
	return sum / float64(len(p.Pix))
}
