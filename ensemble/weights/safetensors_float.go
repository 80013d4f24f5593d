package weights

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Decode converts stored little-endian values to float32. The type is F64 (rounded
// to the nearest), F32, F16 or BF16; dst has room for all values of src.
func Decode(dst []float32, src []byte, dtype DType) error {
	decode := decoderOf(dtype)
	if decode == nil {
		return fmt.Errorf("values of type %s are not floating-point numbers", dtype)
	}
	decode(dst, src)
	return nil
}

// decoderOf returns the conversion of stored values to float32, nil for a type that
// is not floating-point.
func decoderOf(dtype DType) func(dst []float32, src []byte) {
	switch dtype {
	case F64:
		return func(dst []float32, src []byte) {
			for i := range len(src) / 8 {
				dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
			}
		}
	case F32:
		return func(dst []float32, src []byte) {
			for i := range len(src) / 4 {
				dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
			}
		}
	case F16:
		return func(dst []float32, src []byte) {
			for i := range len(src) / 2 {
				dst[i] = fromHalf(binary.LittleEndian.Uint16(src[2*i:]))
			}
		}
	case BF16:
		return func(dst []float32, src []byte) {
			for i := range len(src) / 2 {
				dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
			}
		}
	}
	return nil
}

// encoderOf returns the conversion of float32 to stored little-endian values,
// rounded to the nearest, ties to even; nil for a type that Write does not write.
func encoderOf(dtype DType) func(dst []byte, src []float32) {
	switch dtype {
	case F32:
		return func(dst []byte, src []float32) {
			for i, v := range src {
				binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
			}
		}
	case F16:
		return func(dst []byte, src []float32) {
			for i, v := range src {
				binary.LittleEndian.PutUint16(dst[2*i:], Half(v))
			}
		}
	case BF16:
		return func(dst []byte, src []float32) {
			for i, v := range src {
				binary.LittleEndian.PutUint16(dst[2*i:], toBrainFloat(v))
			}
		}
	}
	return nil
}

// IEEE 754 binary16: 1 sign bit, 5 exponent bits with bias 15, 10 fraction bits.
// Where float32 arithmetic can do the rounding of subnormals it does: adding a
// power of two shifts the fraction into place.
const (
	halfInfinity  = 0x7c00
	halfQuietNaN  = 0x7e00
	exponentShift = (127 - 15) << 23 // difference of the two biases, in float32's place
	smallestHalf  = (127 - 14) << 23 // bits of 2⁻¹⁴, the smallest normal half
	halfOverflow  = (127 + 16) << 23 // bits of 2¹⁶, above every finite half
	subnormalUnit = (127 - 1) << 23  // bits of ½, whose last fraction bit is 2⁻²⁴, the smallest half
)

func fromHalf(h uint16) float32 {
	bits := uint32(h&0x7fff)<<13 + exponentShift
	switch h & halfInfinity {
	case halfInfinity:
		bits += exponentShift // infinity and NaN: exponent 255
	case 0:
		// Subnormal: as a fraction with the smallest normal exponent, less the
		// leading one that a subnormal does not have.
		bits += 1 << 23
		bits = math.Float32bits(math.Float32frombits(bits) - math.Float32frombits(smallestHalf))
	}
	return math.Float32frombits(bits | uint32(h&0x8000)<<16)
}

// Half returns the bits of the IEEE 754 binary16 nearest to v, ties to even;
// what is too large becomes infinity.
func Half(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits >> 16 & 0x8000)
	bits &= 0x7fffffff
	switch {
	case bits > 0x7f800000:
		return sign | halfQuietNaN
	case bits >= halfOverflow:
		return sign | halfInfinity
	case bits < smallestHalf:
		rounded := math.Float32frombits(bits) + math.Float32frombits(subnormalUnit)
		return sign | uint16(math.Float32bits(rounded)-subnormalUnit)
	}
	odd := bits >> 13 & 1 // a tie goes to the even neighbour
	return sign | uint16((bits-exponentShift+0xfff+odd)>>13)
}

// toBrainFloat keeps the upper half of a float32.
func toBrainFloat(v float32) uint16 {
	bits := math.Float32bits(v)
	if bits&0x7fffffff > 0x7f800000 {
		return uint16(bits>>16) | 0x40 // quiet: the fraction must not round to that of infinity
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

// largest is the greatest value that does not round to infinity.
func largest(dtype DType) float32 {
	switch dtype {
	case F16:
		return math.Float32frombits(halfOverflow - 0x1001) // just below 65520, halfway to 2¹⁶
	case BF16:
		return math.Float32frombits(0x7f7f7fff)
	}
	return math.MaxFloat32
}

// abs has no branch, unlike a comparison with zero.
func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }
