package region

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"lungbox/capture/clip/grey"
)

// words are written wherever there is room.
var words = []string{"MUELLER", "12:44", "RUL", "Lung 3", "B-lines?", "###"}

// scatter writes words of any size and brightness anywhere outside the fan.
func (s *screen) scatter(t *testing.T, random *rand.Rand, n int) {
	t.Helper()
	size := s.fan.Rect.Size()
	for range n {
		record := black(size.X, size.Y)
		letters := face(t, random.IntN(2) == 0, (9+25*random.Float64())*float64(size.Y)/600)
		pen{record, record}.text(letters, random.IntN(size.X-80), 20+random.IntN(size.Y-30), 255, words[random.IntN(len(words))])
		if s.touches(record, 5) {
			continue
		}
		level := 90 + random.IntN(166)
		for i, v := range record.Pix {
			s.drawn.Pix[i] = max(s.drawn.Pix[i], v)
			for _, f := range s.frames {
				f.Pix[i] = uint8((int(f.Pix[i])*(255-int(v)) + level*int(v)) / 255)
			}
		}
	}
}

// touches reports whether something written comes within a distance of the fan.
func (s *screen) touches(record *image.Gray, distance int) bool {
	for i, v := range record.Pix {
		if v == 0 {
			continue
		}
		for dy := -distance; dy <= distance; dy++ {
			for dx := -distance; dx <= distance; dx++ {
				if s.fan.GrayAt(i%record.Stride+dx, i/record.Stride+dy).Y > 0 {
					return true
				}
			}
		}
	}
	return false
}

// compress sends every frame through JPEG, as grabbers and exports do.
func (s *screen) compress(t *testing.T, quality int) {
	t.Helper()
	for i, f := range s.frames {
		var file bytes.Buffer
		if err := jpeg.Encode(&file, f, &jpeg.Options{Quality: quality}); err != nil {
			t.Fatal(err)
		}
		back, err := jpeg.Decode(&file)
		if err != nil {
			t.Fatal(err)
		}
		s.frames[i], _ = grey.FromImage(back)
	}
}

// anyShape is a fan of random kind, place and size.
func anyShape(random *rand.Rand, w, h float64) shape {
	between := func(a, b float64) float64 { return a + (b-a)*random.Float64() }
	if random.IntN(2) == 0 {
		near := between(0.01, 0.3) * h
		return sector(between(0.4, 0.6)*w, between(0.12, 0.17)*h-0.7*near, near, 0.7*near+between(0.45, 0.65)*h, between(0.35, 0.8))
	}
	left, top := between(0.25, 0.4)*w, between(0.12, 0.2)*h
	place := image.Rect(int(left), int(top), int(left+between(0.2, 0.35)*w), int(between(0.6, 0.84)*h))
	return trapezoid(place, max(0, between(-0.2, 0.25)))
}

// TestRandomScreens tries screens of all kinds: sizes, fans, backdrops, words
// everywhere, stills and films, compressed or not. A sliver of a stroke that touches
// the fan may stay; a letter that can be read has more pixels.
func TestRandomScreens(t *testing.T) {
	const most = 60 // pixels of what is drawn
	sizes := []image.Point{{640, 480}, {720, 576}, {800, 600}, {1024, 768}, {1280, 720}, {1280, 960}}
	for seed := range uint64(24) {
		random := rand.New(rand.NewPCG(seed, 5))
		size := sizes[random.IntN(len(sizes))]
		frames, backdrop := []int{1, 1, 12}[random.IntN(3)], []uint8{0, 0, 3, 18, 45}[random.IntN(5)]
		t.Run(fmt.Sprintf("%d: %d×%d, %d frames on grey %d", seed, size.X, size.Y, frames, backdrop), func(t *testing.T) {
			s := newScreen(t, size, anyShape(random, float64(size.X), float64(size.Y)), frames, backdrop)
			s.scatter(t, random, 10)
			if random.IntN(2) == 0 {
				s.compress(t, 50+random.IntN(45))
			}
			r, ok := Detect(s.frames)
			if !ok {
				t.Fatal("no fan found")
			}
			kept, leaked, where := s.check(r)
			if kept < 0.95 || leaked > most {
				t.Errorf("%.1f%% of the fan kept, %d drawn pixels left at %v", 100*kept, leaked, where)
			}
		})
	}
}
