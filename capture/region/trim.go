package region

import "math"

// A fan has four sides that physics makes: two straight ones, and a near and a far
// one that are arcs of a sector, or straight for a linear probe. What sticks out beyond a side that a good part of
// the outline supports is no tissue but writing that touches the fan.
const (
	// slack is how far, in cells, points of a side may lie from it.
	slack = 1.25
	// beyond is how far outside a cell sticks out: less than the margin of one cell
	// that is taken off the outline in the end.
	beyond = 0.75
	// support is the share of an outline's points that must lie on a side before it
	// is believed.
	support = 0.35
	// sticksOut is the largest share of the fan that may lie beyond one side: when
	// there is more, the side was a shadow's edge.
	sticksOut = 0.03
)

// spot is the middle of a cell.
type spot struct{ x, y float64 }

// trimmed removes what sticks out of the fan's sides. A side that the picture's edge
// cuts off is left alone: nothing is written beyond it.
func (m mask) trimmed() mask {
	// Turned by exchanging x and y, upright sides become rims along the top.
	across := func(s spot) spot { return spot{s.y, s.x} }
	down := func(s spot) spot { return s }
	edge := spot{float64(m.w) - 0.5, float64(m.h) - 0.5}
	left, right := m.rims(across)
	near, far := m.rims(down)
	if side, ok := straight(left); ok && !cutOff(left, 0.5) {
		m = m.without(func(s spot) bool { return s.x < side.x(s.y)-beyond })
	}
	if side, ok := straight(right); ok && !cutOff(right, edge.x) {
		m = m.without(func(s spot) bool { return s.x > side.x(s.y)+beyond })
	}
	if side, ok := arc(far); ok && !cutOff(far, edge.y) {
		m = m.without(func(s spot) bool { return s.y > side.y(s.x)+beyond })
	}
	if side, ok := arc(near); ok && !cutOff(near, 0.5) {
		m = m.without(func(s spot) bool { return s.y < side.y(s.x)-beyond })
	}
	return m
}

// cutOff reports whether a tenth of a rim lies on the picture's edge.
func cutOff(rim []spot, edge float64) bool {
	n := 0
	for _, s := range rim {
		if s.y == edge {
			n++
		}
	}
	return 10*n > len(rim)
}

// rims list the first and the last marked cell of each column, or of each row when
// turn exchanges x and y: in what they return, x is the place along the rim.
func (m mask) rims(turn func(spot) spot) (first, last []spot) {
	type ends struct{ first, last float64 }
	found := make([]ends, max(m.w, m.h))
	for c, set := range m.cells {
		if !set {
			continue
		}
		s := turn(spot{float64(c%m.w) + 0.5, float64(c/m.w) + 0.5})
		e := &found[int(s.x)]
		if e.last == 0 || s.y < e.first {
			e.first = s.y
		}
		e.last = max(e.last, s.y)
	}
	for i, e := range found {
		if e.last > 0 {
			first = append(first, spot{float64(i) + 0.5, e.first})
			last = append(last, spot{float64(i) + 0.5, e.last})
		}
	}
	return first, last
}

// straight finds the line that most points of a rim lie on; false when too few do.
// In the line, x is a function of y as everywhere, so for the sides its "y" is the
// rim's place along.
func straight(rim []spot) (line, bool) {
	const tries = 40 // points taken, evenly spread, to draw lines through
	step := max(1, len(rim)/tries)
	var best line
	most := 0
	for i := 0; i < len(rim); i += step {
		for j := i + 2*step; j < len(rim); j += step {
			slope := (rim[j].y - rim[i].y) / (rim[j].x - rim[i].x)
			if math.Abs(slope) > steepest {
				continue
			}
			l := line{rim[i].y - slope*rim[i].x, slope}
			if n := on(rim, l.x); n > most {
				best, most = l, n
			}
		}
	}
	return best, len(rim) > 0 && float64(most) >= support*float64(len(rim))
}

// on counts the points of a rim that lie on the line y(x).
func on(rim []spot, y func(x float64) float64) int {
	n := 0
	for _, s := range rim {
		if math.Abs(s.y-y(s.x)) <= slack {
			n++
		}
	}
	return n
}

// curve is y = At + Slope·x + Bend·x².
type curve struct{ at, slope, bend float64 }

func (c curve) y(x float64) float64 { return c.at + x*(c.slope+x*c.bend) }

// arc finds the parabola that most points of a rim lie on; false when too few do. A
// parabola is near enough to a circle here, and the straight rim of a linear probe
// is one too. It bulges downwards, as both rims of a sector do.
func arc(rim []spot) (curve, bool) {
	const tries = 18
	step := max(1, len(rim)/tries)
	var best curve
	most := 0
	for i := 0; i < len(rim); i += step {
		for j := i + step; j < len(rim); j += step {
			for k := j + step; k < len(rim); k += step {
				c := through(rim[i], rim[j], rim[k])
				if c.bend > 1e-4 {
					continue
				}
				if n := on(rim, c.y); n > most {
					best, most = c, n
				}
			}
		}
	}
	return best, len(rim) > 0 && float64(most) >= support*float64(len(rim))
}

// through is the parabola through three points of different x.
func through(a, b, c spot) curve {
	ab := (b.y - a.y) / (b.x - a.x)
	bc := (c.y - b.y) / (c.x - b.x)
	bend := (bc - ab) / (c.x - a.x)
	slope := ab - bend*(a.x+b.x)
	return curve{a.y - a.x*(slope+bend*a.x), slope, bend}
}

// without removes the cells beyond a side, unless they are too many to be writing.
func (m mask) without(outside func(spot) bool) mask {
	out := newMask(m.w, m.h)
	removed := 0
	for c, set := range m.cells {
		if !set {
			continue
		}
		if outside(spot{float64(c%m.w) + 0.5, float64(c/m.w) + 0.5}) {
			removed++
		} else {
			out.cells[c] = true
		}
	}
	if float64(removed) > sticksOut*float64(m.count()) {
		return m
	}
	return out
}
