package arch

import "golang.org/x/sys/cpu"

// newBlender uses vector instructions where the processor has them; the sums are
// integers, so both ways give the same bits.
func newBlender(width int) blender {
	if !cpu.X86.HasAVX2 || width < 16 {
		return newPortableBlender(width)
	}
	return blendAVX2
}

func blendAVX2(line []uint32, rows []byte, stride int, weights []uint32) {
	width := len(line)
	clear(line)
	for k := 0; k < len(weights); k += 2 {
		above, below := rows[k*stride:][:width], rows[k*stride:][:width]
		upper, lower := weights[k], uint32(0)
		if k+1 < len(weights) {
			below, lower = rows[(k+1)*stride:][:width], weights[k+1]
		}
		blocks := width / 16
		addRows(&line[0], &above[0], &below[0], blocks, upper|lower<<16)
		for x := 16 * blocks; x < width; x++ {
			line[x] += upper*uint32(above[x]) + lower*uint32(below[x])
		}
	}
}

// addRows adds to blocks·16 sums the samples of two rows, times the lower and the
// upper 16 bits of weights. It needs AVX2.
//
//go:noescape
func addRows(sums *uint32, above, below *byte, blocks int, weights uint32)
