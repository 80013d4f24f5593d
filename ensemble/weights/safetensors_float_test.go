package weights

import (
	"math"
	"math/rand/v2"
	"testing"
)

// halfValue is the definition of binary16 in the plainest arithmetic.
func halfValue(h uint16) float64 {
	sign := 1.0
	if h&0x8000 != 0 {
		sign = -1
	}
	exponent, fraction := int(h>>10&31), float64(h&0x3ff)
	switch exponent {
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	case 0:
		return sign * math.Ldexp(fraction, -24)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

func TestEveryHalf(t *testing.T) {
	for h := range 1 << 16 {
		want := float32(halfValue(uint16(h)))
		got := fromHalf(uint16(h))
		if !sameBits(got, want) {
			t.Fatalf("half %#04x is %v, want %v", h, got, want)
		}
		if back := Half(got); back != uint16(h) && got == got {
			t.Fatalf("half %#04x comes back as %#04x", h, back)
		}
	}
	if h := Half(float32(math.NaN())); halfValue(h) == halfValue(h) {
		t.Errorf("NaN became %#04x", h)
	}
}

// Between two neighbouring halves everything goes to the nearer, and the middle to
// the even one, up to the step from the largest half to infinity.
func TestRoundingToHalf(t *testing.T) {
	for low := range uint16(halfInfinity) {
		a, b := halfValue(low), halfValue(low+1)
		if low+1 == halfInfinity {
			b = 1 << 16 // where the next half would be
		}
		middle := float32((a + b) / 2)
		even := low + low&1
		for _, c := range []struct {
			value float32
			want  uint16
		}{
			{middle, even},
			{math.Nextafter32(middle, 0), low},
			{math.Nextafter32(middle, 1e9), low + 1},
			{-middle, even | 0x8000},
		} {
			if got := Half(c.value); got != c.want {
				t.Fatalf("%v became %#04x, want %#04x", c.value, got, c.want)
			}
		}
	}
	for _, v := range []float32{1e5, math.MaxFloat32, float32(math.Inf(1))} {
		if got := Half(v); got != halfInfinity {
			t.Errorf("%v became %#04x, want infinity", v, got)
		}
	}
}

func TestRoundingToBrainFloat(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	value := func(h uint16) float64 { return float64(math.Float32frombits(uint32(h) << 16)) }
	for range 100_000 {
		v := math.Float32frombits(random.Uint32())
		got := toBrainFloat(v)
		switch {
		case v != v:
			if value(got) == value(got) {
				t.Fatalf("NaN became %#04x", got)
			}
		case math.Abs(float64(v)) > float64(largest(BF16)):
			if !math.IsInf(value(got), 0) {
				t.Fatalf("%v became %v", v, value(got))
			}
		default:
			off := math.Abs(value(got) - float64(v))
			for _, neighbour := range []uint16{got - 1, got + 1} {
				if other := math.Abs(value(neighbour) - float64(v)); other < off || other == off && got&1 == 1 {
					t.Fatalf("%v became %v, %v is nearer", v, value(got), value(neighbour))
				}
			}
		}
	}
}

func TestLargestIsTheLastThatStaysFinite(t *testing.T) {
	for dtype, isInf := range map[DType]func(float32) bool{
		F16:  func(v float32) bool { return Half(v) == halfInfinity },
		BF16: func(v float32) bool { return toBrainFloat(v) == 0x7f80 },
	} {
		if last := largest(dtype); isInf(last) || !isInf(math.Nextafter32(last, float32(math.Inf(1)))) {
			t.Errorf("%s: %v is not the largest", dtype, last)
		}
	}
}
