package chest

import (
	"math"

	"lungbox/training/simulate/seed"
)

// bLine is one source of ring-down at the lung's surface.
type bLine struct {
	place  float64 // along the pleura, mm
	width  float64 // deviation of its profile at the pleura, mm
	level  float64 // dB
	fading float64 // dB/mm: next to nothing in a B-line
	drawn  bool    // an expert would draw it as a line of its own
}

// Spacings of B-lines at the pleura, mm, for the two ends of a score's severity
// (paper, section 2.3: about 7 mm in score 1, 3 mm or less in score 2).
const (
	widestScore1, narrowestScore1 = 8.2, 5.8
	widestScore2, narrowestScore2 = 2.8, 1.5
	whiteSpacing                  = 0.9 // no longer lines
)

// planBLines draws the sources for the state of the lung.
func (l *lung) planBLines(d *seed.Draws, s *Site) {
	t := s.State.Severity
	switch s.State.Score {
	case 0:
		if s.State.Pattern != Textbook {
			l.cometTails(d)
			break
		}
		// Up to two isolated B-lines are normal; severity decides.
		left, right := 0.9*s.beams[0].place, 0.9*s.beams[len(s.beams)-1].place
		place := d.Between(left, right)
		for range int(3 * t) {
			l.bLines = append(l.bLines, bLine{
				place: place, width: d.Between(0.35, 0.6), level: d.Between(-26, -17), fading: d.Between(0, 0.05), drawn: true,
			})
			// The second one is far from the first, whichever side has room.
			place += d.Between(0.4, 0.6) * (right - left)
			if place > right {
				place -= right - left
			}
		}
		l.cometTails(d)
	case 1:
		switch s.State.Pattern {
		case Sparse:
			l.planSparse(d, s, t)
		case Focal:
			l.planFocal(d, s, t)
		default:
			l.planSpaced(d, s, t)
		}
	case 2:
		l.planCoalescent(d, t)
	case 3:
		l.planWhite(d, l.from, l.place(l.columns), d.Between(-30, -17))
	}
}

// planSpaced lays single B-lines about 7 mm apart. They come and go along the
// lung, but the operator has moved to where there are some: at least three in
// the picture.
func (l *lung) planSpaced(d *seed.Draws, s *Site, t float64) {
	spacing := widestScore1 + t*(narrowestScore1-widestScore1)
	presence := newWave(d, d.Between(10, 25))
	level, uneven := d.Between(-23, -15), d.Between(1.5, 5)
	var all, some []bLine
	for x := l.from + d.Between(0, spacing); x < l.place(l.columns); x += spacing * (1 + d.Normal(0, 0.09)) {
		b := bLine{
			place: x, width: d.Between(0.4, 1.1), level: level + d.Normal(0, uneven), fading: d.Between(0, 0.06), drawn: true,
		}
		all = append(all, b)
		if presence.at(x) > 0.2-t {
			some = append(some, b)
		}
	}
	l.bLines = some
	if s.visible(some) < 3 {
		l.bLines = all
	}
}

// planSparse lays one to four B-lines anywhere, the first where no rib hides it.
func (l *lung) planSparse(d *seed.Draws, s *Site, t float64) {
	left, right := 0.85*s.beams[0].place, 0.85*s.beams[len(s.beams)-1].place
	level := d.Between(-24, -11)
	for n := 1 + int(4*t); len(l.bLines) < n; {
		b := bLine{place: d.Between(left, right), width: d.Between(0.35, 2), level: level + d.Normal(0, 2), fading: d.Between(0, 0.08), drawn: true}
		if len(l.bLines) == 0 {
			for range 20 { // a lung all behind ribs keeps the last place
				if s.visible([]bLine{b}) > 0 {
					break
				}
				b.place = d.Between(left, right)
			}
		}
		l.bLines = append(l.bLines, b)
	}
}

// planFocal lays one or two bands of crowded sources over less than half of the lung,
// where no rib hides their middle.
func (l *lung) planFocal(d *seed.Draws, s *Site, t float64) {
	left, right := 0.8*s.beams[0].place, 0.8*s.beams[len(s.beams)-1].place
	level := d.Between(-27, -13)
	for range 1 + int(2*t) {
		half, middle := d.Between(0.05, 0.11)*(right-left), d.Between(left, right)
		for range 20 {
			if s.visible([]bLine{{place: middle}}) > 0 {
				break
			}
			middle = d.Between(left, right)
		}
		l.bLines = append(l.bLines, bLine{place: middle, width: half / 1.5, level: level - 4, fading: d.Between(0, 0.05), drawn: true})
		for x := middle - half; x < middle+half; x += d.Between(0.8, 2.8) {
			l.bLines = append(l.bLines, bLine{
				place: x, width: d.Between(0.4, 1), level: level + d.Normal(0, 2), fading: d.Between(0, 0.05),
			})
		}
	}
}

// visible counts the sources that no rib hides when the lung is in its middle.
func (s *Site) visible(sources []bLine) int {
	count := 0
	for b := 1; b < len(s.beams); b++ {
		for _, source := range sources {
			if source.place >= s.beams[b-1].place && source.place < s.beams[b].place && s.beams[b].open*s.beams[b].contact >= seen {
				count++
			}
		}
	}
	return count
}

// cometTails adds short artefacts that fade within centimetres; healthy lungs
// have them and they count for nothing.
func (l *lung) cometTails(d *seed.Draws) {
	for range d.IntN(4) {
		l.bLines = append(l.bLines, bLine{
			place: d.Between(l.from, l.place(l.columns)), width: d.Between(0.3, 0.7),
			level: d.Between(-22, -14), fading: d.Between(0.8, 2.5),
		})
	}
}

// planCoalescent lays groups of crowded B-lines with a few lone ones between; the
// worse the lung, the more of it the groups cover.
func (l *lung) planCoalescent(d *seed.Draws, t float64) {
	spacing := widestScore2 + t*(narrowestScore2-widestScore2)
	cover := 0.5 + 0.35*t
	level := d.Between(-26, -16)
	for x := l.from; x < l.place(l.columns); {
		group := d.Between(12, 28)
		for until := x + group; x < until; x += min(3, spacing*(1+d.Normal(0, 0.08))) {
			l.bLines = append(l.bLines, bLine{
				place: x, width: d.Between(0.45, 0.9), level: level + d.Normal(0, 2.5), fading: d.Between(0, 0.04), drawn: true,
			})
		}
		x += max(4, group*(1-cover)/cover*d.Between(0.6, 1.4))
	}
}

// planWhite covers an interval with sources too many to be lines.
func (l *lung) planWhite(d *seed.Draws, from, until, level float64) {
	broad := newWave(d, d.Between(6, 18))
	uneven := d.Between(0.5, 2.5)
	for x := from; x < until; x += whiteSpacing * d.Between(0.7, 1.3) {
		l.bLines = append(l.bLines, bLine{
			place: x, width: d.Between(0.5, 1), level: level + uneven*broad.at(x) + d.Normal(0, 1.5), fading: d.Between(0, 0.04),
		})
	}
}

// ring is one source's echo by depth.
type ring struct {
	bLine
	echo  []complex64 // in step across the whole column
	level []float32   // magnitude
}

// fillBLines lets every source ring. The beam's own width makes the column. Most
// of it rings in step, which gives cross bars; the rest is speckle, because a source
// is a cluster of small ones.
func (l *lung) fillBLines(d *seed.Draws, attenuation float64) {
	rings := make([]ring, len(l.bLines))
	for i, b := range l.bLines {
		rings[i] = l.newRing(d, b, attenuation)
	}
	row := newNoise(d, l.rows)
	grain := make([]complex64, l.rows)
	for c := range l.columns {
		row.next()
		for r := range grain {
			n := row.at(r)
			grain[r] = complex(0.7*real(n), 0.7*imag(n))
		}
		x := l.place(c)
		start := max(0, int(math.Round((l.layers[c].solid+l.surface[c].indent)/l.step)))
		re, im := l.rowsOf(c)
		for _, source := range rings {
			if math.Abs(x-source.place) > 3*source.width || start >= l.rows {
				continue
			}
			weight := float32(bell(x-source.place, source.width))
			for k, echo := range source.echo[:l.rows-start] {
				re[start+k] += weight * (real(echo) + source.level[k]*real(grain[k]))
				im[start+k] += weight * (imag(echo) + source.level[k]*imag(grain[k]))
			}
		}
	}
}

func (l *lung) newRing(d *seed.Draws, b bLine, attenuation float64) ring {
	bars, contrast := newWave(d, d.Between(0.8, 2.5)), d.Between(0.5, 3)
	swell, slow := newWave(d, d.Between(12, 40)), d.Between(0, 2.5)
	r := ring{bLine: b, echo: make([]complex64, l.rows), level: make([]float32, l.rows)}
	for k := range r.echo {
		depth := float64(k) * l.step
		// The sound rings near the surface: what it meets below weakens it little.
		level := b.level + contrast*bars.at(depth) + slow*swell.at(depth) + (0.8*attenuation-b.fading)*depth
		r.level[k] = float32(amplitude(min(level, -4)))
		n := d.Speckle()
		r.echo[k] = complex(0.65*r.level[k]*real(n), 0.65*r.level[k]*imag(n))
	}
	return r
}
