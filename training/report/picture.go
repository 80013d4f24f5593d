package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"image"
	"image/jpeg"
	"math"

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
	size := p.Rect.Size()
	side := min(thumbnail, max(size.X, size.Y))
	values := make([]float32, side*side)
	arch.Preprocess(values, p, side)
	small := image.NewGray(image.Rect(0, 0, side, side))
	for i, v := range values {
		small.Pix[i] = uint8(min(max(math.Round(255*(float64(v)*arch.Deviation+arch.Mean)), 0), 255))
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, small, &jpeg.Options{Quality: 80}); err != nil {
		return "", err
	}
	return template.HTML(fmt.Sprintf(`<img loading="lazy" decoding="async" alt="%s" style="aspect-ratio:%d/%d" src="data:image/jpeg;base64,%s">`, //nolint:gosec // escaped
		html.EscapeString(file), size.X, size.Y, base64.StdEncoding.EncodeToString(data.Bytes()))), nil
}
