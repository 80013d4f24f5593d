package chest

import (
	"math"
	"testing"

	"lungbox/training/simulate/seed"
)

func TestAmplitude(t *testing.T) {
	for _, c := range []struct{ decibels, want float64 }{
		{0, 1}, {20, 10}, {-20, 0.1}, {-6.0206, 0.5}, {-60, 0.001}, {-139, math.Pow(10, -6.95)},
	} {
		if got := amplitude(c.decibels); math.Abs(got/c.want-1) > 0.003 {
			t.Errorf("%g dB is %g, want %g", c.decibels, got, c.want)
		}
	}
	// Beyond the table it must saturate, not wrap or panic.
	if low, high := amplitude(-1e6), amplitude(1e6); low > 1e-6 || math.Abs(high-100) > 1 {
		t.Errorf("far outside the table: %g and %g", low, high)
	}
}

func TestSmoothStepAndBell(t *testing.T) {
	for _, c := range []struct{ got, want float64 }{
		{smoothStep(2, 4, 1), 0}, {smoothStep(2, 4, 3), 0.5}, {smoothStep(2, 4, 9), 1},
		{bell(0, 3), 1}, {bell(3, 3), math.Exp(-0.5)}, {bell(-3, 3), math.Exp(-0.5)},
	} {
		if math.Abs(c.got-c.want) > 1e-12 {
			t.Errorf("got %g, want %g", c.got, c.want)
		}
	}
}

// A wave passes through its values, has no jumps, and repeats.
func TestWave(t *testing.T) {
	w := newWave(seed.New(1).Draws(), 3)
	var sum, square float64
	for i, v := range w.values {
		if got := w.at(3 * float64(i)); math.Abs(got-v) > 1e-9 {
			t.Fatalf("value %d is %g, want %g", i, got, v)
		}
		sum, square = sum+v, square+v*v
	}
	if mean, power := sum/256, square/256; math.Abs(mean) > 0.25 || math.Abs(power-1) > 0.25 {
		t.Errorf("mean %.2f, mean square %.2f, want 0 and 1", mean, power)
	}
	previous := w.at(-50)
	for x := -50.0; x < 900; x += 0.05 {
		now := w.at(x)
		if math.Abs(now-previous) > 0.16 { // six deviations in 3 mm, at its steepest
			t.Fatalf("a jump of %.2f at %.2f mm", now-previous, x)
		}
		previous = now
	}
	for _, x := range []float64{-7.7, 0.4, 100.1} {
		if a, b := w.at(x), w.at(x+3*256); math.Abs(a-b) > 1e-9 {
			t.Errorf("at %g: %g, one period on %g", x, a, b)
		}
	}
}

// A sheet is smooth in both directions, and longer across than down if so asked.
func TestSheetIsStretched(t *testing.T) {
	s := newSheet(seed.New(2).Draws(), 12, 1)
	var across, down float64
	for i := range 2000 {
		x, z := float64(i)*1.7, float64(i)*0.61
		across += math.Abs(s.at(x+0.5, z) - s.at(x, z))
		down += math.Abs(s.at(x, z+0.5) - s.at(x, z))
	}
	if down < 4*across {
		t.Errorf("half a millimetre changes it by %.3f across and by %.3f down", across/2000, down/2000)
	}
	if a, b := s.at(5, 1-1e-9), s.at(5, 1+1e-9); math.Abs(a-b) > 1e-6 {
		t.Errorf("a jump from %g to %g between two rows", a, b)
	}
}

func TestFractalAddsDetail(t *testing.T) {
	coarse, fine := newFractal(seed.New(3).Draws(), 10, 1), newFractal(seed.New(3).Draws(), 10, 4)
	roughness := func(f fractal) (sum float64) {
		for x := 0.0; x < 500; x += 0.5 {
			sum += math.Abs(f.at(x+0.5) - f.at(x))
		}
		return sum
	}
	if c, f := roughness(coarse), roughness(fine); f < 2*c {
		t.Errorf("four octaves have a roughness of %.0f, one has %.0f", f, c)
	}
}

// Speckle must keep its strength when read on a column and, within a decibel,
// when read half-way between two: the lung slides by parts of a column.
func TestNoiseKeepsItsStrengthBetweenColumns(t *testing.T) {
	row := newNoise(seed.New(4).Draws(), 64)
	var on, between, n float64
	before := make([]complex64, 64)
	for range 400 {
		row.next()
		for r := range before {
			now := row.at(r)
			half := (now + before[r]) / 2
			on += square(now)
			between += square(half)
			before[r] = now
			n++
		}
	}
	if p := on / n; math.Abs(p-1) > 0.05 {
		t.Errorf("mean square on a column is %.3f, want 1", p)
	}
	if loss := decibels(on/n) - decibels(between/n); loss < 0 || loss > 1 {
		t.Errorf("half-way between columns speckle is %.2f dB weaker, want less than 1", loss)
	}
}
