package chest

import (
	"math"

	"lungbox/training/simulate/seed"
)

// rib is a rib's cross-section: a bright arc above a shadow.
type rib struct {
	middle float64 // along the chest wall, mm
	half   float64 // of its width, mm
	depth  float64 // of its nearest point along a beam, mm
	bend   float64 // radius of its surface, mm
	past   float64 // share of sound that gets through
	blur   float64 // mm, of the shadow's edge
	bright float64 // magnitude of its surface's echo
}

// newRibs lays ribs across the fan, as a transducer along the body sees them, or
// none or one at the border, as one between two ribs does.
func (b *Body) newRibs(d *seed.Draws, s *Site) []rib {
	middle := s.beams[len(s.beams)/2]
	past := amplitude(-d.Between(14, 42))
	if b.Cartilage {
		past = amplitude(-d.Between(8, 16))
	}
	one := func(x float64) rib {
		return rib{
			middle: x, half: b.RibWidth / 2 * d.Between(0.8, 1.15), bend: d.Between(7, 14), past: past,
			blur: d.Between(0.8, 3), bright: amplitude(-d.Between(8, 26)),
			depth: max(3, middle.pleura-d.Between(3, 8)),
		}
	}
	left, right := s.beams[0].place, s.beams[len(s.beams)-1].place
	switch d.Pick(6, 2, 2) {
	case 0:
		var ribs []rib
		// The operator centres the space between two ribs, more or less.
		first := d.Between(0.3, 0.7) * b.RibPitch
		for x := first; x < right+b.RibPitch; x += b.RibPitch {
			ribs = append(ribs, one(x))
		}
		for x := first - b.RibPitch; x > left-b.RibPitch; x -= b.RibPitch {
			ribs = append(ribs, one(x))
		}
		return ribs
	case 1:
		side := right
		if d.Chance(0.5) {
			side = left
		}
		return []rib{one(side * d.Between(0.45, 1))}
	}
	return nil
}

// shadow works out for each beam which rib it meets.
func (s *Site) shadow() {
	for b := range s.beams {
		beam := &s.beams[b]
		for _, r := range s.ribs {
			x := beam.place - r.middle
			open := smoothStep(-r.blur, r.blur, math.Abs(x)-r.half)
			if open = r.past + (1-r.past)*open; open < beam.open {
				beam.open = open
				beam.rib = r.depth + x*x/(2*r.bend)
				beam.bone = r.bright * (1 - open)
			}
		}
	}
}
