package chest

import (
	"math"

	"lungbox/training/simulate/seed"
)

// wave is a smooth random function of one coordinate: normal values at a fixed
// spacing, joined by smooth steps. It repeats after its last value.
type wave struct {
	spacing float64 // mm
	values  []float64
}

// newWave draws a wave that is defined everywhere and repeats after 256 spacings.
func newWave(d *seed.Draws, spacing float64) wave {
	w := wave{spacing: spacing, values: make([]float64, 256)}
	for i := range w.values {
		w.values[i] = d.Normal(0, 1)
	}
	return w
}

// at has mean 0 and a deviation of 1 at the drawn values, a little less between.
func (w wave) at(x float64) float64 {
	x /= w.spacing
	whole := math.Floor(x)
	i, t := int(whole)&255, x-whole
	t = t * t * (3 - 2*t)
	return w.values[i] + t*(w.values[(i+1)&255]-w.values[i])
}

// fractal adds ever finer waves of ever smaller height: the border of a shred.
type fractal []wave

func newFractal(d *seed.Draws, coarsest float64, octaves int) fractal {
	f := make(fractal, octaves)
	for i := range f {
		f[i] = newWave(d, coarsest)
		coarsest /= 2.2
	}
	return f
}

func (f fractal) at(x float64) float64 {
	sum, height := 0.0, 1.0
	for _, w := range f {
		sum += height * w.at(x)
		height *= 0.55
	}
	return sum
}

// smoothStep rises from 0 at low to 1 at high.
func smoothStep(low, high, x float64) float64 {
	t := max(0, min(1, (x-low)/(high-low)))
	return t * t * (3 - 2*t)
}

// bell is a Gaussian of height 1.
func bell(x, deviation float64) float64 {
	x /= deviation
	return math.Exp(-x * x / 2)
}

// amplitude turns decibels below white into the magnitude of an echo.
// Steps of 1/32 dB are far below what a display can show.
func amplitude(decibels float64) float64 {
	i := int((decibels-weakest)*amplitudeSteps + 0.5)
	return float64(magnitudes[max(0, min(len(magnitudes)-1, i))])
}

const (
	weakest        = -140 // dB, practically nothing
	strongest      = 40
	amplitudeSteps = 32 // per dB
)

// magnitudes is the table behind amplitude: textures need millions of values.
var magnitudes = func() (table [(strongest-weakest)*amplitudeSteps + 1]float32) {
	for i := range table {
		table[i] = float32(math.Pow(10, (weakest+float64(i)/amplitudeSteps)/20))
	}
	return table
}()

// sheet is a smooth random function of two coordinates, stretched along the first.
type sheet struct {
	wave
	rows    float64 // spacing in the second coordinate
	offsets [256]float64
}

func newSheet(d *seed.Draws, across, down float64) *sheet {
	s := &sheet{wave: newWave(d, across), rows: down}
	for i := range s.offsets {
		s.offsets[i] = d.Between(0, 256*across)
	}
	return s
}

func (s *sheet) at(x, z float64) float64 {
	z /= s.rows
	whole := math.Floor(z)
	i, t := int(whole)&255, z-whole
	t = t * t * (3 - 2*t)
	near, far := s.wave.at(x+s.offsets[i]), s.wave.at(x+s.offsets[(i+1)&255])
	return near + t*(far-near)
}
