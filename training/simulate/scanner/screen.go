package scanner

import (
	"fmt"
	"image"
	"math"

	"lungbox/training/simulate/seed"
)

// Screen is the picture that a scanner's video output carries: the fan on black,
// with text, scales and marks around it, none of them on the fan.
type Screen struct {
	Size image.Point
	// Fan is the smallest rectangle around the fan; Spans are its pixels, by row of
	// that rectangle, in the screen's columns.
	Fan   image.Rectangle
	Spans [][]Span

	perMillimetre float64
	raster        *Raster
	backdrop      *image.Gray
}

// NewScreen lays out a screen for one patient's scanner.
func NewScreen(scan *Scanner, d *seed.Draws) (*Screen, error) {
	width := scan.Columns
	s := &Screen{Size: image.Pt(width, width*3/4)}
	box := scan.Fan.Bounds()
	free := image.Rect(
		int(d.Between(0.1, 0.18)*float64(s.Size.X)), int(d.Between(0.08, 0.14)*float64(s.Size.Y)),
		int(d.Between(0.82, 0.9)*float64(s.Size.X)), int(d.Between(0.88, 0.96)*float64(s.Size.Y)),
	)
	s.perMillimetre = min(float64(free.Dx())/(box.Right-box.Left), float64(free.Dy())/(box.Bottom-box.Top))
	columns := int(math.Ceil((box.Right - box.Left) * s.perMillimetre))
	rows := int(math.Ceil((box.Bottom - box.Top) * s.perMillimetre))
	corner := free.Min.Add(image.Pt((free.Dx()-columns)/2, (free.Dy()-rows)/3))
	s.Fan = image.Rectangle{Min: corner, Max: corner.Add(image.Pt(columns, rows))}
	// The pixels are square: the last column and row may reach a little past the box.
	box.Right = box.Left + float64(columns)/s.perMillimetre
	box.Bottom = box.Top + float64(rows)/s.perMillimetre
	s.raster = NewRaster(&scan.Fan, box, columns, rows, 1)
	s.Spans = s.raster.Spans()
	for _, row := range s.Spans {
		for i := range row {
			row[i].Left += corner.X
			row[i].Right += corner.X
		}
	}
	s.backdrop = image.NewGray(image.Rectangle{Max: s.Size})
	if err := s.decorate(scan, box, d); err != nil {
		return nil, fmt.Errorf("text around the fan: %w", err)
	}
	return s, nil
}

// Draw makes the screen for a polar picture in the order of [Field].
func (s *Screen) Draw(grey []float32) *image.Gray {
	picture := image.NewGray(s.backdrop.Rect)
	copy(picture.Pix, s.backdrop.Pix)
	s.raster.Draw(picture.SubImage(s.Fan).(*image.Gray), grey)
	return picture
}

// Covers says whether a pixel belongs to the fan.
func (s *Screen) Covers(x, y int) bool {
	if y < s.Fan.Min.Y || y >= s.Fan.Max.Y {
		return false
	}
	for _, span := range s.Spans[y-s.Fan.Min.Y] {
		if x >= span.Left && x < span.Right {
			return true
		}
	}
	return false
}
