package region

import (
	"image"
	"testing"
)

// A probe that hardly touches: the near field rings and stands almost still, a dark
// gap lies below it, and only what is deeper moves. What stands still altogether at
// the same place is a drawing.
func TestStillNearField(t *testing.T) {
	const gapFrom, gapTo = 0.2, 0.25 // depths
	size, whole := image.Pt(640, 480), sector(320, -60, 120, 460, 0.5)
	part := func(from, to float64) shape {
		return func(x, y float64) (float64, float64, bool) {
			depth, across, in := whole(x, y)
			return depth, across, in && depth >= from && depth < to
		}
	}
	near, deep := dots(size, part(0, gapFrom)), dots(size, part(gapTo, 1))
	var stirred []dot // a fifth of the near field
	for _, d := range near {
		if d.x > 290 && d.x < 350 {
			stirred = append(stirred, d)
		}
	}
	living := newTissue(11)
	film := func(ringing bool) (frames []*image.Gray) {
		for i := range 16 {
			f := black(size.X, size.Y)
			living.paint(f, near, 0)
			if ringing {
				living.paint(f, stirred, i)
			}
			living.paint(f, deep, i)
			frames = append(frames, f)
		}
		return frames
	}
	for _, ringing := range []bool{true, false} {
		r, ok := Detect(film(ringing))
		if !ok {
			t.Fatal("no fan found")
		}
		kept, n := r.bitmap(), 0
		for _, d := range near {
			if kept[d.y*size.X+d.x] {
				n++
			}
		}
		share := float64(n) / float64(len(near))
		if ringing && share < 0.85 || !ringing && share > 0.05 {
			t.Errorf("ringing %v: %.0f%% of the near field is kept", ringing, 100*share)
		}
	}
}
