package convert

import "math"

// quantise stores a kernel as int8 with one scale for each output channel (the
// outermost dimension), symmetric round zero, so that the largest value of a
// channel becomes ±127. It fills scales and returns the bytes.
func quantise(kernel, scales []float32) []byte {
	out := make([]byte, len(kernel))
	per := len(kernel) / len(scales)
	for o := range scales {
		row, to := kernel[o*per:][:per], out[o*per:][:per]
		peak := float32(0)
		for _, v := range row {
			peak = max(peak, v, -v)
		}
		if peak == 0 {
			scales[o] = 1 // a scale must be positive; the channel is all zeros
			continue
		}
		scales[o] = peak / 127
		inverse := 127 / float64(peak)
		for i, v := range row {
			to[i] = byte(int8(math.RoundToEven(float64(v) * inverse)))
		}
	}
	return out
}
