// Package signs marks the pleural line, A-lines and B-lines in a masked crop by classical
// image analysis, as Xing et al. 2022 wish for at their end (section 5): something to look
// at beside the nets' score, that owes nothing to what the nets have learnt.
//
// The fan's beams are laid side by side first. The pleural line is the best way across
// them along a bright edge with little behind it; A-lines are its repetitions at multiples
// of its depth; B-lines are beams that stay brighter than their neighbours from the pleura
// to the end (Soldati et al. 2019, doi 10.1002/jum.14849; Volpicelli et al. 2012, doi
// 10.1007/s00134-012-2513-4).
package signs

import (
	"image"
	"slices"
)

// Point is a place in the crop, as shares of its width and height.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Line is a B-line from the pleura to where it ends.
type Line struct {
	From Point `json:"from"`
	To   Point `json:"to"`
}

// Signs is what was found in a frame.
type Signs struct {
	Pleura []Point   `json:"pleura"`  // from left to right; empty when none was found
	ALines [][]Point `json:"a_lines"` // the repetitions of the pleura
	BLines []Line    `json:"b_lines"` // from left to right
}

// Find looks for signs in a masked crop. It takes about two milliseconds, and finds
// nothing in a picture that has no fan.
func Find(p *image.Gray) Signs {
	s, ok := convert(p)
	if !ok {
		return Signs{}
	}
	w, h := float64(p.Rect.Dx()), float64(p.Rect.Dy())
	at := func(beam, depth float64) Point {
		x, y := s.fan.point((beam+0.5)/beams, (depth+0.5)/depths)
		return Point{x / w, y / h}
	}
	path, strength := s.pleura()
	if strength < leastPleura {
		return Signs{}
	}
	var out Signs
	for b, d := range path {
		if s.bright(b, d) {
			out.Pleura = append(out.Pleura, at(float64(b), float64(d)))
		}
	}
	for _, r := range s.aLines(path) {
		var line []Point
		for b, d := range path {
			if k := r.row(d); k < depths && s.level[k][b] >= 0 && s.bright(b, d) {
				line = append(line, at(float64(b), float64(k)))
			}
		}
		out.ALines = append(out.ALines, line)
	}
	for _, b := range s.bLines(path) {
		out.BLines = append(out.BLines, Line{at(float64(b), float64(path[b])), at(float64(b), float64(s.end(b)))})
	}
	return out
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}
