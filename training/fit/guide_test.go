package fit

import (
	"image"
	"testing"

	"lungbox/ensemble/arch"
	"lungbox/training/dataset"
)

// Signs go where the augmentation puts the picture: mirrored, moved, out of view, and nowhere
// when another fan may hide them.
func TestGuidanceFollowsTheView(t *testing.T) {
	p := dataset.Picture{Score: 2, Image: image.NewGray(image.Rect(0, 0, 100, 100)), Signs: image.NewGray(image.Rect(0, 0, 20, 20))}
	for y := range 10 { // the upper left quarter
		for x := range 10 {
			p.Signs.Pix[y*p.Signs.Stride+x] = 255
		}
	}
	net := arch.MustNew(arch.Config{Arch: "googlenet", Width: 1.0 / 8, Input: 64, Classes: arch.Scores})
	r := &run{net: net}
	for name, c := range map[string]struct {
		view
		want [4]float32
	}{
		"as it is":    {view{window: image.Rect(0, 0, 100, 100)}, [4]float32{1, 0, 0, 0}},
		"mirrored":    {view{window: image.Rect(0, 0, 100, 100), flip: true}, [4]float32{0, 1, 0, 0}},
		"moved":       {view{window: image.Rect(-50, -50, 50, 50)}, [4]float32{0, 0, 0, 1}},
		"near":        {view{window: image.Rect(0, 0, 50, 50)}, [4]float32{0.25, 0.25, 0.25, 0.25}},
		"out of view": {view{window: image.Rect(50, 50, 150, 150)}, [4]float32{}},
		"another fan": {view{window: image.Rect(0, 0, 100, 100), fan: true}, [4]float32{}},
	} {
		var signs, own [4]float32
		r.guidance(signs[:], own[:], p, c.view)
		if signs != c.want {
			t.Errorf("%s: %v, want %v", name, signs, c.want)
		}
		if known := c.want != [4]float32{}; known != (own[2] == 1) || own[2] == 1 && own[0] >= 0 {
			t.Errorf("%s: evidence adds up as %v", name, own)
		}
	}
}
