package chest

import "lungbox/training/simulate/seed"

// planSurface draws the pleural line: continuous and regular in score 0, dented
// and interrupted at B-lines in score 1, broken into displaced pieces in score 2,
// and in score 3 hardly a line any more (paper, section 2.3).
func (l *lung) planSurface(d *seed.Draws, state State) {
	level := d.Between(-8, 3)
	thick := d.Between(0.2, 0.4)
	shape, strength, rough := newFractal(d, 4, 3), newWave(d, d.Between(5, 15)), newWave(d, 0.6)
	phase, mirrors := newWave(d, d.Between(2, 6)), newWave(d, d.Between(4, 12))
	roughness, dents := 0.04, 1.5
	switch state.Score {
	case 1:
		roughness, dents = 0.12+0.1*state.Severity, 2
		thick *= 1.2
	case 2:
		roughness, dents = 0.3+0.2*state.Severity, 3
		thick *= 1.6
	case 3:
		roughness, dents = d.Between(0.2, 0.6), 4
		thick *= 1.8
		level -= d.Between(0, 7)
	}
	for c := range l.surface {
		x := l.place(c)
		echo := complex(1+0.2*rough.at(x), 0.5*phase.at(x)) * complex(amplitude(level+dents*strength.at(x)), 0)
		l.surface[c] = surface{indent: roughness * (1 + shape.at(x)), strength: complex64(echo), thick: thick, air: max(0.1, min(1, 0.65+0.35*mirrors.at(x)))}
	}
	switch {
	case state.Score == 1:
		l.dent(d, 0.3+0.4*state.Severity)
	case state.Score >= 2:
		l.dent(d, 0.7)
		l.shatter(d, 0.25+0.25*state.Severity)
	}
	for c := range l.surface {
		x := l.place(c)
		for _, b := range l.bLines {
			// A B-line takes the place of the A-lines.
			l.surface[c].air *= 1 - 0.85*bell(x-b.place, 1.6*b.width)
		}
		if l.layers[c].fluid > thinnest/2 {
			// Fluid lies on the chest wall's own pleura, which the disease spares.
			l.surface[c].indent, l.surface[c].strength = 0, complex64(complex(amplitude(level+2*strength.at(x)), 0))
		}
		if under := l.layers[c]; under.solid > 0 {
			l.surface[c].air *= bell(under.solid, 1.5)
			// Without air behind it the pleura is a thin, weak line.
			behind := smoothStep(1, 4, under.solid)
			l.surface[c].strength *= complex64(complex(1-0.75*behind, 0))
		}
	}
}

// dent sinks and often interrupts the line where B-lines start.
func (l *lung) dent(d *seed.Draws, often float64) {
	for _, b := range l.bLines {
		deep, wide := max(0, d.Normal(0.4, 0.5)), d.Between(0.6, 1.6)
		gap := 1.0
		if d.Chance(often) {
			gap = amplitude(-d.Between(6, 18))
		}
		for c := l.column(b.place - 3*wide); c <= l.column(b.place+3*wide); c++ {
			shape := bell(l.place(c)-b.place, wide)
			l.surface[c].indent += deep * shape
			l.surface[c].strength *= complex64(complex(1-(1-gap)*shape*shape, 0))
		}
	}
}

// shatter breaks the line into pieces, a share of them missing.
func (l *lung) shatter(d *seed.Draws, missing float64) {
	for from := 0; from < l.columns; {
		until := min(l.columns, from+max(1, int(d.Between(1.5, 7)/l.spacing)))
		sink, keep := max(0, d.Normal(0.3, 0.9)), 1.0
		if d.Chance(missing) {
			keep = amplitude(-d.Between(10, 26))
		}
		for c := from; c < until; c++ {
			l.surface[c].indent += sink
			l.surface[c].strength *= complex64(complex(keep, 0))
		}
		from = until
	}
}
