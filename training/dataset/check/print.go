package check

import (
	"image"
	"math/bits"

	"lungbox/ensemble/arch"
	"lungbox/training/dataset"
)

// printSide is the side of a print's grid: 16×16 differences tell pictures of one
// scanner apart, whose fans are alike; the usual 8×8 mostly see the fan.
const printSide = 16

// Print is a difference hash: which of two neighbouring cells of a coarse picture is
// brighter. It hardly changes with size, brightness or compression. A mirrored picture
// has another print.
type Print struct {
	across, down [printSide * printSide / 64]uint64
}

// NewPrint makes a picture's print.
func NewPrint(picture *image.Gray) *Print {
	const side = printSide + 1
	cells := make([]float32, side*side)
	arch.Preprocess(cells, picture, side)
	p := &Print{}
	for y := range printSide {
		for x := range printSide {
			bit := y*printSide + x
			if cells[y*side+x] < cells[y*side+x+1]-tie {
				p.across[bit/64] |= 1 << (bit % 64)
			}
			if cells[y*side+x] < cells[(y+1)*side+x]-tie {
				p.down[bit/64] |= 1 << (bit % 64)
			}
		}
	}
	return p
}

// tie is the difference of standardised values below which neither cell is brighter:
// half a grey level, so that black areas have the same bits in every compression.
const tie = 0.5 / 255 / arch.Deviation

// Distance is the number of differing bits, 0 to 512.
func (p *Print) Distance(q *Print) (n int) {
	for i := range p.across {
		n += bits.OnesCount64(p.across[i]^q.across[i]) + bits.OnesCount64(p.down[i]^q.down[i])
	}
	return n
}

// near says whether q is at most Near away. Most pairs are further apart in the first
// words already, so that this is several times as fast as Distance.
func (p *Print) near(q *Print) bool {
	n := 0
	for i := range p.across {
		n += bits.OnesCount64(p.across[i]^q.across[i]) + bits.OnesCount64(p.down[i]^q.down[i])
		if n > Near {
			return false
		}
	}
	return true
}

// Near is the distance up to which two pictures count as the same: recompressed or
// resized copies of one picture stay below it, pictures of two patients far above (see
// the test, which measures both on real clips).
const Near = 36

// duplicates compares all pictures with those of other patients and other splits.
// Neighbours of a loop are alike, and expected. 20,000 pictures are 200 million
// comparisons, under a second (BenchmarkDuplicates), and stay that whatever the prints; an
// index over their bits would not, because the black round a fan gives many in common.
func (r *Report) duplicates(rows []dataset.Row, prints []*Print) {
	for i, p := range prints {
		if p == nil {
			continue
		}
		for j := range i {
			q := prints[j]
			if q == nil || !p.near(q) || expected(rows[i], rows[j]) {
				continue
			}
			what := "patient " + rows[j].Patient
			if rows[i].Patient == rows[j].Patient {
				what = "split " + part(rows[j].Split)
			}
			r.Faults = append(r.Faults, Fault{Kind: Duplicate, Row: r.line(i), File: rows[i].File, Other: r.line(j),
				What: "nearly the same picture as " + rows[j].File + " of " + what + ": if it is the same loop, give both one patient or remove one"})
			break // one is enough to look at
		}
	}
}

// expected says whether two pictures may well be alike: of one file or one loop, or of
// one patient on the same side of the split. A loop on both sides is a fault of its own.
func expected(a, b dataset.Row) bool {
	loop := a.Patient == b.Patient && a.Clip != "" && a.Clip == b.Clip && a.Zone == b.Zone && a.Exam == b.Exam
	person := a.Patient != "" && a.Patient == b.Patient && part(a.Split) == part(b.Split)
	return a.File == b.File || loop || person
}
