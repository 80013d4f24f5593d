package scanner

import (
	"image"
	"math"

	"lungbox/training/simulate/seed"
)

// Grabber is what lies between a scanner's screen and the stored grey picture: capture of
// analogue video, resizing by recorders and archives, a colour map made grey again. The zero
// value changes nothing.
type Grabber struct {
	// Interlaced: every second line is a field older (half a frame), as analogue video has it.
	Interlaced bool
	// Scale is the part of the resolution that is left, 0 to 1; 0 for all.
	Scale float64
	// Tint is a colour map: the exponents by which red, green and blue rise with the level.
	// What is stored is their luma. 0 for grey.
	Tint [3]float64
}

// luma of red, green and blue (ITU-R BT.601).
var luma = [3]float64{0.299, 0.587, 0.114}

// newGrabber draws what a clip has been through.
func newGrabber(d *seed.Draws) Grabber {
	var g Grabber
	g.Interlaced = d.Chance(0.15)
	if d.Chance(0.25) {
		g.Scale = d.Between(0.4, 0.9)
	}
	if d.Chance(0.25) {
		warm := d.Between(-0.6, 0.6) // above 0 sepia, below 0 blue
		g.Tint = [3]float64{math.Exp(-warm), 1, math.Exp(warm)}
	}
	return g
}

// Grab passes on a picture. field is the picture of a field earlier, nil unless Interlaced.
func (g Grabber) Grab(picture, field *image.Gray) *image.Gray {
	if g.Interlaced && field != nil {
		for y := 1; y < picture.Rect.Dy(); y += 2 {
			copy(picture.Pix[y*picture.Stride:][:picture.Rect.Dx()], field.Pix[y*field.Stride:])
		}
	}
	if g.Tint != [3]float64{} {
		var curve [256]uint8
		for i := range curve {
			level := 0.0
			for c, exponent := range g.Tint {
				level += luma[c] * math.Pow(float64(i)/255, exponent)
			}
			curve[i] = uint8(255*level + 0.5)
		}
		for i, v := range picture.Pix {
			picture.Pix[i] = curve[v]
		}
	}
	if g.Scale > 0 && g.Scale < 1 {
		size := picture.Rect.Size()
		small := image.Pt(max(1, int(g.Scale*float64(size.X))), max(1, int(g.Scale*float64(size.Y))))
		picture = resample(resample(picture, small), size)
	}
	return picture
}

// resample resizes a picture, bilinearly: where it becomes smaller, fine detail folds over, as
// cheap recorders let it.
func resample(p *image.Gray, size image.Point) *image.Gray {
	out := image.NewGray(image.Rectangle{Max: size})
	from := p.Rect.Size()
	place := func(i, n, of int) (int, int, float32) {
		at := max(0, min(float64(of-1), (float64(i)+0.5)*float64(of)/float64(n)-0.5))
		low := int(at)
		return low, min(of-1, low+1), float32(at - float64(low))
	}
	for y := range size.Y {
		y0, y1, ty := place(y, size.Y, from.Y)
		for x := range size.X {
			x0, x1, tx := place(x, size.X, from.X)
			at := func(i, j int) float32 { return float32(p.Pix[j*p.Stride+i]) }
			top := at(x0, y0)*(1-tx) + at(x1, y0)*tx
			bottom := at(x0, y1)*(1-tx) + at(x1, y1)*tx
			out.Pix[y*out.Stride+x] = uint8(top*(1-ty) + bottom*ty + 0.5)
		}
	}
	return out
}
