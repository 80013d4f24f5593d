// Package robust changes pictures as operators, grabbers and archives do, without changing
// what they show of the lung: a score that follows such a change is worth little.
package robust

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"

	"lungbox/ensemble/arch"
)

// Change is one way to change a picture. Apply returns a new picture and leaves the old
// one as it is; what is black (no part of the fan) stays black unless it is moved.
type Change struct {
	Name  string
	Apply func(*image.Gray) *image.Gray
}

// dynamicRange is that of a scanner's display, in dB, from black to white: what a step of
// its gain knob does to grey levels depends on it (Szabo 2014, Diagnostic Ultrasound
// Imaging, section 10.6: 50 to 70 dB is usual).
const dynamicRange = 60

// Changes lists all changes.
func Changes() []Change {
	return []Change{
		{"gain +6 dB", func(p *image.Gray) *image.Gray { return gain(p, 6) }},
		{"gain -6 dB", func(p *image.Gray) *image.Gray { return gain(p, -6) }},
		{"JPEG quality 50", compressed},
		{"half resolution", halved},
		{"interlace", interlaced},
		{"crop 5 %", cropped},
		{"flip", flipped},
	}
}

func each(p *image.Gray, value func(x, y int) uint8) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, p.Rect.Dx(), p.Rect.Dy()))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Pix[y*out.Stride+x] = value(x, y)
		}
	}
	return out
}

func at(p *image.Gray, x, y int) uint8 { return p.Pix[y*p.Stride+x] }

// gain shifts the grey levels of a logarithmic display.
func gain(p *image.Gray, decibels float64) *image.Gray {
	shift := 255 * decibels / dynamicRange
	return each(p, func(x, y int) uint8 {
		v := at(p, x, y)
		if v <= 1 {
			return v
		}
		return uint8(min(255, max(2, math.Round(float64(v)+shift))))
	})
}

func compressed(p *image.Gray) *image.Gray {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, p, &jpeg.Options{Quality: 50}); err != nil {
		panic("robust: " + err.Error()) // only sides over 65535 pixels
	}
	back, err := jpeg.Decode(&file)
	if err != nil {
		panic("robust: JPEG just written: " + err.Error())
	}
	grey := back.(*image.Gray)
	return each(p, func(x, y int) uint8 {
		if at(p, x, y) <= 1 {
			return at(p, x, y) // the mask is put over the picture after the archive
		}
		return at(grey, x, y)
	})
}

// halved loses every second pixel both ways and is enlarged again.
func halved(p *image.Gray) *image.Gray {
	side := max(16, min(p.Rect.Dx(), p.Rect.Dy())/2)
	values := make([]float32, side*side)
	arch.Preprocess(values, p, side)
	small := image.NewGray(image.Rect(0, 0, side, side))
	for i, v := range values {
		small.Pix[i] = uint8(min(255, max(0, math.Round(255*(float64(v)*arch.Deviation+arch.Mean)))))
	}
	return small // stretched to the net's square like any other
}

// interlaced shows every second line as it was a field earlier, when everything lay a
// little to the side.
func interlaced(p *image.Gray) *image.Gray {
	shift := max(1, p.Rect.Dx()/100)
	return each(p, func(x, y int) uint8 {
		if y%2 == 1 {
			x = min(x+shift, p.Rect.Dx()-1)
		}
		return at(p, x, y)
	})
}

// cropped loses a twentieth on every side.
func cropped(p *image.Gray) *image.Gray {
	dx, dy := p.Rect.Dx()/20, p.Rect.Dy()/20
	out := image.NewGray(image.Rect(0, 0, p.Rect.Dx()-2*dx, p.Rect.Dy()-2*dy))
	for y := range out.Rect.Dy() {
		copy(out.Pix[y*out.Stride:][:out.Rect.Dx()], p.Pix[(y+dy)*p.Stride+dx:])
	}
	return out
}

func flipped(p *image.Gray) *image.Gray {
	return each(p, func(x, y int) uint8 { return at(p, p.Rect.Dx()-1-x, y) })
}
