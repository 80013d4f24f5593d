package signs

import (
	"image"
	"math"
)

// Size of the beam space: a row for each depth, a column for each direction.
const (
	beams  = 128
	depths = 192
)

// space is a picture scan-converted back: beams side by side, depth downwards, so that
// A-lines are level, B-lines upright and depths can be compared. Levels are 0 to 1, −1
// where the picture shows nothing.
type space struct {
	fan   fan
	level [depths][beams]float32
}

// fan is where beams run in a picture, in pixels: they leave an arc round (x, y) at radius
// near, at angles from left to right, and end at radius far. A linear probe's beams are
// parallel: parallel is set, left and right are columns, near and far rows.
type fan struct {
	parallel        bool
	x, y, near, far float64
	left, right     float64 // radians from straight down, or columns
}

// point is where a beam (0 to 1 from left to right) is at a depth (0 to 1), in pixels.
func (f fan) point(beam, depth float64) (x, y float64) {
	at := f.left + beam*(f.right-f.left)
	r := f.near + depth*(f.far-f.near)
	if f.parallel {
		return at, r
	}
	return f.x + r*math.Sin(at), f.y + r*math.Cos(at)
}

// dark is the highest grey level that belongs to the mask.
const dark = 2

// findFan fits the beams to the outline of what is lit. A picture whose straight sides do
// not lean, or lean to the same side, is taken as a linear probe's.
func findFan(p *image.Gray) (fan, bool) {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	left, right := make([]int, h), make([]int, h) // of each row; left > right where all is dark
	first, last := -1, -1
	for y := range h {
		row := p.Pix[y*p.Stride:][:w]
		left[y], right[y] = w, -1
		// Three lit pixels in a row: single ones are noise of a compression.
		for x := 0; x+2 < w; x++ {
			if row[x] > dark && row[x+1] > dark && row[x+2] > dark {
				left[y] = x
				break
			}
		}
		for x := w - 1; x >= 2; x-- {
			if row[x] > dark && row[x-1] > dark && row[x-2] > dark {
				right[y] = x + 1
				break
			}
		}
		if left[y] < right[y] {
			if first < 0 {
				first = y
			}
			last = y
		}
	}
	if first < 0 || last-first < 16 {
		return fan{}, false
	}
	l, okL := side(left, first, last, func(x int) bool { return x > 1 && x < w })
	r, okR := side(right, first, last, func(x int) bool { return x >= 0 && x < w-2 })
	rectangle := fan{parallel: true, left: 0, right: float64(w), near: float64(first), far: float64(last + 1)}
	// One side may have been cut off: the fan is taken as even to the other one.
	switch {
	case okL && okR:
	case okL:
		r = line{float64(w) - l.at, -l.slope}
	case okR:
		l = line{float64(w) - r.at, -r.slope}
	default:
		return rectangle, true
	}
	if l.slope > -0.08 || r.slope < 0.08 { // columns per row: leaning less than 5°
		return rectangle, true
	}
	f := fan{y: (r.at - l.at) / (l.slope - r.slope)}
	f.x = l.at + l.slope*f.y
	f.left, f.right = math.Atan(l.slope), math.Atan(r.slope)
	// The near and the far end, from the lit pixels nearest to and furthest from the centre.
	f.near, f.far = math.Inf(1), 0
	for y := first; y <= last; y++ {
		for _, x := range []int{left[y], (left[y] + right[y]) / 2, right[y] - 1} {
			if left[y] >= right[y] {
				continue
			}
			radius := math.Hypot(float64(x)-f.x, float64(y)-f.y)
			f.near, f.far = min(f.near, radius), max(f.far, radius)
		}
	}
	if f.y > float64(first) || f.far-f.near < 16 {
		return rectangle, true
	}
	return f, true
}

// line is x = at + slope·y.
type line struct{ at, slope float64 }

// side fits a straight line to the outermost pixels of rows, by the median of slopes, where
// the side is not the picture's edge. ok is false when too little of it is seen.
func side(edge []int, first, last int, seen func(x int) bool) (line, bool) {
	var xs, ys []float64
	for y := first; y <= last; y++ {
		if seen(edge[y]) {
			xs, ys = append(xs, float64(edge[y])), append(ys, float64(y)+0.5)
		}
	}
	if len(xs) < max(12, (last-first)/5) {
		return line{}, false
	}
	// Theil and Sen's estimate over pairs a third of the length apart.
	gap := len(xs) / 3
	var slopes []float64
	for i := 0; i+gap < len(xs); i++ {
		slopes = append(slopes, (xs[i+gap]-xs[i])/(ys[i+gap]-ys[i]))
	}
	slope := median(slopes)
	var ats []float64
	for i := range xs {
		ats = append(ats, xs[i]-slope*ys[i])
	}
	return line{median(ats), slope}, true
}

// convert fills the beam space of a picture.
func convert(p *image.Gray) (*space, bool) {
	f, ok := findFan(p)
	if !ok {
		return nil, false
	}
	s := &space{fan: f}
	w, h := p.Rect.Dx(), p.Rect.Dy()
	for d := range depths {
		for b := range beams {
			x, y := f.point((float64(b)+0.5)/beams, (float64(d)+0.5)/depths)
			ix, iy := int(x), int(y)
			s.level[d][b] = -1
			if ix < 0 || iy < 0 || ix >= w || iy >= h || x < 0 || y < 0 {
				continue
			}
			v := p.Pix[iy*p.Stride+ix]
			if v <= dark {
				// A pixel as dark as the mask is black tissue when lit ones lie round it.
				if ix < 2 || iy < 2 || ix >= w-2 || iy >= h-2 {
					continue
				}
			}
			s.level[d][b] = float32(v) / 255
		}
	}
	return s, true
}
