// Package explain measures whether heat maps point at lung signs, on simulated pictures,
// where it is known what lies where.
package explain

import (
	"image"
	"math"

	"lungbox/ensemble"
	"lungbox/training/simulate"
)

// Sign is where the signs of a picture's score lie: a square of Side×Side places.
type Sign struct {
	Side   int
	Inside []bool
}

// widths of what is drawn as a line, as shares of the picture's side: a B-line is a beam
// wide, and a net's last feature map is coarser than that.
const (
	lineWidth   = 1.0 / 24
	pleuraWidth = 1.0 / 24
)

// Signs marks what a score is read from (paper, section 2.3): in score 0 the pleural line
// and the A-lines, in scores 1 and 2 the pleural line and the B-lines, in score 3 the
// consolidations and effusions, and without any all under the pleura, which is white.
// picture is the side of the picture that the truth belongs to.
func Signs(t simulate.Truth, picture, side int) Sign {
	s := Sign{Side: side, Inside: make([]bool, side*side)}
	scale := float64(side) / float64(picture)
	at := func(p simulate.Point) (x, y float64) { return float64(p.X) * scale, float64(p.Y) * scale }
	path := func(points []simulate.Point, width float64) {
		for i, p := range points {
			x, y := at(p)
			if i == 0 {
				s.dot(x, y, width)
				continue
			}
			fromX, fromY := at(points[i-1])
			if math.Abs(x-fromX) > float64(side)/8 {
				continue // a rib hides what is between
			}
			steps := max(1, int(math.Hypot(x-fromX, y-fromY)))
			for k := 1; k <= steps; k++ {
				share := float64(k) / float64(steps)
				s.dot(fromX+share*(x-fromX), fromY+share*(y-fromY), width)
			}
		}
	}
	if t.Score < 3 {
		path(t.Pleura, pleuraWidth)
	}
	switch t.Score {
	case 0:
		for _, line := range t.ALines {
			path(line, pleuraWidth)
		}
	case 1, 2:
		for _, b := range t.BLines {
			fromX, fromY := at(b.From)
			toX, toY := at(b.To)
			steps := max(1, int(math.Hypot(toX-fromX, toY-fromY)))
			for k := 0; k <= steps; k++ {
				share := float64(k) / float64(steps)
				s.dot(fromX+share*(toX-fromX), fromY+share*(toY-fromY), lineWidth)
			}
		}
	}
	for _, box := range append(t.Consolidations, t.Effusions...) {
		fromX, fromY := at(box.Min)
		toX, toY := at(box.Max)
		for y := int(fromY); y <= min(side-1, int(toY)); y++ {
			for x := int(fromX); x <= min(side-1, int(toX)); x++ {
				s.Inside[y*side+x] = true
			}
		}
	}
	if t.Score == 3 && len(t.Consolidations)+len(t.Effusions) == 0 {
		for _, p := range t.Pleura {
			x, y := at(p)
			for below := int(y); below < side; below++ {
				s.dot(x, float64(below), 2.0/float64(side))
			}
		}
	}
	return s
}

// Picture is the sign in white on black.
func (s Sign) Picture() *image.Gray {
	p := image.NewGray(image.Rect(0, 0, s.Side, s.Side))
	for i, in := range s.Inside {
		if in {
			p.Pix[i] = 255
		}
	}
	return p
}

// dot marks a disc; width is its diameter as a share of the side.
func (s Sign) dot(x, y, width float64) {
	r := width * float64(s.Side) / 2
	for j := int(y - r); j <= int(y+r); j++ {
		for i := int(x - r); i <= int(x+r); i++ {
			if i >= 0 && j >= 0 && i < s.Side && j < s.Side && math.Hypot(float64(i)+0.5-x, float64(j)+0.5-y) <= r+0.5 {
				s.Inside[j*s.Side+i] = true
			}
		}
	}
}

// Hit is how a heat map lies over a sign.
type Hit struct {
	Mass  float64 // share of the map's mass that lies on the sign
	Hot   float64 // the same of its mass where it is at least half as high as its highest place
	Peak  bool    // the map's highest place lies on it
	Cover float64 // share of the lit picture that the sign covers: what a map of chance would hit
}

// Measure compares a heat map, drawn as the page draws it, with a sign. lit says which of
// its places belong to the picture.
func (s Sign) Measure(h *ensemble.Heat, lit []bool) Hit {
	var hit Hit
	all, on, cover, places, most := 0.0, 0.0, 0, 0, -1.0
	top := 0.0
	for _, v := range h.Levels {
		top = max(top, float64(v))
	}
	hot, hotOn := 0.0, 0.0
	for y := range s.Side {
		for x := range s.Side {
			i := y*s.Side + x
			if !lit[i] {
				continue
			}
			v := h.At((float64(x)+0.5)/float64(s.Side), (float64(y)+0.5)/float64(s.Side))
			places++
			all += v
			if s.Inside[i] {
				cover++
				on += v
			}
			if v >= top/2 {
				hot += v
				if s.Inside[i] {
					hotOn += v
				}
			}
			if v > most {
				most, hit.Peak = v, s.Inside[i]
			}
		}
	}
	hit.Hot = hotOn / max(hot, 1e-9)
	hit.Mass, hit.Cover = on/max(all, 1e-9), float64(cover)/float64(max(1, places))
	return hit
}

// Best is the most that any map of w×h places could have: of mass, that of the one place
// that lies on the sign most, since a map is a mean of such; and whether the highest place of
// any lies on it.
func (s Sign) Best(w, h int, lit []bool) Hit {
	var best Hit
	one := &ensemble.Heat{W: w, H: h, Levels: make([]byte, w*h)}
	for i := range one.Levels {
		one.Levels[i] = 255
		hit := s.Measure(one, lit)
		one.Levels[i] = 0
		best.Mass, best.Peak, best.Cover = max(best.Mass, hit.Mass), best.Peak || hit.Peak, hit.Cover
	}
	return best
}
