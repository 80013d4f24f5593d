package region

import "slices"

// notch is the black between the corners of a convex sector and its curved top:
// for each column of pixels the first row that is kept; nil when there is none. It
// is taken for a parabola over the top edge of the outline, which differs from the
// arc by less than a cell.
func (e *evidence) notch(fan mask, o outline) []int {
	a, b, ok := o.top()
	if !ok {
		return nil
	}
	var depths []float64 // of the curve's middle, as each column would have it
	shape := func(x int) (chord, curve float64) {
		t := (float64(x) - float64(a.X)) / float64(b.X-a.X)
		return float64(a.Y) + t*float64(b.Y-a.Y), 4 * t * (1 - t)
	}
	for cx := range e.w {
		x := cx*e.cell + e.cell/2
		chord, curve := shape(x)
		if x <= a.X || x >= b.X || curve < 0.35 {
			continue
		}
		first := e.h
		for cy := range e.h {
			if fan.at(cx, cy) {
				first = cy
				break
			}
		}
		depths = append(depths, (float64(first*e.cell)-chord)/curve)
	}
	if len(depths) == 0 {
		return nil
	}
	slices.Sort(depths)
	depth := depths[len(depths)/10] // a few columns may have a speck of dirt above
	if depth < float64(3*e.cell) {
		return nil
	}
	rows := make([]int, e.size.X)
	for x := max(0, a.X); x < min(b.X, e.size.X); x++ {
		chord, curve := shape(x)
		rows[x] = int(chord + (depth-float64(e.cell))*curve)
	}
	return rows
}
