package region

import (
	"image"
	"math"
)

// outline is a convex polygon in pixels, clockwise on the screen, without the
// first point repeated.
type outline []image.Point

// hull is the convex outline of the marked cells, as pixels (Andrew's monotone
// chain on the cells' corners).
func (e *evidence) hull(m mask) outline {
	var left, right []image.Point // the outermost corners of each row of cells
	for y := range m.h {
		first, last := -1, -1
		for x := range m.w {
			if m.at(x, y) {
				if first < 0 {
					first = x
				}
				last = x
			}
		}
		if first < 0 {
			continue
		}
		from, to := first*e.cell, min((last+1)*e.cell, e.size.X)
		top, bottom := y*e.cell, min((y+1)*e.cell, e.size.Y)
		left = append(left, image.Pt(from, top), image.Pt(from, bottom))
		right = append(right, image.Pt(to, top), image.Pt(to, bottom))
	}
	down := chain(right, 1) // the right side from top to bottom
	up := chain(left, -1)
	for i, j := 0, len(up)-1; i < j; i, j = i+1, j-1 {
		up[i], up[j] = up[j], up[i]
	}
	return append(down, up...)
}

// chain keeps the points of a side, from top to bottom, that bend outwards; side
// is 1 for the right one and -1 for the left one.
func chain(points []image.Point, side int) outline {
	var kept outline
	for _, p := range points {
		for len(kept) >= 2 && side*turn(kept[len(kept)-2], kept[len(kept)-1], p) <= 0 {
			kept = kept[:len(kept)-1]
		}
		kept = append(kept, p)
	}
	return kept
}

// turn is positive when the way over a, b and c turns right on the screen.
func turn(a, b, c image.Point) int {
	return (b.X-a.X)*(c.Y-b.Y) - (b.Y-a.Y)*(c.X-b.X)
}

// sides are two lines that a fan lies between: columns as a function of the row.
type sides struct{ left, right line }

// line is x = At + Slope·y.
type line struct{ at, slope float64 }

func (l line) x(y float64) float64 { return l.at + l.slope*y }

// steepest limits how far a fan's side leans: 75° from the vertical.
const steepest = 3.73

// sides finds the two straight sides of a fan: the longest straight stretch of
// each side of its outline. A side without one is upright at the outermost point.
func (o outline) sides() sides {
	bounds := o.bounds()
	found := sides{line{float64(bounds.Min.X), 0}, line{float64(bounds.Max.X), 0}}
	longest := [2]float64{0.15 * float64(bounds.Dy()), 0.15 * float64(bounds.Dy())}
	for i, a := range o {
		b := o[(i+1)%len(o)]
		dx, dy := float64(b.X-a.X), float64(b.Y-a.Y)
		if math.Abs(dy) < 1 || math.Abs(dx/dy) > steepest {
			continue
		}
		side := 0 // going up: the left one
		if dy > 0 {
			side = 1
		}
		if length := math.Hypot(dx, dy); length > longest[side] {
			longest[side] = length
			l := line{float64(a.X) - dx/dy*float64(a.Y), dx / dy}
			if side == 0 {
				found.left = l
			} else {
				found.right = l
			}
		}
	}
	return found
}

// top is the longest edge along the top that does not lean much; in a convex
// sector it spans the curve from corner to corner.
func (o outline) top() (a, b image.Point, ok bool) {
	for i, p := range o {
		q := o[(i+1)%len(o)]
		dx, dy := q.X-p.X, q.Y-p.Y
		if dx > b.X-a.X && 2*dy <= dx && -2*dy <= dx {
			a, b, ok = p, q, true
		}
	}
	return a, b, ok
}

func (o outline) bounds() image.Rectangle {
	r := image.Rectangle{Min: o[0], Max: o[0]}
	for _, p := range o {
		r.Min.X, r.Min.Y = min(r.Min.X, p.X), min(r.Min.Y, p.Y)
		r.Max.X, r.Max.Y = max(r.Max.X, p.X), max(r.Max.Y, p.Y)
	}
	return r
}

// row is the part of a row of pixels inside the outline; false when there is none.
func (o outline) row(y int) (from, to int, ok bool) {
	middle := float64(y) + 0.5
	left, right := math.Inf(1), math.Inf(-1)
	for i, a := range o {
		b := o[(i+1)%len(o)]
		if float64(min(a.Y, b.Y)) > middle || float64(max(a.Y, b.Y)) < middle || a.Y == b.Y {
			continue
		}
		x := float64(a.X) + (middle-float64(a.Y))*float64(b.X-a.X)/float64(b.Y-a.Y)
		left, right = min(left, x), max(right, x)
	}
	from, to = int(math.Ceil(left-0.5)), int(math.Floor(right+0.5))
	return from, to, from < to
}

// trimmed is the part of a row that lies inside by a margin, except where the
// outline reaches the picture's edge: the cells that the outline goes round may be
// lit by a sliver of the fan, and a letter may stand on the rest.
func (o outline) trimmed(y, margin int, size image.Point) (from, to int, ok bool) {
	from, to = 0, size.X
	for _, row := range [3]int{y - margin, y, y + margin} {
		if row < 0 || row >= size.Y {
			continue
		}
		a, b, inside := o.row(row)
		if !inside {
			return 0, 0, false
		}
		from, to = max(from, a), min(to, b)
	}
	if from > 0 {
		from += margin
	}
	if to < size.X {
		to -= margin
	}
	return from, to, from < to
}
