package chest

import (
	"math"

	"lungbox/training/simulate/seed"
)

// solid is a part of the lung without air: a consolidation.
type solid struct {
	middle, half float64 // along the pleura, mm
	depth        float64 // below the pleura or the fluid, mm
	level        float64 // dB
	shred        float64 // mm, how ragged its lower border is
	lobe         bool    // a whole lobe, with air in its bronchi
}

// planLayers draws consolidations and fluid for the state of the lung.
func (l *lung) planLayers(d *seed.Draws, s *Site) {
	left, right := s.beams[0].place, s.beams[len(s.beams)-1].place
	room := s.fan.Depth - s.body.PleuralDepth()
	one := func(half, depth float64) solid {
		return solid{
			middle: d.Between(0.6*left, 0.6*right), half: half, depth: depth,
			level: d.Between(-38, -29), shred: d.Between(0.15, 0.35) * depth,
		}
	}
	switch s.State.Score {
	case 2:
		// Small subpleural consolidations belong to the broken pleura.
		for range int(4 * s.State.Severity * d.Float64()) {
			l.solids = append(l.solids, one(d.Between(1.5, 4), d.Between(1.5, 4)))
		}
	case 3:
		switch d.Pick(4, 4, 2.5, 2) {
		case 0: // white lung, no consolidation worth the name
		case 1:
			for range 1 + d.IntN(3) {
				half := d.Between(6, 16)
				l.solids = append(l.solids, one(half, half*d.Between(0.6, 1.5)))
			}
		case 2:
			l.solids = append(l.solids, l.lobe(d, left, right, room))
		case 3:
			l.solids = append(l.solids, l.lobe(d, left, right, room))
			l.pourFluid(d, left, right, room)
		}
	}
	for _, c := range l.solids {
		border := newFractal(d, d.Between(4, 9), 4)
		for i := range l.layers {
			off := (l.place(i) - c.middle) / c.half
			if math.Abs(off) >= 1 {
				continue
			}
			thick := c.depth*math.Sqrt(1-off*off) + c.shred*border.at(l.place(i))
			if thick = max(0, thick); thick > 0 {
				l.layers[i].solid = max(l.layers[i].solid, l.layers[i].fluid+thick)
			}
		}
	}
	for i := range l.layers {
		l.layers[i].solid = max(l.layers[i].solid, l.layers[i].fluid)
	}
}

// lobe is a hepatised lobe: as wide as the picture and 30 mm or deeper.
func (l *lung) lobe(d *seed.Draws, left, right, room float64) solid {
	depth := d.Between(0.35, 1.1) * room
	return solid{
		middle: d.Between(0.4*left, 0.4*right), half: (right - left) * d.Between(0.4, 0.8), depth: depth,
		level: d.Between(-36, -27), shred: d.Between(0.08, 0.2) * depth, lobe: true,
	}
}

// pourFluid draws an effusion between the two pleurae, deeper towards one side.
func (l *lung) pourFluid(d *seed.Draws, left, right, room float64) {
	deep, slope := min(d.Between(4, 35), 0.5*room), d.Between(-1.2, 1.2)
	surface := newWave(d, d.Between(12, 30))
	for i := range l.layers {
		share := (l.place(i) - (left+right)/2) / max(1, right-left)
		l.layers[i].fluid = max(0, deep*(1+2*slope*share)+1.2*surface.at(l.place(i)))
	}
}

// fillSolids draws fluid, tissue, the shredded border and air in bronchi.
func (l *lung) fillSolids(d *seed.Draws, s *Site) {
	if len(l.solids) == 0 {
		return
	}
	uneven := newSheet(d, d.Between(5, 14), d.Between(3, 8))
	rough := newFractal(d, 3, 3)
	level := l.solids[0].level
	border, edge := d.Between(-24, -11), d.Between(0.4, 0.9)
	visceral := amplitude(d.Between(-16, -8))
	row := newNoise(d, l.rows)
	for c := range l.columns {
		row.next()
		at := l.layers[c]
		if at.solid == 0 {
			continue
		}
		x := l.place(c)
		shred := amplitude(border + 7*rough.at(x))
		re, im := l.rowsOf(c)
		for r := range re {
			below := float64(r) * l.step
			if below > at.solid+4*edge {
				break
			}
			echo := 0.0
			switch {
			case below < at.fluid:
				echo = amplitude(-62)
			case below < at.solid:
				echo = amplitude(level + 3*uneven.at(x, below))
			}
			if at.solid > at.fluid {
				echo += shred * bell(below-at.solid, edge)
			}
			if at.fluid > 0.5 {
				echo += visceral * bell(below-at.fluid, 0.35)
			}
			re[r] += float32(echo) * real(row.at(r))
			im[r] += float32(echo) * imag(row.at(r))
		}
	}
	for _, c := range l.solids {
		l.bronchi(d, c, s)
	}
}

// bronchi puts air bronchograms into a consolidation: bright spots, in a lobe
// also bright branching tubes.
func (l *lung) bronchi(d *seed.Draws, c solid, s *Site) {
	spots := int(c.half * c.depth / 40 * d.Float64())
	for range min(spots, 60) {
		x := c.middle + c.half*d.Between(-0.8, 0.8)
		l.stamp(s, x, l.fluidAt(x)+c.depth*d.Between(0.1, 0.95), d.Between(0.4, 1.3), d.Between(0.3, 0.6), d.Between(-20, -9), d.Speckle())
	}
	if !c.lobe {
		return
	}
	for range d.IntN(4) {
		x := c.middle + c.half*d.Between(-0.6, 0.6)
		depth := l.fluidAt(x) + c.depth*d.Between(0.1, 0.4)
		lean, level := d.Normal(0, 0.8), d.Between(-18, -10)
		for length := d.Between(8, 35); length > 0; length -= 0.5 {
			l.stamp(s, x, depth, 0.6, 0.4, level+d.Normal(0, 3), d.Speckle())
			lean += d.Normal(0, 0.1)
			x, depth = x+0.5*math.Sin(lean), depth+0.5*math.Cos(lean)
		}
	}
}

func (l *lung) fluidAt(place float64) float64 { return l.layers[l.column(place)].fluid }

// stamp adds a bright spot. Its sizes are true millimetres: columns stand for
// more of them the deeper they are, because beams diverge.
func (l *lung) stamp(s *Site, x, depth, across, down, level float64, phase complex64) {
	if column := l.column(x); depth >= l.layers[column].solid {
		return
	}
	middle := s.beams[len(s.beams)/2].pleura
	across *= s.fan.Pitch(middle) / s.fan.Pitch(middle+depth)
	across = max(across, 0.6*l.spacing)
	for c := l.column(x - 3*across); c <= l.column(x+3*across); c++ {
		re, im := l.rowsOf(c)
		side := amplitude(level) * bell(l.place(c)-x, across)
		first, last := int((depth-3*down)/l.step), int((depth+3*down)/l.step)
		for r := max(0, first); r <= min(l.rows-1, last); r++ {
			a := float32(side * bell(float64(r)*l.step-depth, down))
			re[r] += a * real(phase)
			im[r] += a * imag(phase)
		}
	}
}
