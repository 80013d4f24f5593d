package region

import (
	"image"
	"slices"
)

// Thresholds on cells. Grey levels are 0 to 255.
const (
	// lit is the mean brightness from which a cell may be part of a fan. Video
	// compression leaves 0 to 3 in the black round it; the noise deep in a fan is 4 to 15.
	lit = 5
	// thick is the radius, in cells, of the square that a fan fits and writing does not:
	// 7 cells are 2 % of the picture's longer side, taller than lines of text.
	thick = 3
	// flat is the grain (mean difference of neighbours) below which an area is drawn,
	// not measured: buttons, panels and grey bars. Speckle has 1 and more.
	flat = 0.35
	// measured is the share of cells with grain that tells tissue from a button with
	// a word on it.
	measured = 0.5
	// certain is that share where nothing moves and grain alone decides.
	certain = 0.85
	// stirred is the share of moving cells from which a part beside the fan is no
	// drawing: those have none, through a video codec either.
	stirred = 0.1
	// stirring is how far, on average, a pixel of living tissue goes up and down
	// within 16 frames; a still drawing stays below 1 even through a video codec.
	stirring = 1.5
	// smallest is the least share of the picture that a fan covers.
	smallest = 0.03
)

// Detect finds the fan in frames of one size, best some 16 from a film: what is lit in
// a quarter of them counts, and what moves tells tissue from drawings. ok is false
// when there is none.
func Detect(frames []*image.Gray) (r *Region, ok bool) {
	if len(frames) == 0 || frames[0].Rect.Empty() {
		return nil, false
	}
	e := look(frames)
	fan, ok := e.fan()
	if !ok {
		return nil, false
	}
	r = e.region(fan)
	return r, len(r.Spans) > 0
}

// fan marks the cells of the fan.
func (e *evidence) fan() (mask, bool) {
	drawn := e.drawn()
	bright := newMask(e.w, e.h)
	for c, l := range e.light {
		bright.cells[c] = l >= lit && !drawn.cells[c]
	}
	solid := bright.opened(thick)
	parts := solid.parts()
	best, score := -1, 0.0
	for i, p := range parts {
		if s := e.score(p); s > score {
			best, score = i, s
		}
	}
	if best < 0 || score < smallest*float64(len(e.light)) {
		return mask{}, false
	}
	fan := newMask(e.w, e.h)
	fan.mark(parts[best])
	for i, p := range parts {
		if i != best && e.belongs(p, fan) {
			fan.mark(p)
		}
	}
	return fan.trimmed(), true
}

// drawn marks what is evenly grey together with all its neighbours: backgrounds,
// panels and buttons. Dark tissue can look like that behind a video codec, so only
// what is too bright for it counts.
func (e *evidence) drawn() mask {
	even := newMask(e.w, e.h)
	for c, g := range e.grain {
		still := !e.film || e.moves[c] < 0.3
		even.cells[c] = g < flat/2 && still && e.light[c] > dim
	}
	return even.opened(1)
}

// belongs tells a piece of the fan beyond a shadow or an effusion from what is drawn
// on the screen. In a film it moves: all of it, or, where a probe held still rings at
// the skin, a little and close to the fan. In a still it lies between the fan's sides
// and close to it.
func (e *evidence) belongs(p part, fan mask) bool {
	if len(p.cells) < len(e.light)/250 || e.texture(p) < measured {
		return false
	}
	if e.film && e.movement(p) >= measured {
		return true
	}
	if e.texture(p) < certain || !e.close(p, fan) {
		return false
	}
	if e.film {
		return e.movement(p) >= stirred
	}
	s := e.hull(fan).sides()
	inside := 0
	for _, c := range p.cells {
		x, y := float64((c%e.w)*e.cell), float64((c/e.w)*e.cell)
		if x >= s.left.x(y) && x <= s.right.x(y) {
			inside++
		}
	}
	return inside*10 >= len(p.cells)*9
}

// close reports whether a part lies within a sixteenth of the picture from the fan.
func (e *evidence) close(p part, fan mask) bool {
	near := fan.grown(e.h / 16)
	return slices.ContainsFunc(p.cells, func(c int) bool { return near.cells[c] })
}

// texture is the share of a part's cells that are not flat.
func (e *evidence) texture(p part) float64 { return p.share(e.grain, flat) }

// movement is the share of a part's cells that move as tissue does.
func (e *evidence) movement(p part) float64 { return p.share(e.moves, stirring) }

// share of the part's cells, 0 to 1, whose value is at least least.
func (p part) share(values []float32, least float32) float64 {
	n := 0
	for _, c := range p.cells {
		if values[c] >= least {
			n++
		}
	}
	return float64(n) / float64(len(p.cells))
}

// score is the area of a part, less when it looks drawn.
func (e *evidence) score(p part) float64 {
	s := float64(len(p.cells)) * min(1, e.texture(p)/measured)
	if e.film {
		s *= min(1, 0.1+e.movement(p)/measured)
	}
	return s
}

// region turns the cells of a fan into rows of pixels.
func (e *evidence) region(fan mask) *Region {
	o := e.hull(fan)
	notch := e.notch(fan, o)
	r := &Region{Size: e.size}
	margin := (3*e.cell + 3) / 4 // three quarters of a cell, at least a pixel
	for y := o.bounds().Min.Y; y < o.bounds().Max.Y; y++ {
		from, to, ok := o.trimmed(y, margin, e.size)
		if !ok {
			continue
		}
		start := -1
		for x := from; x <= to; x++ {
			keep := x < to && (notch == nil || notch[x] <= y)
			if keep && start < 0 {
				start = x
			} else if !keep && start >= 0 {
				r.Spans = append(r.Spans, Span{y, start, x})
				r.Bounds = r.Bounds.Union(image.Rect(start, y, x, y+1))
				start = -1
			}
		}
	}
	return r
}
