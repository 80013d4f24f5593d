// Package grey turns decoded pictures into the two things a frame carries: the
// full-range 8-bit grey picture and the share of it that is clearly coloured.
//
// Ultrasound is grey, or tinted: many scanners lay one colour map (blue, sepia)
// over the grey levels, so that the colour of a pixel follows from its
// brightness. Photographs, menus and test cards have colours that brightness does
// not explain, or colours far stronger than any tint. [Colour] counts those.
package grey

import (
	"image"
	"image/draw"
	"math"
)

// Limits on chroma distances, in steps of the 8-bit Cb and Cr scales. Measured on
// 53 real clips: the strongest tint lies 12 from grey, its spread around the tint
// below 6; single pixels of cut-off logos reach 64.
const (
	// strong is a distance from grey that no tint has: sepia maps reach about 48,
	// the colours of a test card 80 and more.
	strong = 64
	// unexplained is a distance from the usual colour of pixels as bright.
	unexplained = 20
)

// levels is the number of brightness classes that a tint is measured in.
const levels = 16

// Planes is a picture as brightness and colour: full-range Y, Cb and Cr as in
// JPEG, the colour planes of any subsampling.
type Planes struct {
	Y      *image.Gray
	Cb, Cr []byte
	Stride int // of Cb and Cr
	Width  int // of Cb and Cr; 0 when there is no colour
	Height int
}

// samples is about how many pixels Colour looks at; a share needs no more.
const samples = 40_000

// Colour is the share of the picture, 0 to 1, that is clearly coloured; 0 for a
// picture without colour planes. Large pictures are sampled on a grid.
func Colour(p Planes) float64 {
	if p.Width*p.Height == 0 {
		return 0
	}
	step := max(1, int(math.Sqrt(float64(p.Width*p.Height)/samples)))
	across, down := p.Y.Rect.Dx(), p.Y.Rect.Dy()
	each := func(visit func(level int, cb, cr byte)) {
		for y := min(step/2, p.Height-1); y < p.Height; y += step {
			luma := p.Y.Pix[y*down/p.Height*p.Y.Stride:]
			for x := min(step/2, p.Width-1); x < p.Width; x += step {
				i := y*p.Stride + x
				visit(int(luma[x*across/p.Width])*levels/256, p.Cb[i], p.Cr[i])
			}
		}
	}
	// Medians, not means: a logo must not colour the grey pixels as bright as it.
	var tallyB, tallyR [levels][256]int
	each(func(l int, cb, cr byte) {
		tallyB[l][cb]++
		tallyR[l][cr]++
	})
	var usualB, usualR [levels]int
	for l := range levels {
		usualB[l], usualR[l] = median(&tallyB[l]), median(&tallyR[l])
	}
	seen, coloured := 0, 0
	each(func(l int, cb, cr byte) {
		seen++
		b, r := int(cb), int(cr)
		if far(b-128, r-128, strong) || far(b-usualB[l], r-usualR[l], unexplained) {
			coloured++
		}
	})
	return float64(coloured) / float64(seen)
}

func median(tally *[256]int) int {
	total := 0
	for _, n := range tally {
		total += n
	}
	below := 0
	for v, n := range tally {
		if below += n; 2*below > total {
			return v
		}
	}
	return 0
}

func far(b, r, limit int) bool { return b*b+r*r > limit*limit }

// FromImage converts a decoded picture. The grey picture is new, starts at (0,0)
// and is the picture's luma (ITU-R BT.601, as in JPEG); 16-bit pictures keep
// their upper 8 bits, transparent parts are black.
func FromImage(picture image.Image) (grey *image.Gray, colour float64) {
	bounds := picture.Bounds()
	grey = image.NewGray(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	switch p := picture.(type) {
	case *image.Gray, *image.Gray16:
		draw.Draw(grey, grey.Rect, picture, bounds.Min, draw.Src)
		return grey, 0
	case *image.YCbCr:
		for y := range bounds.Dy() {
			copy(grey.Pix[y*grey.Stride:][:bounds.Dx()], p.Y[p.YOffset(bounds.Min.X, bounds.Min.Y+y):])
		}
		first := p.COffset(bounds.Min.X, bounds.Min.Y)
		width := p.COffset(bounds.Max.X-1, bounds.Min.Y) - first + 1
		height := (p.COffset(bounds.Min.X, bounds.Max.Y-1)-first)/p.CStride + 1
		return grey, Colour(Planes{grey, p.Cb[first:], p.Cr[first:], p.CStride, width, height})
	}
	rgba := image.NewRGBA(grey.Rect)
	draw.Draw(rgba, rgba.Rect, picture, bounds.Min, draw.Src)
	planes := Planes{grey, make([]byte, len(grey.Pix)), make([]byte, len(grey.Pix)), grey.Stride, grey.Rect.Dx(), grey.Rect.Dy()}
	for i := range grey.Pix {
		px := rgba.Pix[4*i:][:3]
		grey.Pix[i], planes.Cb[i], planes.Cr[i] = ycc(px[0], px[1], px[2])
	}
	return grey, Colour(planes)
}

// ycc is image/color.RGBToYCbCr in floating point: grey in is exactly grey out.
func ycc(r, g, b byte) (y, cb, cr byte) {
	fr, fg, fb := float64(r), float64(g), float64(b)
	luma := 0.299*fr + 0.587*fg + 0.114*fb
	clip := func(v float64) byte { return byte(math.Max(0, math.Min(255, math.Round(v)))) }
	return clip(luma), clip(128 + (fb-luma)/1.772), clip(128 + (fr-luma)/1.402)
}
