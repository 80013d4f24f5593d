package chest

import (
	"math"

	"lungbox/training/simulate/seed"
)

// lung is everything at and under the pleura that moves with the lung. It is a
// map of echoes: a column every few tenths of a millimetre along the pleura, a row
// per sample below the pleura. A column holds what a beam shows that meets the
// pleura there; artefacts follow beams, so they are straight columns.
type lung struct {
	from, spacing float64 // place of the first column, distance of two, mm
	columns, rows int
	step          float64   // distance of two rows, mm
	re, im        []float32 // column by column

	surface []surface
	layers  []layers
	bLines  []bLine
	solids  []solid
	curtain *curtain
	mirror  float64 // magnitude that one trip between pleura and transducer leaves
}

// surface is the pleural line at one column.
type surface struct {
	indent   float64   // mm below the regular line
	strength complex64 // of the echo
	thick    float64   // mm
	air      float64   // 0 to 1: the share of sound reflected by air right behind
}

// layers is what lies under the pleura at one column: fluid down to one depth,
// airless tissue down to the next, then aerated lung. mm below the pleura.
type layers struct{ fluid, solid float64 }

func newLung(key seed.Key, s *Site) *lung {
	d := key.Of("plan").Draws()
	l := &lung{spacing: min(0.5, 0.6*s.pitch()), rows: s.fan.Samples, step: s.fan.Step()}
	margin := s.motion.reach() + 4*l.spacing
	left, right := s.beams[0].place, s.beams[len(s.beams)-1].place
	l.from = left - margin
	l.columns = int(math.Ceil((right-left+2*margin)/l.spacing)) + 2
	l.re, l.im = make([]float32, l.columns*l.rows), make([]float32, l.columns*l.rows)
	l.surface, l.layers = make([]surface, l.columns), make([]layers, l.columns)
	l.mirror = amplitude(-d.Between(4, 16))

	l.planLayers(key.Of("layers").Draws(), s)
	l.planBLines(key.Of("b-lines").Draws(), s)
	l.planSurface(key.Of("surface").Draws(), s.State)
	if s.State.Score < 2 && d.Chance(0.07) {
		l.curtain = newCurtain(key.Of("curtain").Draws(), l)
	}
	l.fillHaze(key.Of("haze").Draws(), s.State)
	if d.Chance(0.25) {
		l.fillClutter(key.Of("clutter").Draws(), s.fan.Depth)
	}
	l.fillSolids(key.Of("solids").Draws(), s)
	l.fillBLines(key.Of("ring").Draws(), s.body.Attenuation)
	if l.curtain != nil {
		l.hang(key.Of("organ").Draws(), s)
	}
	return l
}

func (l *lung) place(column int) float64 { return l.from + float64(column)*l.spacing }

func (l *lung) column(place float64) int {
	return max(0, min(l.columns-1, int((place-l.from)/l.spacing+0.5)))
}

// rowsOf gives the samples of one column, to read and write.
func (l *lung) rowsOf(column int) (re, im []float32) {
	from, until := column*l.rows, (column+1)*l.rows
	return l.re[from:until:until], l.im[from:until:until]
}

// fillHaze makes what the deeper lung scatters back, by no path in particular:
// speckle that fades from the last solid layer on. It is what sparkles under
// the pleura of a sliding lung (the "seashore").
func (l *lung) fillHaze(d *seed.Draws, state State) {
	level, fading := d.Between(-38, -27), d.Between(0.15, 0.7)
	// Oedema lets more sound in and out.
	switch state.Score {
	case 1:
		level, fading = level+2, 0.7*fading
	case 2:
		level, fading = level+4, 0.4*fading
	case 3:
		level, fading = level+6, 0.2*fading
	}
	across := newWave(d, d.Between(5, 12))
	streaks := newSheet(d, d.Between(4, 10), d.Between(0.8, 1.6))
	uneven := d.Between(0.5, 3)
	row := newNoise(d, l.rows)
	for c := range l.columns {
		row.next()
		re, im := l.rowsOf(c)
		x := l.place(c)
		at := level + uneven*across.at(x)
		from := l.layers[c].solid
		for r := range re {
			below := float64(r)*l.step - from
			if below < 0 {
				continue
			}
			a := float32(amplitude(at - fading*below + 3*streaks.at(x, below)))
			re[r] += a * real(row.at(r))
			im[r] += a * imag(row.at(r))
		}
	}
}

// fillClutter adds a group of bright streaks deep in the picture: echoes of some
// other surface that arrive by a side way.
func (l *lung) fillClutter(d *seed.Draws, depth float64) {
	x, wide := d.Between(l.from, l.place(l.columns)), d.Between(5, 14)
	at, high := d.Between(0.3, 0.9)*depth, d.Between(5, 20)
	level, lean := d.Between(-36, -20), d.Normal(0, 0.4)
	streaks := newSheet(d, d.Between(4, 10), d.Between(1, 2.5))
	row := newNoise(d, l.rows)
	for c := l.column(x - 3*wide); c <= l.column(x+3*wide); c++ {
		row.next()
		off := l.place(c) - x
		re, im := l.rowsOf(c)
		for r := range re {
			below := float64(r) * l.step
			a := bell(off, wide) * bell(below-at-lean*off, high)
			if a < 0.01 {
				continue
			}
			a *= amplitude(level + 9*streaks.at(off, below-lean*off))
			re[r] += float32(a) * real(row.at(r))
			im[r] += float32(a) * imag(row.at(r))
		}
	}
}

// blend is a weighted mean of three neighbouring draws, with mean square 1 again.
func blend(before, now, after complex64) complex64 {
	const centre, side = 0.8165, 0.4082
	return complex(
		centre*real(now)+side*(real(before)+real(after)),
		centre*imag(now)+side*(imag(before)+imag(after)),
	)
}

// noise is speckle that is correlated between neighbouring columns, so that a
// lung may slide by parts of a column without flicker.
type noise struct {
	draws              *seed.Draws
	before, now, after []complex64
}

func newNoise(d *seed.Draws, rows int) *noise {
	n := &noise{draws: d, before: make([]complex64, rows), now: make([]complex64, rows), after: make([]complex64, rows)}
	n.next()
	n.next()
	return n
}

// next moves to the next column.
func (n *noise) next() {
	n.before, n.now, n.after = n.now, n.after, n.before
	for i := range n.after {
		n.after[i] = n.draws.Speckle()
	}
}

func (n *noise) at(row int) complex64 {
	return blend(n.before[row], n.now[row], n.after[row])
}
