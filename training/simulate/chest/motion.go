package chest

import (
	"math"

	"lungbox/training/simulate/seed"
)

// motion is how the lung moves under a chest wall that stands still.
type motion struct {
	slide   float64 // mm, half of the lung's way along the chest wall in a breath
	breaths float64 // per second
	beat    float64 // mm, the heart's push
	beats   float64 // per second
	swell   float64 // share by which breathing thickens the chest wall
	phase   float64
}

// Sliding grows from the apex to the base; the heart moves the left lung.
func newMotion(d *seed.Draws, b *Body, zone int) motion {
	m := motion{breaths: b.Breaths, beats: b.Beats, phase: d.Between(0, 2*math.Pi)}
	m.slide = d.Between(1, 4)
	if lower(zone) {
		m.slide = d.Between(3, 9)
	}
	m.beat = d.Between(0, 0.2)
	if nearHeart(zone) {
		m.beat = d.Between(0.2, 1)
	}
	m.swell = d.Between(0.005, 0.025)
	return m
}

// offset is the lung's displacement along the chest wall at a time, mm.
func (m motion) offset(time float64) float64 {
	breath := 2*math.Pi*m.breaths*time + m.phase
	// Breathing out takes longer than breathing in.
	x := m.slide * math.Sin(breath+0.4*math.Sin(breath))
	_, beat := math.Modf(m.beats*time + m.phase)
	return x + m.beat*math.Exp(-8*beat)*math.Sin(14*beat)
}

// thickness is the chest wall's factor at a time.
func (m motion) thickness(time float64) float64 {
	return 1 + m.swell*math.Sin(2*math.Pi*m.breaths*time+m.phase+1)
}

// reach is the furthest that the lung gets from its middle position, mm.
func (m motion) reach() float64 { return m.slide + m.beat + 1 }
