// Package seed gives every part of the phantom random numbers of its own.
//
// A [Key] is a path: seed, patient, loop, frame, purpose. Two keys with different
// paths give independent streams, and a key gives the same stream whoever asks,
// whenever and on how many threads. So a frame can be drawn alone, and a new draw
// in one place leaves all other places as they were.
package seed

import (
	"math"
	"math/rand/v2"
)

// Key names one stream of random numbers.
type Key struct{ high, low uint64 }

// New is the root of all keys of one phantom.
func New(seed uint64) Key {
	return Key{high: scramble(seed), low: scramble(^seed)}
}

// Of is the key one step further down the path, for example Of("loop", 3, 1).
func (k Key) Of(name string, numbers ...int) Key {
	for _, c := range []byte(name) {
		k = k.step(uint64(c))
	}
	k = k.step(256) // ends the name, so that "a" 98 is not "ab"
	for _, n := range numbers {
		k = k.step(uint64(n) + 257)
	}
	return k
}

func (k Key) step(value uint64) Key {
	return Key{high: scramble(k.high + value), low: scramble(k.low ^ k.high + 3*value)}
}

// scramble is one output of splitmix64 (Steele et al. 2014, doi 10.1145/2714064.2660195).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Draws starts the key's stream.
func (k Key) Draws() *Draws {
	return &Draws{rand.New(rand.NewPCG(k.high, k.low))}
}

// Draws is a stream of random numbers; not safe for two goroutines at once.
type Draws struct{ *rand.Rand }

// Between draws uniformly from [low, high).
func (d *Draws) Between(low, high float64) float64 { return low + (high-low)*d.Float64() }

// Normal draws from a normal distribution cut off at three deviations: one absurd
// patient in a hundred thousand would spoil a picture and teach nothing.
func (d *Draws) Normal(mean, deviation float64) float64 {
	return mean + deviation*max(-3, min(3, d.NormFloat64()))
}

// Chance is true with probability p.
func (d *Draws) Chance(p float64) bool { return d.Float64() < p }

// Pick draws an index with probability proportional to its weight.
func (d *Draws) Pick(weights ...float64) int {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	left := d.Float64() * total
	for i, w := range weights {
		if left -= w; left < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// Speckle draws one echo of many scatterers that no pulse can tell apart: a
// complex normal number with mean square 1, whose magnitude is Rayleigh distributed.
func (d *Draws) Speckle() complex64 {
	return complex(float32(d.NormFloat64()*math.Sqrt2/2), float32(d.NormFloat64()*math.Sqrt2/2))
}
