package scanner

import "math"

// Spread is how far the scanner smears one point: the pulse's length along the
// beam and the beam's width across, which changes with depth. Both are Gaussian,
// and both keep the mean square of fully developed speckle.
type Spread struct {
	axial   []float32   // odd number of taps
	lateral [][]float32 // lateral[k][s]: weight of the beam k−middle steps away at sample s
}

// Optics is what decides the spread.
type Optics struct {
	Frequency float64 // MHz, centre of the pulse
	Cycles    float64 // length of the pulse in wavelengths, at half height
	FNumber   float64 // focal depth / aperture
	Focus     float64 // mm
}

// soundSpeed in soft tissue, mm/µs.
const soundSpeed = 1.54

// beamWidth is the two-way beam's width at half height, mm: the diffraction limit
// wavelength·F-number at the focus, widening on both sides of it as the aperture's
// cone does, and slowly beyond because apertures grow with depth.
func (o Optics) beamWidth(depth float64) float64 {
	atFocus := soundSpeed / o.Frequency * o.FNumber
	off := depth - o.Focus
	cone := 0.04 * off
	if off < 0 {
		cone = -0.025 * off
	}
	// The last term is the diffraction of an aperture that can grow no further.
	return math.Hypot(atFocus, cone) + 0.01*depth
}

// half height of a Gaussian is at ±1.1774 standard deviations.
const fullWidth = 2 * 1.1774

// NewSpread computes the weights for a fan.
func NewSpread(fan *Fan, optics Optics) *Spread {
	pulse := soundSpeed / optics.Frequency / 2 * optics.Cycles / fullWidth / fan.Step()
	p := &Spread{axial: kernel(max(0.7, pulse), 4)}

	const reach = 6
	p.lateral = make([][]float32, 2*reach+1)
	for k := range p.lateral {
		p.lateral[k] = make([]float32, fan.Samples)
	}
	for s := range fan.Samples {
		depth := (float64(s) + 0.5) * fan.Step()
		sigma := optics.beamWidth(depth) / fullWidth / fan.Pitch(depth)
		for k, w := range kernel(max(0.45, min(3.2, sigma)), reach) {
			p.lateral[k][s] = w
		}
	}
	return p
}

// kernel is a sampled Gaussian whose squares sum to one.
func kernel(sigma float64, reach int) []float32 {
	exact := make([]float64, 2*reach+1)
	energy := 0.0
	for i := range exact {
		x := float64(i-reach) / sigma
		exact[i] = math.Exp(-x * x / 2)
		energy += exact[i] * exact[i]
	}
	taps := make([]float32, len(exact))
	for i, v := range exact {
		taps[i] = float32(v / math.Sqrt(energy))
	}
	return taps
}

// Apply smears a field in place; scratch is a field of the same shape whose
// contents are lost.
func (p *Spread) Apply(field, scratch *Field) {
	for b := range field.Beams {
		re, im := field.Beam(b)
		toRe, toIm := scratch.Beam(b)
		along(toRe, re, p.axial)
		along(toIm, im, p.axial)
	}
	reach := len(p.lateral) / 2
	for b := range field.Beams {
		re, im := field.Beam(b)
		clear(re)
		clear(im)
		for k, weight := range p.lateral {
			fromRe, fromIm := scratch.Beam(mirror(b+k-reach, field.Beams))
			accumulate(re, fromRe, weight)
			accumulate(im, fromIm, weight)
		}
	}
}

// mirror folds an index at the borders of the fan, where there is no further beam.
func mirror(i, n int) int {
	if i < 0 {
		return -1 - i
	}
	if i >= n {
		return 2*n - 1 - i
	}
	return i
}

func accumulate(to, from, weight []float32) {
	from, weight = from[:len(to)], weight[:len(to)]
	for s := range to {
		to[s] += weight[s] * from[s]
	}
}

func along(to, from, taps []float32) {
	clear(to)
	reach := len(taps) / 2
	for k, w := range taps {
		shift := k - reach
		first, last := max(0, -shift), min(len(to), len(to)-shift)
		source := from[first+shift : last+shift]
		for i, v := range source {
			to[first+i] += w * v
		}
	}
}
