// Package realism compares simulated with real pictures: figure by figure, and by a
// classifier that tries to tell them apart. What such a classifier cannot tell, a net that
// learns from simulated pictures cannot hang on to either.
package realism

import (
	"image"
	"math"
	"slices"

	"lungbox/ensemble/arch"
)

// side of the square that statistics are taken on; sizes of things are in its pixels.
const side = 128

// Names of the statistics, in the order of Measure.
func Names() []string {
	return []string{
		"lit share", "mean level", "deviation", "10th percentile", "median", "90th percentile", "99th percentile",
		"dark share", "speckle SNR", "axial grain", "lateral grain", "fine share, axial", "fine share, lateral",
		"upper third", "middle third", "lower third", "lateral unevenness", "brightest depth",
	}
}

// Measure takes the statistics of a masked crop: levels 0 to 1 where it is lit, sizes in
// 128ths of its side.
func Measure(picture *image.Gray) []float64 {
	values := make([]float32, side*side)
	arch.Preprocess(values, picture, side)
	level := make([]float64, len(values))
	lit := make([]bool, len(values))
	var sorted []float64
	for i, v := range values {
		level[i] = min(1, max(0, float64(v)*arch.Deviation+arch.Mean))
		if level[i] > 1.5/255 {
			lit[i] = true
			sorted = append(sorted, level[i])
		}
	}
	if len(sorted) == 0 {
		return make([]float64, len(Names()))
	}
	slices.Sort(sorted)
	at := func(share float64) float64 { return sorted[int(share*float64(len(sorted)-1))] }
	mean, deviation := moments(sorted)
	dark := 0
	for _, v := range sorted {
		if v < 0.06 {
			dark++
		}
	}
	p := plane{level, lit}
	axial, lateral := p.grain(side, 1), p.grain(1, side)
	fineAxial, fineLateral := p.fine(side, 1), p.fine(1, side)
	thirds, uneven, depth := p.profile()
	return []float64{
		float64(len(sorted)) / side / side, mean, deviation, at(0.1), at(0.5), at(0.9), at(0.99),
		float64(dark) / float64(len(sorted)), p.speckle(), axial, lateral, fineAxial, fineLateral,
		thirds[0] / mean, thirds[1] / mean, thirds[2] / mean, uneven / mean, depth,
	}
}

func moments(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation)
}

// plane is a picture with its mask.
type plane struct {
	level []float64
	lit   []bool
}

// speckle is the median over small patches of mean by deviation: 1.91 in fully developed
// speckle before compression (Wagner et al. 1983), more after it.
func (p plane) speckle() float64 {
	const patch = 8
	var all []float64
	for y := 0; y+patch <= side; y += patch {
		for x := 0; x+patch <= side; x += patch {
			var inside []float64
			for k := range patch * patch {
				if i := (y+k/patch)*side + x + k%patch; p.lit[i] {
					inside = append(inside, p.level[i])
				}
			}
			if len(inside) < patch*patch {
				continue
			}
			if mean, deviation := moments(inside); mean > 0.08 && deviation > 0 {
				all = append(all, mean/deviation)
			}
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// grain is how many pixels along one direction (the step from element to element) levels
// take to lose half of their likeness, of what is left when a broad mean is taken away.
func (p plane) grain(along, across int) float64 {
	flat := p.flat(along)
	var variance float64
	n := 0
	for i, v := range flat {
		if p.lit[i] {
			variance += v * v
			n++
		}
	}
	if n == 0 || variance == 0 {
		return 0
	}
	variance /= float64(n)
	last := 1.0
	for lag := 1; lag < 16; lag++ {
		sum, pairs := 0.0, 0
		for line := range side {
			for k := 0; k+lag < side; k++ {
				i := line*across + k*along
				if j := i + lag*along; p.lit[i] && p.lit[j] {
					sum += flat[i] * flat[j]
					pairs++
				}
			}
		}
		now := sum / float64(max(1, pairs)) / variance
		if now < 0.5 {
			return float64(lag-1) + (last-0.5)/max(1e-9, last-now)
		}
		last = now
	}
	return 16
}

// flat takes the mean over 17 pixels along a direction away.
func (p plane) flat(along int) []float64 {
	out := make([]float64, len(p.level))
	for i := range p.level {
		if !p.lit[i] {
			continue
		}
		sum, n := 0.0, 0
		for k := -8; k <= 8; k++ {
			j := i + k*along
			if j < 0 || j >= len(p.level) || along == 1 && j/side != i/side || !p.lit[j] {
				continue
			}
			sum += p.level[j]
			n++
		}
		out[i] = p.level[i] - sum/float64(n)
	}
	return out
}

// fine is the share of the energy of differences that neighbours have, against those two
// and four pixels apart: high in sharp and noisy pictures.
func (p plane) fine(along, across int) float64 {
	energy := func(lag int) float64 {
		sum, n := 0.0, 0
		for line := range side {
			for k := 0; k+lag < side; k++ {
				i := line*across + k*along
				if j := i + lag*along; p.lit[i] && p.lit[j] {
					d := p.level[i] - p.level[j]
					sum += d * d
					n++
				}
			}
		}
		return sum / float64(max(1, n))
	}
	one, two, four := energy(1), energy(2), energy(4)
	return one / max(1e-9, one+two+four)
}

// profile is the mean level of the upper, middle and lower third of the lit rows, how
// uneven columns are, and the depth of the brightest row as a share of the lit rows.
func (p plane) profile() (thirds [3]float64, uneven, depth float64) {
	rows, columns := make([][]float64, side), make([][]float64, side)
	first, last := side, 0
	for i, in := range p.lit {
		if in {
			rows[i/side] = append(rows[i/side], p.level[i])
			columns[i%side] = append(columns[i%side], p.level[i])
			first, last = min(first, i/side), max(last, i/side)
		}
	}
	var counts [3]float64
	brightest := 0.0
	for y := first; y <= last; y++ {
		if len(rows[y]) == 0 {
			continue
		}
		mean, _ := moments(rows[y])
		k := min(2, 3*(y-first)/(last-first+1))
		thirds[k] += mean
		counts[k]++
		if mean > brightest {
			brightest, depth = mean, float64(y-first)/float64(last-first+1)
		}
	}
	for k := range thirds {
		thirds[k] /= max(1, counts[k])
	}
	var means []float64
	for _, c := range columns {
		if len(c) > side/4 {
			mean, _ := moments(c)
			means = append(means, mean)
		}
	}
	if len(means) > 0 {
		_, uneven = moments(means)
	}
	return thirds, uneven, depth
}
