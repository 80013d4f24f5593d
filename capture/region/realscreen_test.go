package region

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"testing"
)

// onScreen puts the fan of real frames on a screen, with everything round it. What
// counts as fan is what is lit in the masked frames.
func onScreen(t *testing.T, pictures []*image.Gray, size image.Point) *screen {
	t.Helper()
	r, ok := Detect(pictures)
	if !ok {
		t.Fatal("no fan found in the clip itself")
	}
	bounds := image.Rectangle{Max: size}
	s := &screen{drawn: image.NewGray(bounds), fan: image.NewGray(bounds)}
	scale := min(0.62*float64(size.Y)/float64(r.Bounds.Dy()), 0.5*float64(size.X)/float64(r.Bounds.Dx()))
	w, h := int(scale*float64(r.Bounds.Dx())), int(scale*float64(r.Bounds.Dy()))
	place := image.Rect(0, 0, w, h).Add(image.Pt((size.X-w)/2, size.Y*15/100))
	brightest := image.NewGray(bounds)
	for i, p := range pictures {
		crop, f := r.Apply(p), image.NewGray(bounds)
		furnish(t, pen{f, s.drawn}, place, i)
		for y := range h {
			from := crop.Pix[int(float64(y)/scale)*crop.Stride:]
			row := f.PixOffset(place.Min.X, place.Min.Y+y)
			for x := range w {
				if v := from[int(float64(x)/scale)]; v > 0 {
					f.Pix[row+x] = v
					brightest.Pix[row+x] = max(v, brightest.Pix[row+x])
				}
			}
		}
		s.frames = append(s.frames, f)
	}
	const lit = 16
	for i, v := range brightest.Pix {
		if v >= lit {
			s.fan.Pix[i] = 255
		}
		if v > 0 { // the fan lies on top
			s.drawn.Pix[i] = 0
		}
	}
	return s
}

// TestRealFansOnScreens does with real tissue what TestScreens does with a model. It
// takes all clips of LUNGBOX_CLIPS when that is set, the committed ones otherwise.
func TestRealFansOnScreens(t *testing.T) {
	folder := os.Getenv("LUNGBOX_CLIPS")
	if folder == "" {
		folder = demo
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.mp4"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s holds no mp4 file", folder)
	}
	var pages sheet
	for i, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			s := onScreen(t, frames(t, path, 16), image.Pt(1024, 768))
			r, ok := Detect(s.frames)
			if !ok {
				t.Fatal("no fan found on the screen")
			}
			kept, leaked, where := s.check(r)
			t.Logf("%.1f%% of the lit fan kept, %d drawn pixels left", 100*kept, leaked)
			least := 0.95
			if filepath.Base(path) == "reg_avi_image004.mp4" {
				// The probe hardly touches: the fan's left side is in the dark, and the end of
				// the near field sticks out of what is lit just as a word would.
				least = 0.9
			}
			if kept < least || leaked > 0 {
				t.Errorf("%.1f%% of the lit fan kept, %d drawn pixels left at %v; want %.0f%%, and none", 100*kept, leaked, where, 100*least)
			}
			pages.add(s.frames[len(s.frames)-1], r)
		})
		if pages.n == 20 || i == len(paths)-1 {
			pages.write(t, fmt.Sprintf("real-screens-%d.png", i/20))
			pages = sheet{}
		}
	}
}
