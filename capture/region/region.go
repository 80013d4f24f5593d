// Package region finds the ultrasound picture on a scanner's screen (the fan: a
// convex or phased sector, or the rectangle of a linear probe) and keeps nothing
// else. Names, dates, scales, logos, menus and traces round it are gone before a
// picture is scored, shown, stored or sent: a little of the fan is given up
// rather than a letter kept.
//
// [Detect] looks at a few frames and returns a [Region]; [Region.Apply] crops and
// masks a picture with it; [New] does both for a whole [capture.Source] and follows
// the fan when it moves.
package region

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
)

// Span is a run of pixels that are kept: row Y, columns From up to but not
// including To.
type Span struct{ Y, From, To int }

// Region is the part of a picture that shows ultrasound. Spans lie within Bounds in
// row order, and do not overlap; a row has more than one where the top of a convex
// sector bends down between its corners.
//
// As JSON, to be remembered or written by hand:
//
//	{"size":[640,480],"bounds":[160,40,520,410],"spans":[[40,300,380],[41,298,382], …]}
type Region struct {
	Size   image.Point     // of the pictures it belongs to
	Bounds image.Rectangle // the smallest rectangle around the spans
	Spans  []Span
}

// Apply returns a new picture, the crop to Bounds with everything outside the
// spans black. It panics when the picture has another size: use [Region.Fits].
func (r *Region) Apply(picture *image.Gray) *image.Gray {
	if !r.Fits(picture) {
		panic(fmt.Sprintf("region: a region for pictures of %v does not fit one of %v", r.Size, picture.Rect.Size()))
	}
	crop := image.NewGray(image.Rect(0, 0, r.Bounds.Dx(), r.Bounds.Dy()))
	for _, s := range r.Spans {
		from := s.Y*picture.Stride + s.From
		copy(crop.Pix[(s.Y-r.Bounds.Min.Y)*crop.Stride+s.From-r.Bounds.Min.X:], picture.Pix[from:from+s.To-s.From])
	}
	return crop
}

// Fits reports whether a picture has the size that the region belongs to.
func (r *Region) Fits(picture *image.Gray) bool { return picture.Rect.Size() == r.Size }

// Area is the number of pixels kept.
func (r *Region) Area() int {
	area := 0
	for _, s := range r.Spans {
		area += s.To - s.From
	}
	return area
}

// Rectangle is the region of a rectangle: what a DICOM file states, or a person.
func Rectangle(size image.Point, kept image.Rectangle) *Region {
	r := &Region{Size: size, Bounds: kept.Intersect(image.Rectangle{Max: size})}
	for y := r.Bounds.Min.Y; y < r.Bounds.Max.Y; y++ {
		r.Spans = append(r.Spans, Span{y, r.Bounds.Min.X, r.Bounds.Max.X})
	}
	return r
}

// file is the JSON form.
type file struct {
	Size   [2]int   `json:"size"`
	Bounds [4]int   `json:"bounds"`
	Spans  [][3]int `json:"spans"`
}

// MarshalJSON writes the form shown at Region.
func (r *Region) MarshalJSON() ([]byte, error) {
	f := file{
		Size:   [2]int{r.Size.X, r.Size.Y},
		Bounds: [4]int{r.Bounds.Min.X, r.Bounds.Min.Y, r.Bounds.Max.X, r.Bounds.Max.Y},
		Spans:  make([][3]int, len(r.Spans)),
	}
	for i, s := range r.Spans {
		f.Spans[i] = [3]int{s.Y, s.From, s.To}
	}
	return json.Marshal(f)
}

// errShape is returned for a region that no picture can have.
var errShape = errors.New("the region's spans must lie within its bounds, in row order, and its bounds within the picture")

// UnmarshalJSON reads and checks the form shown at Region.
func (r *Region) UnmarshalJSON(text []byte) error {
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	read := Region{
		Size:   image.Pt(f.Size[0], f.Size[1]),
		Bounds: image.Rectangle{Min: image.Pt(f.Bounds[0], f.Bounds[1]), Max: image.Pt(f.Bounds[2], f.Bounds[3])},
	}
	if read.Bounds.Empty() || !read.Bounds.In(image.Rectangle{Max: read.Size}) || len(f.Spans) == 0 {
		return errShape
	}
	last := Span{Y: -1}
	for _, s := range f.Spans {
		span := Span{s[0], s[1], s[2]}
		place := image.Rect(span.From, span.Y, span.To, span.Y+1)
		if span.From >= span.To || !place.In(read.Bounds) || span.Y < last.Y || span.Y == last.Y && span.From < last.To {
			return errShape
		}
		read.Spans = append(read.Spans, span)
		last = span
	}
	*r = read
	return nil
}
