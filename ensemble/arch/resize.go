package arch

import (
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

// one is the fixed-point weight of 1: the largest that a signed 16-bit factor of the
// vector instructions holds.
const one = 1<<15 - 1

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

// resizeBand fills rows from until until of the target. The vertical pass comes
// first because it runs along memory.
func resizeBand(dst []float32, src *image.Gray, side int, columns, rows taps, from, until int) {
	width := src.Rect.Dx()
	line := make([]uint32, width)
	blend := newBlender(width)
	for y := from; y < until; y++ {
		weights := rows.weight[y*rows.stride:][:rows.count[y]]
		blend(line, src.Pix[rows.start[y]*src.Stride:], src.Stride, weights)
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
