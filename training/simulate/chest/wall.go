package chest

import (
	"math"

	"lungbox/training/simulate/seed"
)

// wall is the texture between the skin and the pleura: rows from 0 at the skin to
// the last one at the pleura, so that it stretches when breathing thickens it, and
// one column per beam, because it does not slide.
type wall struct {
	rows   int
	re, im []float32 // beam by beam
}

// fascia is a bright sheet of connective tissue.
type fascia struct {
	at, level, thick float64 // share of the wall, dB, mm
	shape, strength  wave
}

func newWall(d *seed.Draws, b *Body, s *Site) wall {
	deepest := 0.0
	for _, beam := range s.beams {
		deepest = max(deepest, beam.pleura)
	}
	// Two rows per sample let a moving wall be read between rows without flicker.
	w := wall{rows: 2*int(math.Ceil(deepest/s.fan.Step())) + 2}
	w.re = make([]float32, w.rows*len(s.beams))
	w.im = make([]float32, w.rows*len(s.beams))

	total := b.PleuralDepth()
	skin, fat := b.Skin/total, (b.Skin+b.Fat)/total
	fatLevel, muscleLevel := d.Between(-34, -22), d.Between(-36, -24)
	skinLevel := d.Between(-26, -15)
	septa, fibres := newSheet(d, d.Between(6, 20), d.Between(0.7, 1.6)), newSheet(d, d.Between(10, 36), d.Between(0.6, 1.4))
	patches := newSheet(d, 15, 6)
	uneven := newWave(d, d.Between(15, 30))
	slant := d.Normal(0, 0.05) // fibres cross the picture at an angle
	sheets := b.fasciae(d, skin, fat)

	level := make([]float64, w.rows)
	for i, beam := range s.beams {
		x := beam.place
		wobble := 0.25 * uneven.at(x) * min(fat-skin, 1-fat)
		for row := range level {
			at := float64(row) / float64(w.rows)
			depth := at * beam.pleura
			muscle := smoothStep(-0.01, 0.01, at-fat-wobble)
			inFat := fatLevel + 6.5*septa.at(x, depth) + 2*patches.at(x, depth)
			inMuscle := muscleLevel + 7.5*fibres.at(x, depth+slant*x) + 3*patches.at(x, depth)
			echo := amplitude(inFat + muscle*(inMuscle-inFat))
			echo += amplitude(skinLevel) * bell(at*total, 0.6*b.Skin) // the skin itself
			for _, f := range sheets {
				off := (at-f.at)*total - 0.8*f.shape.at(x)
				if math.Abs(off) < 4*f.thick {
					echo += amplitude(f.level+5*f.strength.at(x)) * bell(off, f.thick)
				}
			}
			level[row] = echo
		}
		w.fill(i, level, d)
	}
	return w
}

// fasciae are the sheet between fat and muscle, one to three inside the muscles,
// and sometimes one in the fat.
func (b *Body) fasciae(d *seed.Draws, skin, fat float64) []fascia {
	one := func(at, level float64) fascia {
		return fascia{
			at: at, level: level, thick: d.Between(0.2, 0.45),
			shape: newWave(d, d.Between(15, 40)), strength: newWave(d, d.Between(6, 20)),
		}
	}
	sheets := []fascia{one(fat, d.Between(-18, -8))}
	for range 1 + d.IntN(3) {
		sheets = append(sheets, one(d.Between(fat+0.06, 0.9), d.Between(-22, -10)))
	}
	if d.Chance(0.4) {
		sheets = append(sheets, one(d.Between(skin, fat), d.Between(-20, -12)))
	}
	return sheets
}

// fill makes one beam's speckle. Neighbouring rows are correlated, so that a value
// read between two of them is as strong as one read on a row.
func (w *wall) fill(beam int, level []float64, d *seed.Draws) {
	re, im := w.re[beam*w.rows:][:w.rows], w.im[beam*w.rows:][:w.rows]
	before, now := d.Speckle(), d.Speckle()
	for row, a := range level {
		after := d.Speckle()
		n := blend(before, now, after)
		re[row], im[row] = float32(a)*real(n), float32(a)*imag(n)
		before, now = now, after
	}
}
