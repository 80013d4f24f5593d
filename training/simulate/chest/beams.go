package chest

import (
	"math"

	"lungbox/training/simulate/scanner"
	"lungbox/training/simulate/seed"
)

// beam is what one beam of the fan meets, at rest.
type beam struct {
	pleura  float64 // depth of the pleura along the beam, mm
	place   float64 // where along the chest wall the beam meets the pleura, mm from the middle
	facing  float64 // 0 to 1: how squarely it does
	contact float64 // 0 to 1: how well the transducer touches the skin there
	rib     float64 // depth of a rib's surface, mm; 0 without a rib
	bone    float64 // magnitude of the rib's surface
	open    float64 // 0 to 1: the share of sound that the rib lets past
}

// layBeams finds the pleura along each beam. Its shape lies between the two
// extremes of a soft chest, pressed into the curve of the transducer, and a firm
// one, flat under it.
func (s *Site) layBeams(d *seed.Draws) {
	depth := s.body.PleuralDepth() * d.Between(0.85, 1.2)
	depth = min(depth, 0.42*s.fan.Depth)
	flat := d.Between(0.1, 0.9)
	if s.fan.Array == scanner.Phased || s.fan.Radius < 25 {
		flat = d.Between(0.6, 1)
	}
	tilt := math.Tan(d.Normal(0, 3.5) * math.Pi / 180)
	bow := d.Normal(0, 1.2) // mm
	if s.fan.Array == scanner.Linear {
		bow = d.Normal(-1, 1.2)
	}
	uneven := newWave(d, d.Between(18, 40))
	height := d.Between(0, 0.7)

	s.beams = make([]beam, s.fan.Beams)
	for b := range s.beams {
		x, z := s.fan.Point(float64(b), depth)
		p := depth
		if s.fan.Array != scanner.Linear {
			p += flat * (depth - z) * (s.fan.Radius + depth) / (s.fan.Radius + z)
		}
		p += tilt*x + height*uneven.at(x) + bow*x*x/(30*30)
		p = max(0.7*depth, min(1.7*depth, p))
		s.beams[b].pleura = p
		s.beams[b].place, _ = s.fan.Point(float64(b), p)
		s.beams[b].contact, s.beams[b].open = 1, 1
	}
	for b := range s.beams {
		near, far := s.beams[max(0, b-1)], s.beams[min(len(s.beams)-1, b+1)]
		slope := (far.pleura - near.pleura) / max(0.1, math.Abs(far.place-near.place))
		// A mirror of this roughness returns half of the sound at 14 degrees.
		s.beams[b].facing = bell(slope, 0.21)
	}
}

// pitch is the distance between neighbouring beams on the pleura, mm, in the
// middle of the fan.
func (s *Site) pitch() float64 {
	return s.fan.Pitch(s.beams[len(s.beams)/2].pleura)
}

// contact draws where the transducer is not pressed to the skin: often nowhere,
// otherwise at one end, where it tilts off.
func (s *Site) contact(d *seed.Draws) {
	// Skin folds, hair and fat bend beams: a slow change of strength across the fan.
	uneven, height := newWave(d, d.Between(6, 20)), d.Between(0, 4)
	for b := range s.beams {
		s.beams[b].contact = amplitude(-height * math.Abs(uneven.at(s.beams[b].place)))
	}
	for _, left := range []bool{true, false} {
		if d.Chance(0.25) {
			s.liftOff(d, left)
		}
	}
}

func (s *Site) liftOff(d *seed.Draws, left bool) {
	edge := d.Between(0.04, 0.3) // share of the beams
	loss, blur := amplitude(-d.Between(12, 40)), d.Between(0.05, 0.15)
	for b := range s.beams {
		at := (float64(b) + 0.5) / float64(len(s.beams))
		if !left {
			at = 1 - at
		}
		s.beams[b].contact *= loss + (1-loss)*smoothStep(edge-blur, edge+blur, at)
	}
}

// profiles draws what all beams share: the error of the gain over depth, and the
// ring-down of the transducer.
func (s *Site) profiles(d *seed.Draws, scan *scanner.Scanner) {
	overall := d.Normal(-4, 3.5) + s.body.Tissue
	mistuned := newWave(d, s.fan.Depth/d.Between(2, 5))
	height := d.Between(0, 3)
	stripes, ringing := newWave(d, 0.9), d.Between(-32, -14)
	s.gain = make([]float32, s.fan.Samples)
	s.ring = make([]float32, s.fan.Samples)
	for i := range s.gain {
		depth := (float64(i) + 0.5) * s.fan.Step()
		s.gain[i] = float32(amplitude(overall + height*mistuned.at(depth) - s.body.Attenuation*max(0, depth-25)))
		s.ring[i] = float32(amplitude(ringing+5*stripes.at(depth)) * math.Exp(-depth/scan.RingDown*1.5))
	}
}
