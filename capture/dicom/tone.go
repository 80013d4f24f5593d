package dicom

import (
	"image"
	"math"
)

// meaning is the stored value as a number: negative ones are in two's complement.
func (f pixelFormat) meaning(stored int) int {
	if f.signed && stored >= 1<<(f.stored-1) {
		return stored - 1<<f.stored
	}
	return stored
}

func (p *pictures) monochrome(raw []byte) *image.Gray {
	if p.tone == nil {
		p.tone = p.format.tones(raw)
	}
	out := image.NewGray(image.Rect(0, 0, p.header.Columns, p.header.Rows))
	size := p.format.allocated / 8
	for i := range out.Pix {
		out.Pix[i] = p.tone[p.format.value(raw[i*size:])]
	}
	return out
}

// tones maps every stored value to a grey level: rescale (PS3.3 C.11.1.1.2), then
// the linear window (C.11.2.1.2.1), then white and black exchanged for MONOCHROME1.
// Without a window, 8-bit values are grey levels as they stand, and deeper ones are
// spread from the darkest to the brightest value of the first frame: a scanner that
// stores 12 of 16 bits would be black otherwise.
func (f pixelFormat) tones(first []byte) []byte {
	tone := make([]byte, 1<<f.stored)
	low, high := f.nominal(first)
	for stored := range tone {
		x := float64(f.meaning(stored))*f.slope + f.intercept
		var level float64
		switch {
		case f.windowed && f.width > 1:
			level = (x-(f.center-0.5))/(f.width-1) + 0.5
		case f.windowed: // a width of 1 is a threshold
			level = math.Ceil(x - f.center + 0.5)
		default:
			level = (x - low) / (high - low)
		}
		tone[stored] = byte(math.Round(255 * max(0, min(1, level))))
		if f.photometric == "MONOCHROME1" {
			tone[stored] = 255 - tone[stored]
		}
	}
	return tone
}

// nominal is the range of rescaled values that is spread over the grey levels when
// the file states no window.
func (f pixelFormat) nominal(first []byte) (low, high float64) {
	from, to := f.meaning(0), f.meaning(1<<f.stored-1)
	if f.signed {
		from, to = -(1 << (f.stored - 1)), 1<<(f.stored-1)-1
	}
	if f.stored > 8 {
		size := f.allocated / 8
		from, to = to, from
		for i := 0; i+size <= len(first); i += size {
			v := f.meaning(f.value(first[i:]))
			from, to = min(from, v), max(to, v)
		}
	}
	low, high = float64(from)*f.slope+f.intercept, float64(to)*f.slope+f.intercept
	if low > high {
		low, high = high, low
	}
	if low == high {
		high = low + 1
	}
	return low, high
}
