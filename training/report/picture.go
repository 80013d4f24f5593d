package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"math"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
)

// thumbnail is the longest side of a picture on a page, in pixels: what the paper's
// nets see.
const thumbnail = 224

// picture is a small JPEG in the page itself. It is square, as a net sees it; the page
// gives it back its shape.
func picture(file string, p *image.Gray) (template.HTML, error) {
	if p == nil || p.Rect.Empty() {
		return "", nil
	}
	return inline(file, p.Rect.Size(), small(p))
}

// warm is what heat maps are drawn in, as on the box's page; opacity is that of their highest
// place.
var warm = color.RGBA{R: 255, G: 140, B: 40, A: 255}

const opacity = 0.6

// heat is the picture once more, under the map of where its score comes from.
func heat(file string, p *image.Gray, h *ensemble.Heat) (template.HTML, error) {
	if p == nil || p.Rect.Empty() || h == nil {
		return "", nil
	}
	grey := small(p)
	side := grey.Rect.Dx()
	over := image.NewRGBA(grey.Rect)
	for i, v := range grey.Pix {
		share := opacity * h.At((float64(i%side)+0.5)/float64(side), (float64(i/side)+0.5)/float64(side)) / 255
		mix := func(c uint8) uint8 { return uint8(float64(v)*(1-share) + float64(c)*share + 0.5) }
		over.SetRGBA(i%side, i/side, color.RGBA{R: mix(warm.R), G: mix(warm.G), B: mix(warm.B), A: 255})
	}
	return inline("heat map of "+file, p.Rect.Size(), over)
}

// small is a picture as a net sees it, square.
func small(p *image.Gray) *image.Gray {
	side := min(thumbnail, max(p.Rect.Dx(), p.Rect.Dy()))
	values := make([]float32, side*side)
	arch.Preprocess(values, p, side)
	out := image.NewGray(image.Rect(0, 0, side, side))
	for i, v := range values {
		out.Pix[i] = uint8(min(max(math.Round(255*(float64(v)*arch.Deviation+arch.Mean)), 0), 255))
	}
	return out
}

// inline puts a square picture into the page and gives it the shape of size.
func inline(alt string, size image.Point, square image.Image) (template.HTML, error) {
	var data bytes.Buffer
	if err := jpeg.Encode(&data, square, &jpeg.Options{Quality: 80}); err != nil {
		return "", err
	}
	return template.HTML(fmt.Sprintf(`<img loading="lazy" decoding="async" alt="%s" style="aspect-ratio:%d/%d" src="data:image/jpeg;base64,%s">`, //nolint:gosec // escaped
		html.EscapeString(alt), size.X, size.Y, base64.StdEncoding.EncodeToString(data.Bytes()))), nil
}
