package plot

import (
	"fmt"
	"html/template"
)

// Row is one figure with its interval; Mark, when it is a number, is another figure to
// compare it with.
type Row struct {
	Name                   string
	Value, Low, High, Mark float64
}

// Intervals draws figures with intervals below each other; marks are hollow diamonds.
func Intervals(label, xLabel string, rows []Row) template.HTML {
	left := float64(margin)
	for _, r := range rows {
		left = max(left, textWidth(r.Name)+14)
	}
	const width = 470
	f := newFrame(max(left+width+22, textWidth(xLabel)), 54+26*float64(len(rows)), label)
	f.left, f.width, f.height = left, width, 26*float64(len(rows))
	var all []float64
	for _, r := range rows {
		all = append(all, r.Value, r.Low, r.High, r.Mark)
	}
	f.x0, f.x1 = limits(all)
	room := 0.05 * (f.x1 - f.x0)
	f.x0, f.x1, f.y0, f.y1 = f.x0-room, f.x1+room, 0, 1
	for _, v := range ticks(f.x0, f.x1) {
		fmt.Fprintf(&f.svg, `<line class="grid" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, f.x(v), f.x(v), f.top, f.top+f.height)
		f.text(f.x(v), f.top+f.height+16, "middle", short(v))
	}
	f.below(xLabel)
	for i, r := range rows {
		y := f.top + 26*float64(i) + 13
		f.text(f.left-10, y+4, "end", r.Name)
		if finite(r.Low) && finite(r.High) {
			fmt.Fprintf(&f.svg, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="2"/>`, f.x(r.Low), f.x(r.High), y, y, palette[0])
		}
		if finite(r.Value) {
			fmt.Fprintf(&f.svg, `<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>`, f.x(r.Value), y, palette[0])
		}
		if finite(r.Mark) {
			x := f.x(r.Mark)
			fmt.Fprintf(&f.svg, `<path d="M%.1f %.1fl6 6l-6 6l-6 -6z" fill="none" stroke="%s" stroke-width="1.6"/>`, x, y-6, palette[1])
		}
	}
	return f.done()
}
