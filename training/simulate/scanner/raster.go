package scanner

import (
	"image"
	"math"
)

// Raster is scan conversion: from beams and samples to the pixels of a picture.
// It holds, for each pixel, where to look; making one is slow, drawing is quick.
type Raster struct {
	width, height, fine int
	samples             int
	taps                []tap // fine·fine per pixel, row by row
}

type tap struct {
	first        int32 // element of the polar picture, −1 outside the fan
	beam, sample float32
	nextB, nextS int16 // steps to the neighbours, 0 at the border
}

// NewRaster prepares a picture of width×height pixels that shows box. Each pixel is
// the mean of fine×fine points; points outside the fan count as black, so that the
// fan's edge comes out as a masked picture that was resized.
func NewRaster(fan *Fan, box Box, width, height, fine int) *Raster {
	r := &Raster{width: width, height: height, fine: fine, samples: fan.Samples}
	r.taps = make([]tap, width*height*fine*fine)
	shown := fan.Bounds()
	across := (box.Right - box.Left) / float64(width*fine)
	down := (box.Bottom - box.Top) / float64(height*fine)
	i := 0
	for y := range height {
		for x := range width {
			for k := range fine * fine {
				px := box.Left + (float64(x*fine+k%fine)+0.5)*across
				pz := box.Top + (float64(y*fine+k/fine)+0.5)*down
				r.taps[i] = fan.tap(px, pz, shown)
				i++
			}
		}
	}
	return r
}

func (f *Fan) tap(x, z float64, shown Box) tap {
	beam, depth, inside := f.Locate(x, z)
	if !inside || x < shown.Left || x > shown.Right || z < shown.Top || z > shown.Bottom {
		return tap{first: -1}
	}
	sample := depth/f.Step() - 0.5
	beam = max(0, min(float64(f.Beams-1), beam))
	sample = max(0, min(float64(f.Samples-1), sample))
	b, s := math.Floor(beam), math.Floor(sample)
	t := tap{first: int32(b)*int32(f.Samples) + int32(s), beam: float32(beam - b), sample: float32(sample - s)}
	if int(b) < f.Beams-1 {
		t.nextB = int16(f.Samples)
	}
	if int(s) < f.Samples-1 {
		t.nextS = 1
	}
	return t
}

// Draw converts grey, a polar picture in the order of [Field], into dst, whose
// size must be the raster's. Pixels outside the fan are left as they are.
func (r *Raster) Draw(dst *image.Gray, grey []float32) {
	if dst.Rect.Dx() != r.width || dst.Rect.Dy() != r.height {
		panic("scanner: Draw into a picture of another size")
	}
	per := r.fine * r.fine
	scale := 1 / float32(per)
	i := 0
	for y := range r.height {
		row := dst.Pix[y*dst.Stride:][:r.width]
		for x := range row {
			sum, inside := float32(0), false
			for _, t := range r.taps[i : i+per] {
				if t.first < 0 {
					continue
				}
				inside = true
				at := grey[t.first:]
				near := at[0] + t.sample*(at[t.nextS]-at[0])
				far := at[t.nextB]
				far += t.sample * (at[int(t.nextB)+int(t.nextS)] - far)
				sum += near + t.beam*(far-near)
			}
			if inside {
				row[x] = uint8(sum*scale + 0.5)
			}
			i += per
		}
	}
}

// Mask blackens the pixels that lie wholly outside the fan.
func (r *Raster) Mask(picture *image.Gray) {
	per := r.fine * r.fine
	for i := range r.width * r.height {
		if !r.covers(i, per) {
			picture.Pix[i/r.width*picture.Stride+i%r.width] = 0
		}
	}
}

func (r *Raster) covers(pixel, per int) bool {
	for _, t := range r.taps[pixel*per:][:per] {
		if t.first >= 0 {
			return true
		}
	}
	return false
}

// Span is a run of pixels in a row, from Left up to but not including Right.
type Span struct{ Left, Right int }

// Spans gives, for each row of the raster, the runs of pixels that lie wholly or
// partly inside the fan: two in the rows that a convex array's face dips into.
func (r *Raster) Spans() [][]Span {
	per := r.fine * r.fine
	spans := make([][]Span, r.height)
	for y := range r.height {
		was := false
		for x := range r.width {
			inside := r.covers(y*r.width+x, per)
			if inside && !was {
				spans[y] = append(spans[y], Span{x, x})
			}
			if inside {
				spans[y][len(spans[y])-1].Right = x + 1
			}
			was = inside
		}
	}
	return spans
}
