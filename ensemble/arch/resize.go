package arch

import (
	"encoding/binary"
	"image"
	"math"
)

// taps are the source samples and weights of every target sample along one axis.
type taps struct {
	start  []int    // first source sample
	count  []int    // number of source samples
	weight []uint32 // stride values per target; the weights of one target sum to one
	stride int
}

// one is the fixed-point weight of 1: with 8-bit samples a weighted sum stays
// below 2²⁴ and so inside a 32-bit lane.
const one = 1 << 16

// newTaps computes the triangle filter that takes from samples to to samples.
func newTaps(from, to int) taps {
	scale := float64(from) / float64(to)
	support := max(1, scale)
	t := taps{start: make([]int, to), count: make([]int, to), stride: int(math.Ceil(support))*2 + 1}
	t.weight = make([]uint32, to*t.stride)
	exact := make([]float64, t.stride)
	for i := range to {
		centre := (float64(i) + 0.5) * scale
		start := max(0, int(centre-support+0.5))
		end := min(from, int(centre+support+0.5))
		sum := 0.0
		for k := range end - start {
			exact[k] = max(0, 1-math.Abs(float64(start+k)+0.5-centre)/support)
			sum += exact[k]
		}
		t.start[i], t.count[i] = start, end-start
		weight := t.weight[i*t.stride:]
		// Rounding the running sum, not each weight, makes the weights sum to one exactly.
		running, given := 0.0, uint32(0)
		for k := range end - start {
			running += exact[k] / sum
			upTo := uint32(math.Round(running * one))
			weight[k] = upTo - given
			given = upTo
		}
	}
	return t
}

// resizeBand fills rows from to until of the target. The vertical pass comes
// first because it runs along memory: eight pixels of a source row at a time, as
// four words of two 32-bit lanes.
func resizeBand(dst []float32, src *image.Gray, side int, columns, rows taps, from, until int) {
	width := src.Rect.Dx()
	words := (width + 7) / 8
	lanes := make([]uint64, 4*words)
	line := make([]uint32, 8*words)
	padded := make([]byte, 8*words) // a copy of a source row's tail, to read whole words
	for y := from; y < until; y++ {
		clear(lanes)
		for k := range rows.count[y] {
			row := src.Pix[(rows.start[y]+k)*src.Stride:][:width]
			accumulate(lanes, row, padded, uint64(rows.weight[y*rows.stride+k]))
		}
		for i := range words {
			l := lanes[4*i : 4*i+4]
			p := line[8*i : 8*i+8]
			p[0], p[4] = uint32(l[0]), uint32(l[0]>>32)
			p[1], p[5] = uint32(l[1]), uint32(l[1]>>32)
			p[2], p[6] = uint32(l[2]), uint32(l[2]>>32)
			p[3], p[7] = uint32(l[3]), uint32(l[3]>>32)
		}
		for x := range side {
			n := columns.count[x]
			weight := columns.weight[x*columns.stride:][:n]
			pixels := line[columns.start[x]:][:n]
			sum := uint64(0)
			for k, w := range weight {
				sum += uint64(w) * uint64(pixels[k])
			}
			dst[y*side+x] = standardise(float32(sum) / (one * one))
		}
	}
}

// accumulate adds weight times a row of 8-bit samples to the lanes.
func accumulate(lanes []uint64, row, padded []byte, weight uint64) {
	const mask = 0x000000ff_000000ff
	whole := len(row) / 8
	for i := range whole {
		v := binary.LittleEndian.Uint64(row[8*i:])
		l := lanes[4*i : 4*i+4 : 4*i+4]
		l[0] += (v & mask) * weight
		l[1] += (v >> 8 & mask) * weight
		l[2] += (v >> 16 & mask) * weight
		l[3] += (v >> 24 & mask) * weight
	}
	if tail := row[8*whole:]; len(tail) > 0 {
		copy(padded, tail)
		v := binary.LittleEndian.Uint64(padded)
		l := lanes[4*whole:]
		l[0] += (v & mask) * weight
		l[1] += (v >> 8 & mask) * weight
		l[2] += (v >> 16 & mask) * weight
		l[3] += (v >> 24 & mask) * weight
	}
}
