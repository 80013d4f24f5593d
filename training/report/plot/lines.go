package plot

import (
	"fmt"
	"html/template"
	"strings"
)

// Series is one curve: parallel values.
type Series struct {
	Name string
	X, Y []float64
}

// column is the width of a column of the legend.
const column = 204

// Lines draws curves with a legend below. low and high bound the vertical axis; when
// they are equal the values do.
func Lines(label, xLabel, yLabel string, low, high float64, series []Series) template.HTML {
	var xs, ys [][]float64
	for _, s := range series {
		xs, ys = append(xs, s.X), append(ys, s.Y)
	}
	longest := 0.0
	for _, s := range series {
		longest = max(longest, 22+textWidth(s.Name))
	}
	columns := 2
	if longest > column {
		columns = 1
	}
	rows := (len(series) + columns - 1) / columns
	f := newFrame(max(460, margin+longest), 264+17*float64(rows), label)
	f.height = 206
	f.x0, f.x1 = limits(xs...)
	if f.y0, f.y1 = limits(ys...); low < high {
		f.y0, f.y1 = low, high
	} else if f.y0 > 0 {
		f.y0 = 0
	}
	f.axes(xLabel, yLabel)
	for i, s := range series {
		colour := palette[i%len(palette)]
		dash := ""
		if i >= len(palette) {
			dash = ` stroke-dasharray="5 3"`
		}
		f.curve(s, colour, dash)
		x, y := margin+float64(i%columns)*column, f.top+f.height+56+17*float64(i/columns)
		fmt.Fprintf(&f.svg, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="3"%s/>`, x, x+16, y-4, y-4, colour, dash)
		f.text(x+22, y, "start", s.Name)
	}
	return f.done()
}

// curve joins the points that are numbers; a lone one is a dot.
func (f *frame) curve(s Series, colour, dash string) {
	var path strings.Builder
	var x, y float64
	points := 0
	for i := range min(len(s.X), len(s.Y)) {
		if !finite(s.X[i]) || !finite(s.Y[i]) {
			continue
		}
		to := "L"
		if points == 0 {
			to = "M"
		}
		x, y = f.x(s.X[i]), f.y(min(max(s.Y[i], f.y0), f.y1))
		fmt.Fprintf(&path, "%s%.1f %.1f", to, x, y)
		points++
	}
	switch points {
	case 0:
	case 1:
		fmt.Fprintf(&f.svg, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x, y, colour)
	default:
		fmt.Fprintf(&f.svg, `<path d="%s" fill="none" stroke="%s" stroke-width="1.6"%s/>`, path.String(), colour, dash)
	}
}
