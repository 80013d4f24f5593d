// Package plot draws the few diagrams of a report as SVG: curves, reliability,
// confusion, intervals. Colours are Okabe and Ito's, which colour-blind people tell
// apart. Values that are no numbers are left out.
package plot

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// palette is Okabe and Ito's, without yellow, which paper does not show.
var palette = [...]string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"}

// frame is a plot's area in its picture, with the values at its edges.
type frame struct {
	svg                      strings.Builder
	whole                    float64 // width of the picture
	left, top, width, height float64
	x0, x1, y0, y1           float64
}

// margin is what tick labels and a name take on the left, unless they need more.
const margin = 52

func newFrame(width, height float64, label string) *frame {
	f := &frame{whole: width, left: margin, top: 12, width: width - margin - 22, height: height - 12 - 42}
	fmt.Fprintf(&f.svg, `<svg viewBox="0 0 %.0f %.0f" width="%.0f" role="img" aria-label="%s">`, width, height, width, html.EscapeString(label))
	return f
}

func (f *frame) x(v float64) float64 { return f.left + (v-f.x0)/(f.x1-f.x0)*f.width }
func (f *frame) y(v float64) float64 { return f.top + f.height - (v-f.y0)/(f.y1-f.y0)*f.height }

func (f *frame) done() template.HTML {
	f.svg.WriteString("</svg>")
	return template.HTML(f.svg.String()) //nolint:gosec // every text in it was escaped
}

func (f *frame) text(x, y float64, anchor, words string) {
	fmt.Fprintf(&f.svg, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, html.EscapeString(words))
}

// finite says whether a value can be drawn.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// textWidth is about what words take in a plot's 12 pixel letters, rather more than
// less: a browser takes the font that it has.
func textWidth(words string) (width float64) {
	for _, r := range words {
		switch {
		case strings.ContainsRune("ijlft.,:;'|!()-+ r", r):
			width += 4.5
		case strings.ContainsRune("mwMW%", r):
			width += 11
		default:
			width += 7.7
		}
	}
	return width
}

// below writes the label of the horizontal axis: under its middle, as far as the
// picture has room for it there.
func (f *frame) below(label string) {
	half := textWidth(label) / 2
	middle := max(min(f.left+f.width/2, f.whole-half), half)
	f.text(middle, f.top+f.height+34, "middle", label)
}

// axes draws ticks, grid and labels; the limits must be set. Wide numbers on the left
// take their room from the plot.
func (f *frame) axes(xLabel, yLabel string) {
	left := f.left
	for _, v := range ticks(f.y0, f.y1) {
		f.left = max(f.left, 26+textWidth(short(v)))
	}
	f.width -= f.left - left
	for _, v := range ticks(f.y0, f.y1) {
		y := f.y(v)
		fmt.Fprintf(&f.svg, `<line class="grid" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`, f.left, f.left+f.width, y, y)
		f.text(f.left-6, y+4, "end", short(v))
	}
	for _, v := range ticks(f.x0, f.x1) {
		f.text(f.x(v), f.top+f.height+16, "middle", short(v))
	}
	fmt.Fprintf(&f.svg, `<path class="axis" d="M%.1f %.1fV%.1fH%.1f"/>`, f.left, f.top, f.top+f.height, f.left+f.width)
	f.below(xLabel)
	fmt.Fprintf(&f.svg, `<text transform="translate(13 %.1f) rotate(-90)" text-anchor="middle">%s</text>`, f.top+f.height/2, html.EscapeString(yLabel))
}

// ticks are round values between two limits, about five.
func ticks(low, high float64) (out []float64) {
	if !(high > low) {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/5)))
	for _, m := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*m) <= 6 {
			step *= m
			break
		}
	}
	for k := math.Ceil(low / step); k*step <= high+step*1e-9 && len(out) < 8; k++ {
		out = append(out, k*step)
	}
	return out
}

// short writes a tick's value without the noise of its computation.
func short(v float64) string {
	if size := math.Abs(v); size != 0 && (size < 1e-4 || size >= 1e6) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return strconv.FormatFloat(math.Round(v*1e6)/1e6+0, 'f', -1, 64) // + 0: no "-0"
}

// limits are those of all numbers among the values.
func limits(all ...[]float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, values := range all {
		for _, v := range values {
			if finite(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if low > high {
		return 0, 1
	}
	if low == high {
		room := max(0.5, math.Abs(low)/10)
		return low - room, high + room
	}
	return low, high
}
