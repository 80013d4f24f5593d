package outliers

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"lungbox/training/simulate/seed"
)

func fill(side int, value func(x, y int) float64) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			out.Pix[y*side+x] = uint8(max(0, min(255, value(x, y))))
		}
	}
	return out
}

// noise is white, or of blocks, as of a lost signal.
func noise(d *seed.Draws, side int) *image.Gray {
	level, deviation, block := d.Between(10, 140), d.Between(10, 70), 1+d.IntN(4)
	cells := make([]float64, (side/block+1)*(side/block+1))
	for i := range cells {
		cells[i] = level + deviation*d.NormFloat64()
	}
	return fill(side, func(x, y int) float64 { return cells[y/block*(side/block+1)+x/block] })
}

// testCard has bars, a ramp, a checkerboard, a grid or rings.
func testCard(d *seed.Draws, side int) *image.Gray {
	n, phase := 4+d.IntN(12), d.Float64()
	size := float64(side)
	switch d.IntN(5) {
	case 0:
		return fill(side, func(x, _ int) float64 { return 255 * float64(x*n/side) / float64(n-1) })
	case 1:
		return fill(side, func(x, y int) float64 { return 255 * (phase*float64(x) + (1-phase)*float64(y)) / size })
	case 2:
		return fill(side, func(x, y int) float64 { return 40 + 180*float64((x*n/side+y*n/side)%2) })
	case 3:
		step := side / n
		return fill(side, func(x, y int) float64 {
			if x%step < 2 || y%step < 2 {
				return 230
			}
			return 30
		})
	}
	return fill(side, func(x, y int) float64 {
		return 128 + 120*math.Sin(math.Hypot(float64(x)-size/2, float64(y)-size/2)*float64(n)/size*2)
	})
}

// menu has lines of text and boxes, light on dark or the other way round.
func menu(d *seed.Draws, side int) *image.Gray {
	back, front := uint8(d.IntN(50)), uint8(160+d.IntN(95))
	if d.Chance(0.3) {
		back, front = front, back
	}
	out := fill(side, func(_, _ int) float64 { return float64(back) })
	words := []string{"PATIENT", "PRESET", "LUNG", "ABDOMEN", "GAIN 54", "DEPTH 12 CM", "MI 0.8", "EXPORT", "SETTINGS", "FREEZE", "14:05:22", "NEW EXAM", "WORKLIST"}
	for y := 12 + d.IntN(10); y < side-4; y += 13 + d.IntN(14) {
		for x := 4 + d.IntN(12); x < side-40; x += 60 + d.IntN(60) {
			if d.Chance(0.25) {
				draw.Draw(out, image.Rect(x-3, y-11, x+50, y+4), image.NewUniform(color.Gray{Y: (back + front) / 2}), image.Point{}, draw.Src)
			}
			text := font.Drawer{Dst: out, Src: image.NewUniform(color.Gray{Y: front}), Face: basicfont.Face7x13, Dot: fixed.P(x, y)}
			text.DrawString(words[d.IntN(len(words))])
		}
	}
	return out
}

// photo has lit balls and boxes before a soft background, as a camera would see a desk.
func photo(d *seed.Draws, side int) *image.Gray {
	type thing struct{ x, y, r, bright float64 }
	var things []thing
	for range 2 + d.IntN(6) {
		things = append(things, thing{d.Float64(), d.Float64(), d.Between(0.06, 0.3), d.Between(60, 250)})
	}
	top, bottom, waves := d.Between(40, 220), d.Between(40, 220), d.Between(2, 9)
	return fill(side, func(px, py int) float64 {
		x, y := float64(px)/float64(side), float64(py)/float64(side)
		v := top + (bottom-top)*y + 12*math.Sin(waves*(x+2*y)) + 3*d.NormFloat64()
		for i, t := range things {
			dx, dy := (x-t.x)/t.r, (y-t.y)/t.r
			if i%2 == 0 && math.Hypot(dx, dy) < 1 {
				v = t.bright * max(0.15, math.Sqrt(1-dx*dx-dy*dy)*0.6-0.4*dx-0.3*dy)
			} else if i%2 == 1 && math.Abs(dx) < 1 && math.Abs(dy) < 0.7 {
				v = t.bright * (0.8 + 0.2*dx)
			}
		}
		return v
	})
}
