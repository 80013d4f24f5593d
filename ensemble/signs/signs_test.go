package signs_test

import (
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"lungbox/ensemble/signs"
	"lungbox/training/simulate"
)

// On the phantom, whose lungs are known: most B-lines of lungs with single ones are found
// where they were drawn, healthy lungs show few, and the pleural line lies where it was
// put. The limits are a little below what a thousand pictures gave (lungtrain signs); they
// say that the finder works, not how well.
func TestOnThePhantom(t *testing.T) {
	phantom, err := simulate.New(77, simulate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const patients = 24
	drawn, hit, found, right := 0, 0, 0, 0
	pleura, off := 0, 0.0
	for i := range patients {
		for score := range 2 {
			picture := phantom.Patient(i).Loop(i%12, 0, score).Render(0)
			s := signs.Find(picture.Crop)
			drawn += len(picture.Truth.BLines)
			found += len(s.BLines)
			for _, b := range s.BLines {
				for _, line := range picture.Truth.BLines {
					if math.Abs(b.From.X+b.To.X-float64(line.From.X+line.To.X)/256) < 0.08 {
						hit++
						right++
						break
					}
				}
			}
			if at := middle(s.Pleura); at > 0 && len(picture.Truth.Pleura) > 0 {
				if d := math.Abs(at - middlePoint(picture.Truth.Pleura)); d < 0.05 {
					pleura++
					off += d
				}
			}
		}
	}
	t.Logf("B-lines: %d drawn, %d found, %d of these drawn; pleural line in %d of %d, off by %.3f", drawn, found, right, pleura, 2*patients, off/float64(max(1, pleura)))
	if hit < drawn*55/100 || right < found*60/100 {
		t.Errorf("of %d B-lines %d were found, of %d found %d were drawn", drawn, hit, found, right)
	}
	if pleura < 2*patients*50/100 {
		t.Errorf("the pleural line was found in %d of %d pictures", pleura, 2*patients)
	}
}

func middle(line []signs.Point) float64 {
	if len(line) == 0 {
		return 0
	}
	return line[len(line)/2].Y
}

func middlePoint(line []simulate.Point) float64 { return float64(line[len(line)/2].Y) / 256 }

// Whatever the picture, nothing breaks and every point lies within it.
func TestAnyPicture(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 400 {
		w, h := 1+r.IntN(200), 1+r.IntN(200)
		p := image.NewGray(image.Rect(0, 0, w, h))
		switch n % 4 {
		case 0: // noise
			for i := range p.Pix {
				p.Pix[i] = uint8(r.IntN(256))
			}
		case 1: // a wedge, either way up
			for y := range h {
				for x := range w {
					if dx := x - w/2; (dx < y && -dx < y) == (n%8 == 1) {
						p.Pix[y*p.Stride+x] = uint8(20 + r.IntN(200))
					}
				}
			}
		case 2: // a few dots
			for range 20 {
				p.Pix[r.IntN(len(p.Pix))] = 255
			}
		}
		s := signs.Find(p)
		points := append([]signs.Point{}, s.Pleura...)
		for _, l := range s.ALines {
			points = append(points, l...)
		}
		for _, b := range s.BLines {
			points = append(points, b.From, b.To)
		}
		for _, q := range points {
			if !(q.X > -0.05 && q.X < 1.05 && q.Y > -0.05 && q.Y < 1.05) {
				t.Fatalf("picture %d of %d×%d: a sign at %+v", n, w, h, q)
			}
		}
		if n%4 == 3 && len(points) > 0 {
			t.Errorf("signs in a black picture: %+v", s)
		}
	}
}
