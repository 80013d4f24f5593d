package scanner

import (
	"image"
	"math"
	"testing"

	"lungbox/training/simulate/seed"
)

// fans of every kind, whole and cut.
func fans() map[string]Fan {
	return map[string]Fan{
		"convex":      {Array: Convex, Radius: 60, Half: 0.55, Depth: 140, Beams: 128, Samples: 448},
		"convex, cut": {Array: Convex, Radius: 60, Half: 0.55, Depth: 140, Beams: 128, Samples: 448, Cut: Cut{Left: 0.2, Right: 0.1, Bottom: 0.12}},
		"cut below":   {Array: Convex, Radius: 50, Half: 0.6, Depth: 100, Beams: 128, Samples: 448, Cut: Cut{Bottom: 0.35}},
		"cut to core": {Array: Convex, Radius: 50, Half: 0.6, Depth: 100, Beams: 128, Samples: 448, Cut: Cut{Left: 0.35, Right: 0.35}},
		"off centre":  {Array: Convex, Radius: 50, Half: 0.6, Depth: 100, Beams: 128, Samples: 448, Cut: Cut{Left: 0.3, Right: 0.42}},
		"microconvex": {Array: Convex, Radius: 14, Half: 0.8, Depth: 100, Beams: 144, Samples: 448},
		"phased":      {Array: Phased, Radius: 3, Half: 0.75, Depth: 150, Beams: 128, Samples: 448},
		"linear":      {Array: Linear, Width: 45, Depth: 60, Beams: 160, Samples: 448},
		"linear, cut": {Array: Linear, Width: 45, Depth: 60, Beams: 160, Samples: 448, Cut: Cut{Left: 0.1, Bottom: 0.2}},
	}
}

func TestLocateInvertsPoint(t *testing.T) {
	for name, fan := range fans() {
		for beam := 0.0; beam < float64(fan.Beams); beam += 7.3 {
			for depth := 0.5; depth < fan.Depth; depth += 11.7 {
				x, z := fan.Point(beam, depth)
				b, d, inside := fan.Locate(x, z)
				if math.Abs(b-beam) > 1e-9 || math.Abs(d-depth) > 1e-9 || !inside {
					t.Fatalf("%s: beam %g depth %g came back as %g, %g, inside %v", name, beam, depth, b, d, inside)
				}
			}
		}
	}
}

func TestPitchIsTheDistanceOfBeams(t *testing.T) {
	for name, fan := range fans() {
		for _, depth := range []float64{1, 30, 0.9 * fan.Depth} {
			x0, z0 := fan.Point(20, depth)
			x1, z1 := fan.Point(21, depth)
			if got, want := fan.Pitch(depth), math.Hypot(x1-x0, z1-z0); math.Abs(got-want) > 1e-3*want {
				t.Errorf("%s at %g mm: pitch %g, distance %g", name, depth, got, want)
			}
		}
	}
}

// The box must touch the fan on all sides: a crop that is a pixel too wide would
// be another picture than the one that is cropped from the screen.
func TestBoundsAreTight(t *testing.T) {
	for name, fan := range fans() {
		box := fan.Bounds()
		const side = 400
		r := NewRaster(&fan, box, side, side, 1)
		var used image.Rectangle
		for y, spans := range r.Spans() {
			for _, s := range spans {
				used = used.Union(image.Rect(s.Left, y, s.Right, y+1))
			}
		}
		if !image.Rect(2, 2, side-2, side-2).In(used) {
			t.Errorf("%s: of a %d×%d box only %v is used", name, side, side, used)
		}
		wider := Box{box.Left - 5, box.Top - 5, box.Right + 5, box.Bottom + 5}
		r = NewRaster(&fan, wider, side, side, 1)
		margin := int(5 / (wider.Right - wider.Left) * side)
		for y, spans := range r.Spans() {
			for _, s := range spans {
				if s.Left < margin-1 || s.Right > side-margin+1 || y < int(5/(wider.Bottom-wider.Top)*side)-1 {
					t.Fatalf("%s: row %d span %v lies outside the box", name, y, s)
				}
			}
		}
	}
}

// Nothing but what is cut may be missing.
func TestBoundsHoldAllThatIsNotCut(t *testing.T) {
	for name, fan := range fans() {
		full, box := fan.uncut(), fan.Bounds()
		width, height := full.Right-full.Left, full.Bottom-full.Top
		for beam := range fan.Beams {
			for depth := 0.0; depth <= fan.Depth; depth++ {
				x, z := fan.Point(float64(beam), depth)
				left, top := (x-full.Left)/width, (z-full.Top)/height
				if left < fan.Cut.Left || left > 1-fan.Cut.Right || top < fan.Cut.Top || top > 1-fan.Cut.Bottom {
					continue
				}
				const slack = 0.5 // mm: beams are lines, the box is exact
				if x < box.Left-slack || x > box.Right+slack || z < box.Top-slack || z > box.Bottom+slack {
					t.Fatalf("%s: %g, %g belongs to the fan and lies outside %+v", name, x, z, box)
				}
			}
		}
	}
}

func TestLooksDrawUsableScanners(t *testing.T) {
	if _, err := LookNamed("no such look"); err == nil {
		t.Error("an unknown look was found")
	}
	for _, look := range Looks() {
		if same, err := LookNamed(look.Name); err != nil || same.Name != look.Name {
			t.Errorf("%s is not found by its name: %v", look.Name, err)
		}
		for i := range 50 {
			d := seed.New(uint64(i)).Of(look.Name).Draws()
			scan := look.Scanner(d, 60)
			if scan.Fan.Depth < 60 || scan.Fan.Depth > 180 {
				t.Errorf("%s scans %g mm deep, want 60 to 180", look.Name, scan.Fan.Depth)
			}
			if wavelength := soundSpeed / scan.Optics.Frequency; scan.Fan.Step() > 1.5*wavelength {
				t.Errorf("%s: samples %g mm apart with a wavelength of %g mm", look.Name, scan.Fan.Step(), wavelength)
			}
			if scan.Noise > -25 || scan.Display.Peak <= scan.Display.Floor || scan.Quality < 25 || scan.Quality > 100 {
				t.Errorf("%s: noise %g dB, grey %g to %g, quality %d", look.Name, scan.Noise, scan.Display.Floor, scan.Display.Peak, scan.Quality)
			}
		}
	}
}
