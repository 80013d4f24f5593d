package convert

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A quantised value is at most half a step from the original, the largest of a
// channel is ±127, and a channel of zeros stays one.
func TestQuantise(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const channels, per = 5, 37
	kernel, scales := make([]float32, channels*per), make([]float32, channels)
	for i := range kernel {
		if channel := i / per; channel != 2 {
			kernel[i] = float32(r.NormFloat64() * math.Pow(10, float64(channel-3)))
		}
	}
	out := quantise(kernel, scales)
	for channel, scale := range scales {
		if !(scale > 0) {
			t.Fatalf("scale %v", scale)
		}
		peak := 0
		for i := range per {
			stored := int(int8(out[channel*per+i]))
			peak = max(peak, stored, -stored)
			if off := math.Abs(float64(stored)*float64(scale) - float64(kernel[channel*per+i])); off > 0.5001*float64(scale) {
				t.Errorf("channel %d: %v is stored as %d×%v", channel, kernel[channel*per+i], stored, scale)
			}
		}
		if want := 127; channel != 2 && peak != want || channel == 2 && peak != 0 {
			t.Errorf("channel %d: largest %d", channel, peak)
		}
	}
}
