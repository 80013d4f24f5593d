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

// Near is the distance up to which two pictures count as the same: recompressed or
// resized copies of one picture stay below it, pictures of two patients far above (see
// the test, which measures both on real clips).
const Near = 36

// duplicates compares all pictures with those of other patients and other splits.
// Neighbours of a loop are alike, and expected. 20,000 pictures are 200 million
// distances: a second or two.
func (r *Report) duplicates(rows []dataset.Row, prints []*Print) {
	for i, p := range prints {
		if p == nil {
			continue
		}
		for j := range i {
			q := prints[j]
			if q == nil || expected(rows[i], rows[j]) || p.Distance(q) > Near {
				continue
			}
			what := "patient " + rows[j].Patient
			if rows[i].Patient == rows[j].Patient {
				what = "split " + part(rows[j].Split)
			}
			r.Faults = append(r.Faults, Fault{Kind: Duplicate, Row: line(i), File: rows[i].File, Other: line(j),
				What: "nearly the same picture as " + rows[j].File + " of " + what + ": if it is the same loop, give both one patient or remove one"})
			break // one is enough to look at
		}
	}
}

// expected says whether two pictures may well be alike: of one file, or of one patient
// on the same side of the split; of nameless patients, those of one clip.
func expected(a, b dataset.Row) bool {
	same := a.Patient == b.Patient && part(a.Split) == part(b.Split)
	if a.Patient == "" {
		same = same && a.Clip != "" && a.Clip == b.Clip && a.Zone == b.Zone && a.Exam == b.Exam
	}
	return same || a.File == b.File
}
