package arch

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever the processor offers gives the sums of plain arithmetic.
func TestBlenders(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, width := range []int{1, 7, 8, 15, 16, 17, 31, 100, 257} {
		for _, count := range []int{1, 2, 5, 9} {
			stride := width + 3
			rows := make([]byte, count*stride)
			for i := range rows {
				rows[i] = byte(r.Uint32())
			}
			weights := make([]uint32, count)
			for left, k := uint32(one), 0; k < count; k++ {
				weights[k] = left
				if k+1 < count {
					weights[k] = left / 3
				}
				left -= weights[k]
			}
			want := make([]uint32, width)
			for k, w := range weights {
				for x := range want {
					want[x] += w * uint32(rows[k*stride+x])
				}
			}
			for name, blend := range map[string]blender{"portable": newPortableBlender(width), "this processor's": newBlender(width)} {
				got := make([]uint32, width)
				got[0] = 99 // what was there before does not count
				blend(got, rows, stride, weights)
				if !slices.Equal(got, want) {
					t.Errorf("%s, width %d, %d rows: %v, want %v", name, width, count, got, want)
				}
			}
		}
	}
}
