package seed

import (
	"math"
	"testing"
)

func TestStreamsDependOnThePathAlone(t *testing.T) {
	paths := map[string]Key{
		"root":            New(1),
		"other seed":      New(2),
		"a":               New(1).Of("a"),
		"b":               New(1).Of("b"),
		"a 0":             New(1).Of("a", 0),
		"a 1":             New(1).Of("a", 1),
		"a 0 1":           New(1).Of("a", 0, 1),
		"a 1 0":           New(1).Of("a", 1, 0),
		"ab":              New(1).Of("ab"),
		"a then b":        New(1).Of("a").Of("b"),
		"name of numbers": New(1).Of("a", 98),
		"negative":        New(1).Of("a", -1),
	}
	seen := map[uint64]string{}
	for name, key := range paths {
		first, again := key.Draws(), key.Draws()
		value := first.Uint64()
		if again.Uint64() != value || again.Uint64() != first.Uint64() {
			t.Errorf("%s: two streams of one key differ", name)
		}
		if other, twice := seen[value]; twice {
			t.Errorf("%s and %s start with the same number", name, other)
		}
		seen[value] = name
	}
}

// Neighbouring frames must not have similar noise.
func TestNeighbouringKeysAreIndependent(t *testing.T) {
	const n = 4000
	sum := 0.0
	for i := range n {
		a, b := New(7).Of("noise", i).Draws(), New(7).Of("noise", i+1).Draws()
		sum += a.NormFloat64() * b.NormFloat64()
	}
	if r := sum / n; math.Abs(r) > 0.06 {
		t.Errorf("correlation of neighbours is %.3f, want 0 ± 0.06", r)
	}
}

func TestDistributions(t *testing.T) {
	const n = 40_000
	d := New(3).Draws()
	var power, mean, outside float64
	picked := make([]float64, 3)
	chances := 0.0
	for range n {
		s := d.Speckle()
		power += float64(real(s)*real(s) + imag(s)*imag(s))
		x := d.Normal(5, 2)
		mean += x
		if x < -1 || x > 11 {
			outside++
		}
		if y := d.Between(-2, 3); y < -2 || y >= 3 {
			t.Fatalf("Between(-2, 3) drew %g", y)
		}
		picked[d.Pick(1, 0, 3)]++
		if d.Chance(0.3) {
			chances++
		}
	}
	for _, c := range []struct {
		name             string
		got, want, slack float64
	}{
		{"mean square of speckle", power / n, 1, 0.03},
		{"mean of Normal(5, 2)", mean / n, 5, 0.05},
		{"draws beyond three deviations", outside, 0, 0},
		{"share of weight 1 of 4", picked[0] / n, 0.25, 0.01},
		{"share of weight 0", picked[1], 0, 0},
		{"share of chance 0.3", chances / n, 0.3, 0.01},
	} {
		if math.Abs(c.got-c.want) > c.slack {
			t.Errorf("%s is %.4f, want %g ± %g", c.name, c.got, c.want, c.slack)
		}
	}
}
