package fit

import (
	"image"
	"math"
	"math/cmplx"
	"math/rand/v2"

	"gonum.org/v1/gonum/dsp/fourier"
)

// mixStyle gives brightness values a part of another picture's amplitude spectrum and
// leaves them their own phase: grain, sharpness, contrast and fall-off with depth are in
// the amplitudes and belong to the scanner, where things are is in the phases (Yang and
// Soatto 2020, arXiv 2004.05498; Xu et al. 2021, arXiv 2105.11120). share is how much of
// the other's amplitude, 0 to 1. Both hold side·side values; black stays black.
func mixStyle(values, other []float64, side int, share float64) {
	s := newSpectrum(side)
	own, lent := s.forward(values), s.forward(other)
	for i, c := range own {
		if a := cmplx.Abs(c); a > 1e-12 {
			own[i] = c * complex(((1-share)*a+share*cmplx.Abs(lent[i]))/a, 0)
		}
	}
	mixed := s.inverse(own)
	for i, v := range values {
		if v > black {
			values[i] = min(max(mixed[i], 0), 1)
		} else {
			values[i] = 0
		}
	}
}

// black is the brightness up to which a place is no part of the ultrasound picture.
const black = 1.0 / 255

// spectrum does Fourier transforms of square pictures of real values. Only the half of
// the columns that is not the mirror of the other is kept.
type spectrum struct {
	side, half int
	rows       *fourier.FFT
	columns    *fourier.CmplxFFT
}

func newSpectrum(side int) *spectrum {
	return &spectrum{side: side, half: side/2 + 1, rows: fourier.NewFFT(side), columns: fourier.NewCmplxFFT(side)}
}

func (s *spectrum) forward(values []float64) []complex128 {
	out := make([]complex128, s.side*s.half)
	for y := range s.side {
		s.rows.Coefficients(out[y*s.half:][:s.half], values[y*s.side:][:s.side])
	}
	s.alongColumns(out, s.columns.Coefficients)
	return out
}

func (s *spectrum) inverse(spectrum []complex128) []float64 {
	s.alongColumns(spectrum, s.columns.Sequence)
	out := make([]float64, s.side*s.side)
	for y := range s.side {
		s.rows.Sequence(out[y*s.side:][:s.side], spectrum[y*s.half:][:s.half])
	}
	for i := range out {
		out[i] /= float64(s.side * s.side) // neither way is scaled
	}
	return out
}

func (s *spectrum) alongColumns(data []complex128, transform func(dst, src []complex128) []complex128) {
	column := make([]complex128, s.side)
	for x := range s.half {
		for y := range column {
			column[y] = data[y*s.half+x]
		}
		transform(column, column)
		for y, v := range column {
			data[y*s.half+x] = v
		}
	}
}

// brightnessOf is a picture resized to side×side, 0 to 1.
func brightnessOf(standardised []float32) []float64 {
	out := make([]float64, len(standardised))
	for i, v := range standardised {
		out[i] = float64(brightness(v))
	}
	return out
}

// sector blackens what another transducer's fan would not show: a ring segment round a
// centre above the picture. The outline of a fan tells scanners apart, so that a net that
// sees always the same outlines with the same scores learns those.
func sector(values []float64, side int, r *rand.Rand) {
	between := func(low, high float64) float64 { return low + (high-low)*r.Float64() }
	inner := between(0.02, 0.8) // radius of the transducer's face, in sides of the picture
	centreX, centreY := 0.5+between(-0.08, 0.08), -inner+between(-0.03, 0.06)
	half, outer := between(20, 55)*math.Pi/180, inner+between(0.8, 1.15)
	steepest := math.Tan(half)
	for y := range side {
		dy := (float64(y)+0.5)/float64(side) - centreY
		for x := range side {
			dx := (float64(x)+0.5)/float64(side) - centreX
			if radius := math.Hypot(dx, dy); radius < inner || radius > outer || math.Abs(dx) > steepest*dy {
				values[y*side+x] = 0
			}
		}
	}
}

// picker draws a picture whose style another one takes.
type picker func(r *rand.Rand) *image.Gray
