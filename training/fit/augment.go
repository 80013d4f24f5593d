package fit

import (
	"image"
	"math"
	"math/rand/v2"

	"lungbox/ensemble/arch"
)

// Augmentation says how far a training picture may differ from the one that was
// stored. It keeps to what another scanner or operator would change: ultrasound is
// never turned upside down. The zero value changes nothing.
type Augmentation struct {
	Flip  bool    `json:"flip" toml:"flip"`   // left and right, every second picture
	Zoom  float64 `json:"zoom" toml:"zoom"`   // depth and width scale by up to this factor either way, e.g. 0.2
	Shift float64 `json:"shift" toml:"shift"` // of the picture, as a share of its size
	Gain  float64 `json:"gain" toml:"gain"`   // deviation of the brightness factor's logarithm
	Gamma float64 `json:"gamma" toml:"gamma"` // deviation of the exponent's logarithm
	TGC   float64 `json:"tgc" toml:"tgc"`     // deviation of the time-gain error's logarithm at either end
	Noise float64 `json:"noise" toml:"noise"` // largest deviation of added noise, in grey levels of 255
	Blur  float64 `json:"blur" toml:"blur"`   // chance that a picture loses resolution, as by a poor grabber
	// Style is the chance that a picture takes a part of the amplitude spectrum of another
	// one of the training, Sector the chance that it is seen through another fan.
	Style  float64 `json:"style,omitempty" toml:"style"`
	Sector float64 `json:"sector,omitempty" toml:"sector"`
}

// Standard is the augmentation that the demo release is trained with.
func Standard() Augmentation {
	return Augmentation{Flip: true, Zoom: 0.3, Shift: 0.1, Gain: 0.25, Gamma: 0.2, TGC: 0.25, Noise: 6, Blur: 0.3, Style: 0.5, Sector: 0.25}
}

// mostStyle is the largest part of another picture's amplitudes that a picture takes.
const mostStyle = 0.8

// apply makes a net's input from a picture: a window of it, perhaps mirrored, seen
// through another fan, in the style of another one, with other gains, through the same
// preprocessing as everywhere. pick may be nil without Style. It returns what of the picture
// is seen.
func (a Augmentation) apply(dst []float32, picture *image.Gray, net arch.Config, pick picker, r *rand.Rand) view {
	seen := view{window: image.Rectangle{Max: picture.Rect.Size()}}
	if a == (Augmentation{}) {
		net.Preprocess(dst, picture)
		return seen
	}
	side := net.Input
	dst = dst[:side*side]
	w, h := float64(picture.Rect.Dx()), float64(picture.Rect.Dy())
	around := func(limit float64) float64 { return (2*r.Float64() - 1) * limit }
	zoomX, zoomY := math.Exp(around(a.Zoom)), math.Exp(around(a.Zoom))
	centreX, centreY := w*(0.5+around(a.Shift)), h*(0.5+around(a.Shift))
	seen.window = image.Rect(
		int(centreX-w*zoomX/2), int(centreY-h*zoomY/2),
		int(centreX+w*zoomX/2)+1, int(centreY+h*zoomY/2)+1,
	)
	seen.flip = a.Flip && r.IntN(2) == 1
	cut := cutOut(picture, seen.window, seen.flip)
	if r.Float64() < a.Blur {
		cut = coarsen(cut, 0.35+0.5*r.Float64())
	}
	arch.Preprocess(dst, cut, side)
	values := brightnessOf(dst)
	if a.Sector > 0 && r.Float64() < a.Sector {
		sector(values, side, r)
		seen.fan = true
	}
	if a.Style > 0 && r.Float64() < a.Style {
		arch.Preprocess(dst, pick(r), side)
		mixStyle(values, brightnessOf(dst), side, mostStyle*r.Float64())
	}
	a.tone(values, side, r)
	for i, v := range values {
		dst[i] = float32((v - arch.Mean) / arch.Deviation)
	}
	net.Retone(dst)
	return seen
}

// cutOut copies a window of the picture, black where the window leaves it.
func cutOut(picture *image.Gray, window image.Rectangle, flip bool) *image.Gray {
	out := image.NewGray(image.Rectangle{Max: window.Size()})
	inside := window.Intersect(image.Rectangle{Max: picture.Rect.Size()})
	for y := inside.Min.Y; y < inside.Max.Y; y++ {
		from := picture.Pix[y*picture.Stride:][inside.Min.X:inside.Max.X]
		row := out.Pix[(y-window.Min.Y)*out.Stride:][:out.Stride]
		copy(row[inside.Min.X-window.Min.X:], from)
		if flip {
			for i, j := 0, len(row)-1; i < j; i, j = i+1, j-1 {
				row[i], row[j] = row[j], row[i]
			}
		}
	}
	return out
}

// coarsen shrinks the picture, so that the net's resize has to enlarge it again.
func coarsen(picture *image.Gray, factor float64) *image.Gray {
	side := max(24, int(factor*float64(min(picture.Rect.Dx(), picture.Rect.Dy()))))
	values := make([]float32, side*side)
	arch.Preprocess(values, picture, side)
	out := image.NewGray(image.Rect(0, 0, side, side))
	for i, v := range values {
		out.Pix[i] = uint8(math.Round(255 * float64(brightness(v))))
	}
	return out
}

// tone changes gain, contrast and time-gain compensation and adds noise, where the
// picture is not black: the mask stays black.
func (a Augmentation) tone(values []float64, side int, r *rand.Rand) {
	gain := math.Exp(a.Gain * r.NormFloat64())
	gamma := math.Exp(a.Gamma * r.NormFloat64())
	top, bottom := a.TGC*r.NormFloat64(), a.TGC*r.NormFloat64()
	noise := a.Noise / 255 * r.Float64()
	var curve [257]float64
	for i := range curve {
		curve[i] = math.Pow(float64(i)/256, gamma)
	}
	for y := range side {
		depth := float64(y) / float64(side-1)
		factor := gain * math.Exp(top*(1-depth)+bottom*depth)
		for x := range side {
			v := &values[y*side+x]
			if *v < black {
				continue
			}
			level := factor * curve[int(*v*256)]
			if noise > 0 {
				level += noise * r.NormFloat64()
			}
			*v = min(max(level, 0), 1)
		}
	}
}

// brightness turns a standardised value back into 0 to 1.
func brightness(v float32) float32 {
	return min(max(v*arch.Deviation+arch.Mean, 0), 1)
}
