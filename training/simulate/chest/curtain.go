package chest

import (
	"math"

	"lungbox/training/simulate/seed"
)

// curtain is the edge of the lung over an abdominal organ: liver or spleen fill
// the beams beyond it, and it moves with the breath (the "lung curtain").
type curtain struct {
	edge  float64 // place along the chest wall, mm
	right bool    // the organ is on the right
}

func newCurtain(d *seed.Draws, l *lung) *curtain {
	right := d.Chance(0.5)
	share := d.Between(0.08, 0.35) // of the picture
	edge := l.from + share*float64(l.columns)*l.spacing
	if right {
		edge = l.place(l.columns) - share*float64(l.columns)*l.spacing
	}
	return &curtain{edge: edge, right: right}
}

// covers says whether a place shows the organ.
func (c *curtain) covers(place float64) bool {
	return c != nil && (place > c.edge) == c.right
}

// hang replaces the lung by the organ: even tissue, a few vessels, and deep in it
// the diaphragm.
func (l *lung) hang(d *seed.Draws, s *Site) {
	level := d.Between(-36, -27)
	uneven, ripple := newSheet(d, 10, 8), newWave(d, 20)
	dome := d.Between(0.4, 0.9) * s.fan.Depth
	line := amplitude(d.Between(-18, -6))
	row := newNoise(d, l.rows)
	type vessel struct{ x, depth, across, down float64 }
	vessels := make([]vessel, d.IntN(5))
	for i := range vessels {
		vessels[i] = vessel{d.Between(l.from, l.place(l.columns)), d.Between(10, 80), d.Between(2, 7), d.Between(1, 4)}
	}
	for c := range l.columns {
		row.next()
		x := l.place(c)
		if !l.curtain.covers(x) {
			continue
		}
		l.surface[c].air = 0
		l.surface[c].strength *= 0.35
		diaphragm := dome + 4*ripple.at(x) - 0.01*(x-l.curtain.edge)*(x-l.curtain.edge)
		re, im := l.rowsOf(c)
		for r := range re {
			below := float64(r) * l.step
			echo := amplitude(level + 2*uneven.at(x, below))
			for _, v := range vessels {
				if math.Hypot((x-v.x)/v.across, (below-v.depth)/v.down) < 1 {
					echo *= 0.15
				}
			}
			echo += line * bell(below-diaphragm, 0.6)
			re[r], im[r] = float32(echo)*real(row.at(r)), float32(echo)*imag(row.at(r))
		}
	}
}
