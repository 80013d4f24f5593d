package scanner

import "lungbox/training/simulate/seed"

// Field is the complex echo of every sample, beam by beam: sample s of beam b is
// element b·Samples+s. Real and imaginary parts are apart because that is quicker.
type Field struct {
	Beams, Samples int
	Re, Im         []float32
}

// NewField makes a field of zeros.
func NewField(beams, samples int) *Field {
	return &Field{Beams: beams, Samples: samples, Re: make([]float32, beams*samples), Im: make([]float32, beams*samples)}
}

// Beam gives the samples of one beam, to read and write.
func (f *Field) Beam(beam int) (re, im []float32) {
	from, until := beam*f.Samples, (beam+1)*f.Samples
	return f.Re[from:until:until], f.Im[from:until:until]
}

// AddNoise adds the receiver's own noise: independent from frame to frame,
// narrow-banded along the beam like everything that passes the receive filter.
// amplitude holds the root mean square per sample; the gain over depth is in it.
func (f *Field) AddNoise(amplitude []float32, draws *seed.Draws) {
	const main, side = 0.8165, 0.4082 // a filter of three taps with mean square 1
	for b := range f.Beams {
		re, im := f.Beam(b)
		before, now := draws.Speckle(), draws.Speckle()
		for s, a := range amplitude {
			after := draws.Speckle()
			re[s] += a * (main*real(now) + side*(real(before)+real(after)))
			im[s] += a * (main*imag(now) + side*(imag(before)+imag(after)))
			before, now = now, after
		}
	}
}
