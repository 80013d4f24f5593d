package plot

import (
	"fmt"
	"html/template"
	"math"
)

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
			if b.Count == 0 || !finite(b.Confidence) || !finite(b.Accuracy) {
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
	const side = 50
	f := newFrame(margin+4*side+2, 36+4*side+2, label)
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
