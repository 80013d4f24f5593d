package simulate_test

import (
	"bytes"
	"image"
	"math"
	"slices"
	"sync"
	"testing"

	"lungbox/training/simulate"
	"lungbox/training/simulate/scanner"
)

func newPhantom(t testing.TB, seed uint64, config simulate.Config) *simulate.Phantom {
	t.Helper()
	phantom, err := simulate.New(seed, config)
	if err != nil {
		t.Fatal(err)
	}
	return phantom
}

func TestNewRefusesWhatCannotBe(t *testing.T) {
	for name, config := range map[string]simulate.Config{
		"look": {Looks: []string{"colour doppler"}}, "small": {Side: 3}, "large": {Side: 1 << 20}, "noise": {ReaderNoise: -1},
	} {
		if _, err := simulate.New(1, config); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A frame is a function of seed, patient, zone, clip, score and number: not of
// what was asked before, nor of who asks at the same time.
func TestFramesDoNotDependOnOrderOrThreads(t *testing.T) {
	type name struct{ patient, zone, score, frame int }
	var names []name
	for patient := range 3 {
		for score := range 4 {
			names = append(names, name{patient, patient + score, score, 0}, name{patient, patient + score, score, 13})
		}
	}
	inOrder := newPhantom(t, 9, simulate.Config{Side: 128})
	want := make([]simulate.Picture, len(names))
	for i, n := range names {
		want[i] = inOrder.Patient(n.patient).Loop(n.zone, 0, n.score).Render(n.frame)
	}
	atOnce := newPhantom(t, 9, simulate.Config{Side: 128})
	patients := []*simulate.Patient{atOnce.Patient(0), atOnce.Patient(1), atOnce.Patient(2)}
	got := make([]simulate.Picture, len(names))
	var wait sync.WaitGroup
	for i := range slices.Backward(names) {
		wait.Go(func() {
			n := names[i]
			loop := patients[n.patient].Loop(n.zone, 0, n.score)
			loop.Render(n.frame + 1)
			got[i] = loop.Render(n.frame)
		})
	}
	wait.Wait()
	for i, n := range names {
		if !bytes.Equal(got[i].Crop.Pix, want[i].Crop.Pix) {
			t.Errorf("%+v: the pixels differ", n)
		}
		if !slices.Equal(got[i].Truth.Pleura, want[i].Truth.Pleura) || got[i].Truth.SlideMm != want[i].Truth.SlideMm {
			t.Errorf("%+v: the truth differs", n)
		}
	}
}

func TestEverythingThatShouldChangesThePicture(t *testing.T) {
	base := func() []byte {
		return newPhantom(t, 1, simulate.Config{Side: 96}).Patient(0).Loop(0, 0, 1).Render(0).Crop.Pix
	}
	if !bytes.Equal(base(), base()) {
		t.Fatal("the same frame differs")
	}
	p := newPhantom(t, 1, simulate.Config{Side: 96})
	for name, loop := range map[string]*simulate.Loop{
		"seed":    newPhantom(t, 2, simulate.Config{Side: 96}).Patient(0).Loop(0, 0, 1),
		"patient": p.Patient(1).Loop(0, 0, 1),
		"zone":    p.Patient(0).Loop(1, 0, 1),
		"clip":    p.Patient(0).Loop(0, 1, 1),
		"score":   p.Patient(0).Loop(0, 0, 2),
	} {
		if bytes.Equal(base(), loop.Render(0).Crop.Pix) {
			t.Errorf("another %s gives the same picture", name)
		}
	}
	if bytes.Equal(base(), p.Patient(0).Loop(0, 0, 1).Render(1).Crop.Pix) {
		t.Error("another frame gives the same picture")
	}
}

// Two frames of a loop are alike, two loops are not.
func TestLoopsHoldTogether(t *testing.T) {
	p := newPhantom(t, 4, simulate.Config{Looks: []string{"convex-cart"}}).Patient(0)
	loop := p.Loop(2, 0, 1)
	first := loop.Render(0).Crop
	near, far := correlation(first, loop.Render(1).Crop), correlation(first, p.Loop(2, 1, 1).Render(0).Crop)
	if near < 0.9 || near > 0.9999 || far > near-0.05 {
		t.Errorf("neighbouring frames correlate by %.4f, two loops by %.4f", near, far)
	}
}

// The deep field of a normal lung is the receiver's noise, new in every frame.
// An interlaced frame's odd lines are another moment than its even ones: they do not fit
// together as the lines of one moment do.
func TestInterlacedLoops(t *testing.T) {
	p := newPhantom(t, 3, simulate.Config{})
	combed := func(interlaced bool) float64 {
		patient := p.Patient(0)
		patient.Scanner.Grabber = scanner.Grabber{Interlaced: interlaced}
		patient.Scanner.Quality = 100
		crop := patient.Loop(1, 0, 2).Render(3).Crop
		sum := 0.0
		for y := 2; y < crop.Rect.Dy()-2; y++ {
			for x := range crop.Rect.Dx() {
				at := func(dy int) float64 { return float64(crop.GrayAt(x, y+dy).Y) }
				sum += math.Abs(at(0)-(at(-1)+at(1))/2) - math.Abs(at(0)-(at(-2)+at(2))/2)
			}
		}
		return sum
	}
	if still, combed := combed(false), combed(true); combed <= still {
		t.Errorf("lines differ by %.0f from their neighbours, without interlace by %.0f", combed, still)
	}
}

func TestNoiseIsNewInEveryFrame(t *testing.T) {
	p := newPhantom(t, 4, simulate.Config{Looks: []string{"linear-handheld"}}).Patient(1)
	p.Scanner.Noise = -20 // more than anything the lung returns
	loop := p.Loop(2, 0, 0)
	bottom := func(frame int) *image.Gray {
		return loop.Render(frame).Crop.SubImage(image.Rect(0, 200, 256, 256)).(*image.Gray)
	}
	if r := correlation(bottom(0), bottom(1)); r > 0.5 {
		t.Errorf("the noise of two frames correlates by %.2f", r)
	}
}

func correlation(a, b *image.Gray) float64 {
	var n, sa, sb, saa, sbb, sab float64
	for i, v := range a.Pix {
		x, y := float64(v), float64(b.Pix[i])
		n, sa, sb, saa, sbb, sab = n+1, sa+x, sb+y, saa+x*x, sbb+y*y, sab+x*y
	}
	return (sab - sa*sb/n) / math.Sqrt((saa-sa*sa/n)*(sbb-sb*sb/n))
}

// shrink is the masked crop of a screen's fan, resized by area averages.
func shrink(s simulate.Screen, side int) *image.Gray {
	dst := image.NewGray(image.Rect(0, 0, side, side))
	sum, weight := make([]float64, side*side), make([]float64, side*side)
	const fine = 8 // points per screen pixel and axis
	for y := range s.Fan.Dy() * fine {
		for x := range s.Fan.Dx() * fine {
			i := y*side/(s.Fan.Dy()*fine)*side + x*side/(s.Fan.Dx()*fine)
			weight[i]++
			for _, span := range s.Spans[y/fine] {
				if at := s.Fan.Min.X + x/fine; at >= span.Left && at < span.Right {
					sum[i] += float64(s.Image.GrayAt(at, s.Fan.Min.Y+y/fine).Y)
				}
			}
		}
	}
	for i := range dst.Pix {
		dst.Pix[i] = uint8(sum[i]/weight[i] + 0.5)
	}
	return dst
}

// A crop must be what cropping, masking and resizing the screen gives.
func TestCropIsTheScreensFan(t *testing.T) {
	for _, look := range scanner.Looks() {
		p := newPhantom(t, 3, simulate.Config{Side: 128, Looks: []string{look.Name}}).Patient(1)
		p.Scanner.Quality = 100 // the screen has not been through JPEG
		loop := p.Loop(1, 0, 1)
		screen, err := loop.RenderScreen(2)
		if err != nil {
			t.Fatal(err)
		}
		want, got := shrink(screen, 128), loop.Render(2).Crop
		if r := correlation(want, got); r < 0.97 {
			t.Errorf("%s: crop and screen correlate by %.3f, want 0.97", look.Name, r)
		}
	}
}

// Only the fan differs between two frames' screens: all text lies outside it.
func TestScreensChangeInsideTheFanOnly(t *testing.T) {
	for i := range 6 {
		loop := newPhantom(t, 3, simulate.Config{}).Patient(i).Loop(1, 0, i%4)
		a, errA := loop.RenderScreen(0)
		b, errB := loop.RenderScreen(40)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		text, changed := 0, 0
		for y := range a.Image.Rect.Dy() {
			for x := range a.Image.Rect.Dx() {
				inside := false
				if y >= a.Fan.Min.Y && y < a.Fan.Max.Y {
					for _, s := range a.Spans[y-a.Fan.Min.Y] {
						inside = inside || x >= s.Left && x < s.Right
					}
				}
				switch u, v := a.Image.GrayAt(x, y).Y, b.Image.GrayAt(x, y).Y; {
				case u != v && !inside:
					t.Fatalf("patient %d: pixel %d, %d outside the fan changed", i, x, y)
				case u != v:
					changed++
				case !inside && u > 70:
					text++
				}
			}
		}
		if text < 150 || changed < 1000 {
			t.Errorf("patient %d: %d pixels of text, %d changed in the fan", i, text, changed)
		}
	}
}

// Where the truth says pleura, the crop is brighter than a little above and below.
func TestTruthLiesOnThePicture(t *testing.T) {
	brighter, n := 0, 0
	for i := range 30 {
		picture := newPhantom(t, 5, simulate.Config{}).Patient(i).Loop(i%12, 0, 0).Render(3)
		at := func(p simulate.Point, dy int) float64 {
			best := 0.0 // the line is a few pixels thick
			for off := -1; off <= 1; off++ {
				best = max(best, float64(picture.Crop.GrayAt(int(p.X), int(p.Y)+dy+off).Y))
			}
			return best
		}
		for _, p := range picture.Truth.Pleura {
			if n++; at(p, 0) > max(at(p, -9), at(p, 9)) {
				brighter++
			}
		}
	}
	if n < 400 || float64(brighter) < 0.8*float64(n) {
		t.Errorf("%d of %d points on the pleura are brighter than 9 pixels above and below, want 80 %%", brighter, n)
	}
}

func TestTruthStaysInTheCrop(t *testing.T) {
	const side = 200
	for i := range 24 {
		truth := newPhantom(t, 6, simulate.Config{Side: side}).Patient(i).Loop(i%12, 0, i%4).Render(5).Truth
		points := slices.Clone(truth.Pleura)
		for _, line := range truth.ALines {
			points = append(points, line...)
		}
		for _, b := range truth.BLines {
			points = append(points, b.From, b.To)
			if b.To.Y <= b.From.Y {
				t.Errorf("patient %d: a B-line goes up: %+v", i, b)
			}
		}
		for _, box := range append(truth.Consolidations, truth.Effusions...) {
			points = append(points, box.Min, box.Max)
			if box.Min.X >= box.Max.X || box.Min.Y > box.Max.Y {
				t.Errorf("patient %d: empty box %+v", i, box)
			}
		}
		for _, p := range points {
			if p.X < 0 || p.Y < 0 || p.X > side || p.Y > side {
				t.Errorf("patient %d: %+v is outside the crop", i, p)
			}
		}
		if truth.Score != i%4 || len(truth.Pleura) == 0 || truth.PleuralDepthMm < 8 {
			t.Errorf("patient %d: score %d, %d points of pleura, %.0f mm deep", i, truth.Score, len(truth.Pleura), truth.PleuralDepthMm)
		}
	}
}
