package fit

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"lungbox/training/dataset"
)

// texture is a picture of noise of one coarseness in a black frame.
func texture(side, coarse int, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	cells := make([]float64, side*side)
	for i := range cells {
		cells[i] = 0.3 + 0.4*r.Float64()
	}
	out := make([]float64, side*side)
	for y := 4; y < side-4; y++ {
		for x := 4; x < side-4; x++ {
			out[y*side+x] = cells[y/coarse*side+x/coarse]
		}
	}
	return out
}

// fine is the share of a picture's energy that lies in the finer half of its spectrum.
func fine(values []float64, side int) float64 {
	s := newSpectrum(side)
	high, all := 0.0, 0.0
	for i, c := range s.forward(values) {
		y, x := i/s.half, i%s.half
		if i == 0 {
			continue
		}
		power := cmplx.Abs(c) * cmplx.Abs(c)
		all += power
		if math.Hypot(float64(min(y, side-y)), float64(x)) > float64(side)/4 {
			high += power
		}
	}
	return high / all
}

// A picture that takes all of another one's amplitudes has its grain, and the more it
// takes the more of it; with none it stays as it was. Its frame stays black.
func TestStyle(t *testing.T) {
	for _, side := range []int{32, 45} { // odd sides have no middle frequency
		coarse, grainy := texture(side, 8, 1), texture(side, 1, 2)
		before := fine(coarse, side)
		last := before
		for _, share := range []float64{0, 0.4, 0.8} {
			got := append([]float64{}, coarse...)
			mixStyle(got, grainy, side, share)
			off := 0.0
			for i, v := range got {
				if coarse[i] == 0 && v != 0 || v < 0 || v > 1 || math.IsNaN(v) {
					t.Fatalf("side %d, share %v: %v where there was %v", side, share, v, coarse[i])
				}
				off = max(off, math.Abs(v-coarse[i]))
			}
			switch now := fine(got, side); {
			case share == 0 && off > 1e-9:
				t.Errorf("side %d: share 0 changes the picture by %v", side, off)
			case share > 0 && now < 1.03*last:
				t.Errorf("side %d: with share %v the finer half has %.3f of the energy, with less %.3f", side, share, now, last)
			default:
				last = now
			}
		}
	}
}

// Another fan takes away the sides and leaves the middle; it never shows what was black.
func TestSector(t *testing.T) {
	const side = 64
	lit := 0
	for seed := range uint64(100) {
		values := make([]float64, side*side)
		for i := range values {
			values[i] = 0.5
		}
		sector(values, side, rand.New(rand.NewPCG(seed, 1)))
		middle, all := values[side/2*side+side/2], 0
		for _, v := range values {
			if v != 0 {
				all++
			}
		}
		if middle == 0 || all < side*side/6 {
			t.Errorf("seed %d leaves %d of %d places, %v in the middle", seed, all, side*side, middle)
		}
		lit += all
	}
	if share := float64(lit) / 100 / side / side; share > 0.9 {
		t.Errorf("%.2f of the picture stays: that is no other fan", share)
	}
}

// A picture without a score, which is no lung, shall give none.
func TestTargetOfNoLung(t *testing.T) {
	row := make([]float32, 4)
	for _, c := range []Config{{}, {Smoothing: 0.2}, {Grades: 0.6}} {
		c.target(row, dataset.Unscored)
		for _, p := range row {
			if p != 0.25 {
				t.Errorf("%+v: target %v", c, row)
			}
		}
	}
}

// Targets add up to one, are highest at the score and fall with the distance from it.
func TestTarget(t *testing.T) {
	row := make([]float32, 4)
	for _, c := range []Config{{}, {Smoothing: 0.2}, {Grades: 0.6}, {Grades: 0.6, Smoothing: 0.05}} {
		for score := range 4 {
			c.target(row, score)
			sum := float32(0)
			for s, p := range row {
				sum += p
				if s != score && p >= row[score] {
					t.Errorf("%+v: target %v for score %d", c, row, score)
				}
			}
			if math.Abs(float64(sum)-1) > 1e-6 {
				t.Errorf("%+v: targets %v add up to %v", c, row, sum)
			}
		}
		c.target(row, 0)
		if graded := row[1] > row[2] && row[2] > row[3]; graded != (c.Grades > 0) {
			t.Errorf("%+v: target %v for score 0", c, row)
		}
	}
}
