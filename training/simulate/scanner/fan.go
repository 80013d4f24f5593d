package scanner

import "math"

// Array is the kind of transducer.
type Array string

// The three kinds in use for lungs.
const (
	Convex Array = "convex"
	Linear Array = "linear"
	Phased Array = "phased"
)

// Fan is the area that the transducer scans, as beams and samples along them.
//
// Positions are in millimetres: x to the right, z downwards, and the middle of the
// transducer's face at (0, 0). A convex array's face is an arc of the given radius
// that bulges downwards; a phased array is a convex one of a very small radius; a
// linear array's beams are parallel.
type Fan struct {
	Array   Array
	Radius  float64 // of the face, mm; 0 for a linear array
	Half    float64 // half of the opening angle, radians; 0 for a linear array
	Width   float64 // of a linear array's face, mm; 0 for the others
	Depth   float64 // from the face to the last sample, mm
	Beams   int
	Samples int // along each beam
	Cut     Cut
}

// Cut is what the screen does not show of the fan: shares of its bounding box.
// Scanners that zoom, and people who crop clips, cut fans like this.
type Cut struct{ Left, Right, Top, Bottom float64 }

// Step is the distance between two samples in mm. Sample i lies at depth (i+½)·Step.
func (f *Fan) Step() float64 { return f.Depth / float64(f.Samples) }

// Angle is the direction of a beam, radians from straight down.
func (f *Fan) Angle(beam float64) float64 {
	return f.Half * (2*(beam+0.5)/float64(f.Beams) - 1)
}

// Pitch is the distance between neighbouring beams at a depth, mm along the arc.
func (f *Fan) Pitch(depth float64) float64 {
	if f.Array == Linear {
		return f.Width / float64(f.Beams)
	}
	return (f.Radius + depth) * 2 * f.Half / float64(f.Beams)
}

// Point is the place of a depth on a beam, mm.
func (f *Fan) Point(beam, depth float64) (x, z float64) {
	if f.Array == Linear {
		return f.Width * ((beam+0.5)/float64(f.Beams) - 0.5), depth
	}
	sin, cos := math.Sincos(f.Angle(beam))
	return (f.Radius + depth) * sin, (f.Radius+depth)*cos - f.Radius
}

// Locate is the inverse of Point: the beam and depth of a place. Inside says
// whether the fan, uncut, covers it.
func (f *Fan) Locate(x, z float64) (beam, depth float64, inside bool) {
	share := 0.0 // −1 at the left edge of the fan, 1 at the right one
	if f.Array == Linear {
		share, depth = 2*x/f.Width, z
	} else {
		share = math.Atan2(x, z+f.Radius) / f.Half
		depth = math.Hypot(x, z+f.Radius) - f.Radius
	}
	beam = (share+1)/2*float64(f.Beams) - 0.5
	return beam, depth, math.Abs(share) <= 1 && depth >= 0 && depth <= f.Depth
}

// Box is a rectangle in mm.
type Box struct{ Left, Top, Right, Bottom float64 }

// Bounds is the smallest box around the part of the fan that is shown.
func (f *Fan) Bounds() Box {
	full := f.uncut()
	width, height := full.Right-full.Left, full.Bottom-full.Top
	box := Box{
		Left: full.Left + f.Cut.Left*width, Right: full.Right - f.Cut.Right*width,
		Top: full.Top + f.Cut.Top*height, Bottom: full.Bottom - f.Cut.Bottom*height,
	}
	if f.Array == Linear {
		return box
	}
	// Cutting off the bottom makes a sector narrower, cutting off the sides makes
	// its upper corners disappear.
	if widest := (f.Radius+f.Depth)*math.Cos(f.Half) - f.Radius; box.Bottom < widest {
		side := (f.Radius + box.Bottom) * math.Tan(f.Half)
		box.Left, box.Right = max(box.Left, -side), min(box.Right, side)
	}
	if side := max(-box.Left, box.Right); side < f.Radius*math.Sin(f.Half) {
		box.Top = max(box.Top, math.Sqrt(f.Radius*f.Radius-side*side)-f.Radius)
	}
	return box
}

func (f *Fan) uncut() Box {
	if f.Array == Linear {
		return Box{Left: -f.Width / 2, Right: f.Width / 2, Bottom: f.Depth}
	}
	side := (f.Radius + f.Depth) * math.Sin(f.Half)
	return Box{Left: -side, Right: side, Top: f.Radius*math.Cos(f.Half) - f.Radius, Bottom: f.Depth}
}

// Shows says whether the screen shows a place: inside the fan and not cut off.
func (f *Fan) Shows(x, z float64) bool {
	_, _, inside := f.Locate(x, z)
	box := f.Bounds()
	return inside && x >= box.Left && x <= box.Right && z >= box.Top && z <= box.Bottom
}
