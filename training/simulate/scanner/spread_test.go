package scanner

import (
	"math"
	"testing"

	"lungbox/training/simulate/seed"
)

func uniformTissue(fan *Fan, optics Optics, key seed.Key) *Field {
	field := NewField(fan.Beams, fan.Samples)
	d := key.Draws()
	for i := range field.Re {
		s := d.Speckle()
		field.Re[i], field.Im[i] = real(s), imag(s)
	}
	NewSpread(fan, optics).Apply(field, NewField(fan.Beams, fan.Samples))
	return field
}

func envelope(f *Field, beam, sample int) float64 {
	i := beam*f.Samples + sample
	return math.Hypot(float64(f.Re[i]), float64(f.Im[i]))
}

// Fully developed speckle has a Rayleigh distributed envelope: mean/deviation is
// √(π/(4−π)) = 1.91 (Burckhardt 1978, doi 10.1109/T-SU.1978.30978).
func TestUniformTissueHasRayleighSpeckle(t *testing.T) {
	optics := Optics{Frequency: 3.5, Cycles: 2, FNumber: 3, Focus: 60}
	for name, fan := range fans() {
		field := uniformTissue(&fan, optics, seed.New(5).Of(name))
		var sum, square, n float64
		for b := range fan.Beams {
			for s := 10; s < fan.Samples-10; s++ {
				e := envelope(field, b, s)
				sum, square, n = sum+e, square+e*e, n+1
			}
		}
		mean := sum / n
		ratio := mean / math.Sqrt(square/n-mean*mean)
		if math.Abs(ratio/1.913-1) > 0.1 {
			t.Errorf("%s: mean/deviation of the envelope is %.3f, want 1.91 ± 10 %%", name, ratio)
		}
		if power := square / n; math.Abs(power-1) > 0.1 {
			t.Errorf("%s: the spread changed the mean square from 1 to %.3f", name, power)
		}
	}
}

// correlationLength is the distance across beams, in mm, at which the field's
// correlation falls to one half, in a band of samples.
func correlationLength(fan *Fan, f *Field, from, until int) float64 {
	depth := (float64(from+until) / 2) * fan.Step()
	at := func(lag int) float64 {
		sum := 0.0
		for b := range fan.Beams - lag {
			for s := from; s < until; s++ {
				i, j := b*f.Samples+s, (b+lag)*f.Samples+s
				sum += float64(f.Re[i]*f.Re[j] + f.Im[i]*f.Im[j])
			}
		}
		return sum / float64(fan.Beams-lag)
	}
	full, before := at(0), 1.0
	for lag := 1; lag < 12; lag++ {
		now := at(lag) / full
		if now < 0.5 {
			return (float64(lag-1) + (before-0.5)/(before-now)) * fan.Pitch(depth)
		}
		before = now
	}
	return math.Inf(1)
}

func TestSpeckleWidensWithDepth(t *testing.T) {
	fan := fans()["convex"]
	optics := Optics{Frequency: 3.5, Cycles: 2, FNumber: 3, Focus: 40}
	field := uniformTissue(&fan, optics, seed.New(6))
	previous := 0.0
	for _, depth := range []float64{40, 70, 100, 130} {
		middle := int(depth / fan.Step())
		length := correlationLength(&fan, field, middle-25, middle+25)
		if length <= previous*1.05 {
			t.Errorf("at %g mm speckle is %.2f mm wide, not clearly wider than the %.2f mm nearer by", depth, length, previous)
		}
		previous = length
	}
}

func TestSpreadOfAPoint(t *testing.T) {
	fan := fans()["linear"]
	optics := Optics{Frequency: 8, Cycles: 2, FNumber: 2.5, Focus: 25}
	field := NewField(fan.Beams, fan.Samples)
	beam, sample := 80, int(25/fan.Step())
	field.Re[beam*fan.Samples+sample] = 1
	NewSpread(&fan, optics).Apply(field, NewField(fan.Beams, fan.Samples))
	peak := envelope(field, beam, sample)
	width := 0.0
	for b := range fan.Beams {
		e := envelope(field, b, sample)
		if e > peak*(1+1e-6) {
			t.Fatalf("beam %d is brighter than the point's own", b)
		}
		width += e / peak * fan.Pitch(25)
	}
	// A Gaussian's area is 1.064 times its width at half height.
	want := 1.064 * optics.beamWidth(25)
	if math.Abs(width/want-1) > 0.1 {
		t.Errorf("a point at the focus is %.3f mm wide, want %.3f ± 10 %%", width, want)
	}
}

func TestNoiseHasItsProfile(t *testing.T) {
	scan := Looks()[0].Scanner(seed.New(1).Draws(), 60)
	profile := scan.NoiseProfile()
	field := NewField(scan.Fan.Beams, scan.Fan.Samples)
	field.AddNoise(profile, seed.New(2).Draws())
	for _, at := range []int{20, 200, 400} {
		square := 0.0
		for b := range field.Beams {
			for s := at - 10; s < at+10; s++ {
				e := envelope(field, b, s)
				square += e * e
			}
		}
		got := 10 * math.Log10(square/float64(20*field.Beams))
		want := 20 * math.Log10(float64(profile[at]))
		if math.Abs(got-want) > 0.6 {
			t.Errorf("noise at sample %d is %.1f dB, want %.1f", at, got, want)
		}
	}
	if profile[0] >= profile[len(profile)-1] {
		t.Error("noise does not grow with depth")
	}
}
