package scanner

import (
	"image"
	"math"
	"testing"

	"lungbox/training/simulate/seed"
)

// slope is a picture whose level is its column.
func slope() *image.Gray {
	p := image.NewGray(image.Rect(0, 0, 256, 64))
	for i := range p.Pix {
		p.Pix[i] = uint8(i % 256)
	}
	return p
}

func TestGrabberOfNothing(t *testing.T) {
	if got := (Grabber{}).Grab(slope(), nil); string(got.Pix) != string(slope().Pix) {
		t.Error("the zero grabber changes the picture")
	}
}

// Odd lines are of the field before, even ones of now.
func TestInterlace(t *testing.T) {
	black := image.NewGray(slope().Rect)
	got := Grabber{Interlaced: true}.Grab(slope(), black)
	for y := range 64 {
		if want := uint8(200 * (1 - y%2)); got.GrayAt(200, y).Y != want {
			t.Fatalf("line %d: level %d, want %d", y, got.GrayAt(200, y).Y, want)
		}
	}
}

// A colour map that rises keeps the order of levels, black and white.
func TestTint(t *testing.T) {
	for i := range 200 {
		g := newGrabber(seed.New(uint64(i)).Draws())
		g.Interlaced, g.Scale = false, 0
		got := g.Grab(slope(), nil)
		if got.GrayAt(0, 0).Y != 0 || got.GrayAt(255, 0).Y != 255 {
			t.Fatalf("%+v: black and white become %d and %d", g, got.GrayAt(0, 0).Y, got.GrayAt(255, 0).Y)
		}
		for x := 1; x < 256; x++ {
			if got.GrayAt(x, 0).Y < got.GrayAt(x-1, 0).Y {
				t.Fatalf("%+v: level %d is darker than %d", g, x, x-1)
			}
		}
	}
	sepia := Grabber{Tint: [3]float64{0.5, 1, 2}}.Grab(slope(), nil)
	want := 255 * (0.299*math.Sqrt(64./255) + 0.587*64/255 + 0.114*64*64/255/255)
	if math.Abs(float64(sepia.GrayAt(64, 0).Y)-want) > 0.51 {
		t.Errorf("level 64 in sepia: %d, want %.1f", sepia.GrayAt(64, 0).Y, want)
	}
}

// What is lost with resolution is fine detail, not level or place.
func TestScale(t *testing.T) {
	got := Grabber{Scale: 0.5}.Grab(slope(), nil)
	if got.Rect != slope().Rect {
		t.Fatalf("size %v", got.Rect)
	}
	for x := 4; x < 252; x++ {
		if d := int(got.GrayAt(x, 30).Y) - x; d < -1 || d > 1 {
			t.Fatalf("column %d: level %d", x, got.GrayAt(x, 30).Y)
		}
	}
	lines := image.NewGray(image.Rect(0, 0, 64, 64))
	for i := range lines.Pix {
		lines.Pix[i] = uint8(255 * (i % 2))
	}
	if got := (Grabber{Scale: 0.5}).Grab(lines, nil); got.GrayAt(31, 31).Y < 100 || got.GrayAt(31, 31).Y > 155 {
		t.Errorf("lines of one pixel at half the resolution: level %d, want grey", got.GrayAt(31, 31).Y)
	}
}
