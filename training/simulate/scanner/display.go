package scanner

import "math"

// Display turns echoes into grey: logarithmic compression, then the grey map.
type Display struct {
	Range float64 // dB between black and white; an echo of magnitude 1 is white
	Gamma float64 // of the grey map: below 1 lifts the dark greys
	Knee  float64 // 0 to 1: how S-shaped the grey map is
	Floor float64 // grey level, 0 to 255, of no echo at all
	Peak  float64 // grey level, 0 to 255, of white: exported clips are often dimmed
	Soft  float64 // 0 to 4: strength of the scanner's smoothing of speckle and of later resizing
}

// Grey is the level, 0 to 255, of an echo that lies decibels (negative) below white.
func (d Display) Grey(decibels float64) float64 {
	x := max(0, min(1, 1+decibels/d.Range))
	x = math.Pow(x, d.Gamma)
	x += d.Knee * (x*x*(3-2*x) - x)
	return d.Floor + (d.Peak-d.Floor)*x
}

// mantissaBits is how finely a Levels table resolves a factor of two in power:
// 64 steps are 0.05 dB each.
const mantissaBits = 6

// Levels is a Display as a table over the leading bits of a float32 power.
type Levels struct {
	grey []float32
	soft float32
}

// Levels computes the table.
func (d Display) Levels() *Levels {
	t := &Levels{grey: make([]float32, 1<<(8+mantissaBits)), soft: float32(d.Soft)}
	for i := range t.grey {
		power := math.Float32frombits(uint32(i)<<(23-mantissaBits) | 1<<(22-mantissaBits))
		decibels := 10 * math.Log10(float64(power))
		if math.IsNaN(decibels) { // the exponent of infinities: overdriven
			decibels = 0
		}
		t.grey[i] = float32(d.Grey(decibels))
	}
	return t
}

// Compress writes the grey level, 0 to 255, of every sample of field to grey, in
// the field's order.
func (t *Levels) Compress(grey []float32, field *Field) {
	re, im := field.Re[:len(grey)], field.Im[:len(grey)]
	for i := range grey {
		power := re[i]*re[i] + im[i]*im[i]
		grey[i] = t.grey[math.Float32bits(power)>>(23-mantissaBits)&(1<<(8+mantissaBits)-1)]
	}
	for left := t.soft; left > 0; left-- {
		smooth(grey, field.Beams, field.Samples, min(1, left)/4)
	}
}

// smooth mixes each sample with its neighbours along and across the beam, as
// scanners do against speckle; side is the share of each neighbour.
func smooth(grey []float32, beams, samples int, side float32) {
	centre := 1 - 2*side
	for b := range beams {
		row := grey[b*samples : (b+1)*samples]
		before := row[0]
		for s := 0; s+1 < samples; s++ {
			now := row[s]
			row[s] = centre*now + side*(before+row[s+1])
			before = now
		}
	}
	before := make([]float32, samples)
	copy(before, grey)
	for b := 0; b+1 < beams; b++ {
		row, after := grey[b*samples:(b+1)*samples], grey[(b+1)*samples:]
		for s, now := range row {
			row[s] = centre*now + side*(before[s]+after[s])
			before[s] = now
		}
	}
}
