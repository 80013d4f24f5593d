package arch

import "encoding/binary"

// blender writes into line the weighted sum of as many rows as there are weights;
// rows start stride bytes apart.
type blender func(line []uint32, rows []byte, stride int, weights []uint32)

// newPortableBlender works on eight pixels of a row at a time, as four words of two
// 32-bit lanes: a sum of 8-bit samples and 15-bit weights that add up to one stays
// inside its lane.
func newPortableBlender(width int) blender {
	words := (width + 7) / 8
	lanes := make([]uint64, 4*words)
	padded := make([]byte, 8) // a row's tail, to read whole words
	return func(line []uint32, rows []byte, stride int, weights []uint32) {
		clear(lanes)
		for k, w := range weights {
			accumulate(lanes, rows[k*stride:][:width], padded, uint64(w))
		}
		for x := range line {
			word := lanes[4*(x/8)+x%4]
			line[x] = uint32(word >> (x % 8 / 4 * 32))
		}
	}
}

// accumulate adds weight times a row of 8-bit samples to the lanes. Pixel x of eight
// lies in word x%4, the lower lane for x below 4.
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
