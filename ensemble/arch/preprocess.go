package arch

import (
	"image"
	"math"
	"sync"
)

// Grey levels are standardised with ImageNet's statistics averaged over the three
// colour channels (torchvision's mean 0.485, 0.456, 0.406 and deviation 0.229,
// 0.224, 0.225), so that imported weights see what they were trained on.
const (
	Mean      = 0.449
	Deviation = 0.226
)

// Preprocess turns an 8-bit grey crop into a network's input: antialiased
// bilinear resize to side×side (none when it has that size already), then
// (x/255 − Mean)/Deviation. The picture is stretched to the square; its shape is
// not kept. dst holds side·side values in row order; all three input channels of
// a net take the same plane.
//
// The resize is Pillow's and torch.nn.functional.interpolate(antialias=True)'s:
// a triangle filter as wide as the scale when shrinking, plain bilinear when
// enlarging. Weights carry 15 bits, so a result is within 0.1 grey levels of
// exact arithmetic.
//
// It panics when dst is shorter than side·side or src is empty.
func Preprocess(dst []float32, src *image.Gray, side int) {
	if src.Rect.Empty() {
		panic("arch: Preprocess of an empty picture")
	}
	dst = dst[:side*side]
	w, h := src.Rect.Dx(), src.Rect.Dy()
	if w == side && h == side {
		for y := range side {
			row := src.Pix[y*src.Stride:][:side]
			for x, v := range row {
				dst[y*side+x] = standard[v]
			}
		}
		return
	}
	columns, rows := newTaps(w, side), newTaps(h, side)
	// Two bands at once: a box has two cores or more, and a frame must not wait.
	var wait sync.WaitGroup
	half := side / 2
	wait.Go(func() { resizeBand(dst, src, side, columns, rows, 0, half) })
	resizeBand(dst, src, side, columns, rows, half, side)
	wait.Wait()
}

// Preprocess makes the input of this net from a picture: [Preprocess] to the net's side,
// then its tone.
func (c Config) Preprocess(dst []float32, src *image.Gray) {
	Preprocess(dst, src, c.Input)
	c.Retone(dst[:c.Input*c.Input])
}

// Retone gives values that Preprocess made the tone of this net, in place.
func (c Config) Retone(values []float32) {
	if c.Tone == Own {
		own(values)
	}
}

// own standardises values by the mean and deviation of those that are lit. What is black
// is no part of the ultrasound picture: how much of it there is depends on the scanner.
func own(values []float32) {
	const (
		black = (1.0/255 - Mean) / Deviation // grey level 1
		least = 0.02 / Deviation             // keeps the noise of an all but even picture small
	)
	sum, squares, lit := 0.0, 0.0, 0.0
	for _, v := range values {
		if v > black {
			sum, squares, lit = sum+float64(v), squares+float64(v)*float64(v), lit+1
		}
	}
	mean := sum / max(1, lit)
	scale := 1 / (math.Sqrt(max(0, squares/max(1, lit)-mean*mean)) + least)
	for i, v := range values {
		if v > black {
			values[i] = float32((float64(v) - mean) * scale)
		} else {
			values[i] = 0
		}
	}
}

// standard maps a grey level to its standardised value.
var standard = func() (table [256]float32) {
	for v := range table {
		table[v] = standardise(float32(v))
	}
	return table
}()

func standardise(grey float32) float32 {
	const scale = 1 / (255 * Deviation)
	return grey*scale - Mean/Deviation
}
