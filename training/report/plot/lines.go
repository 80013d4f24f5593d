package plot

import (
	"fmt"
	"html/template"
	"math"
)

// Series is one curve: parallel values.
type Series struct {
	Name string
	X, Y []float64
}

// Lines draws curves with a legend below. low and high bound the vertical axis; when
// they are equal the values do.
func Lines(label, xLabel, yLabel string, low, high float64, series []Series) template.HTML {
	var xs, ys [][]float64
	for _, s := range series {
		xs, ys = append(xs, s.X), append(ys, s.Y)
	}
	rows := (len(series) + 1) / 2
	height := 260 + 17*float64(rows)
	f := newFrame(460, height, label)
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
		if d := f.path(s); d != "" {
			fmt.Fprintf(&f.svg, `<path d="%s" fill="none" stroke="%s" stroke-width="1.6"%s/>`, d, colour, dash)
		}
		x, y := f.left+float64(i%2)*204, f.top+f.height+56+17*float64(i/2)
		fmt.Fprintf(&f.svg, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="3"%s/>`, x, x+16, y-4, y-4, colour, dash)
		f.text(x+22, y, "start", s.Name)
	}
	return f.done()
}

// path joins the points that are numbers.
func (f *frame) path(s Series) (d string) {
	for i, y := range s.Y {
		if i >= len(s.X) || math.IsNaN(y) || math.IsInf(y, 0) {
			continue
		}
		to := "L"
		if d == "" {
			to = "M"
		}
		d += fmt.Sprintf("%s%.1f %.1f", to, f.x(s.X[i]), f.y(min(max(y, f.y0), f.y1)))
	}
	return d
}

// Bin is one bar of a reliability diagram.
type Bin struct {
	Confidence, Accuracy float64
	Count                int
}

// Reliability draws accuracy over confidence, before and after calibration. Points
// grow with their pictures; on the diagonal a confidence means what it says.
func Reliability(label string, before, after []Bin) template.HTML {
	f := newFrame(290, 290, label)
	f.x0, f.x1, f.y0, f.y1 = 0, 1, 0, 1
	f.axes("confidence", "share right")
	fmt.Fprintf(&f.svg, `<line class="ideal" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, f.x(0), f.y(0), f.x(1), f.y(1))
	for i, bins := range [][]Bin{before, after} {
		total := 0
		for _, b := range bins {
			total += b.Count
		}
		fill := "none"
		if i == 1 {
			fill = palette[0]
		}
		for _, b := range bins {
			if b.Count == 0 {
				continue
			}
			radius := 2 + 10*math.Sqrt(float64(b.Count)/float64(total))
			fmt.Fprintf(&f.svg, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s" fill-opacity="0.7" stroke="%s"/>`, f.x(b.Confidence), f.y(b.Accuracy), radius, fill, palette[i^1])
		}
	}
	return f.done()
}

// Confusion draws counts with their shares of the row as shades: rows are the readers'
// scores.
func Confusion(label string, counts [4][4]int) template.HTML {
	f := newFrame(290, 290, label)
	const side = 50
	f.text(f.left+2*side, 12, "middle", "score given")
	for i, row := range counts {
		total := 0
		for _, n := range row {
			total += n
		}
		f.text(f.left-10, 40+side*float64(i)+side/2, "end", fmt.Sprint(i))
		f.text(f.left+side*float64(i)+side/2, 28, "middle", fmt.Sprint(i))
		for j, n := range row {
			share := float64(n) / float64(max(1, total))
			x, y, ink := f.left+side*float64(j), 36+side*float64(i), "#111"
			if share > 0.55 {
				ink = "#fff"
			}
			fmt.Fprintf(&f.svg, `<rect x="%.1f" y="%.1f" width="%d" height="%d" fill="#0072b2" fill-opacity="%.3f" stroke="#ccc"/>`, x, y, side, side, share)
			fmt.Fprintf(&f.svg, `<text x="%.1f" y="%.1f" text-anchor="middle" style="fill:%s">%d</text>`, x+side/2, y+23, ink, n)
			fmt.Fprintf(&f.svg, `<text x="%.1f" y="%.1f" text-anchor="middle" style="fill:%s;font-size:10px">%.0f %%</text>`, x+side/2, y+38, ink, 100*share)
		}
	}
	fmt.Fprintf(&f.svg, `<text transform="translate(14 136) rotate(-90)" text-anchor="middle">readers' score</text>`)
	return f.done()
}

// Row is one figure with its interval; Mark, when it is a number, is another figure to
// compare it with.
type Row struct {
	Name                   string
	Value, Low, High, Mark float64
}

// Intervals draws figures with intervals below each other; marks are hollow diamonds.
func Intervals(label, xLabel string, rows []Row) template.HTML {
	f := newFrame(720, 54+26*float64(len(rows)), label)
	f.left, f.width, f.height = 230, 720-230-20, 26*float64(len(rows))
	var all []float64
	for _, r := range rows {
		all = append(all, r.Value, r.Low, r.High, r.Mark)
	}
	f.x0, f.x1 = limits(all)
	margin := 0.05 * (f.x1 - f.x0)
	f.x0, f.x1, f.y0, f.y1 = f.x0-margin, f.x1+margin, 0, 1
	for _, v := range ticks(f.x0, f.x1) {
		fmt.Fprintf(&f.svg, `<line class="grid" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, f.x(v), f.x(v), f.top, f.top+f.height)
		f.text(f.x(v), f.top+f.height+16, "middle", short(v))
	}
	f.text(f.left+f.width/2, f.top+f.height+34, "middle", xLabel)
	for i, r := range rows {
		y := f.top + 26*float64(i) + 13
		f.text(f.left-10, y+4, "end", r.Name)
		if !math.IsNaN(r.Low) && !math.IsNaN(r.High) {
			fmt.Fprintf(&f.svg, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="2"/>`, f.x(r.Low), f.x(r.High), y, y, palette[0])
		}
		if !math.IsNaN(r.Value) {
			fmt.Fprintf(&f.svg, `<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>`, f.x(r.Value), y, palette[0])
		}
		if !math.IsNaN(r.Mark) {
			x := f.x(r.Mark)
			fmt.Fprintf(&f.svg, `<path d="M%.1f %.1fl6 6l-6 6l-6 -6z" fill="none" stroke="%s" stroke-width="1.6"/>`, x, y-6, palette[1])
		}
	}
	return f.done()
}
