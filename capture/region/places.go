package region

import "image"

// DetectIn looks for the fan in one of the places only, the one where the larger fan
// is found.
func DetectIn(frames []*image.Gray, places []image.Rectangle) (r *Region, ok bool) {
	if len(frames) == 0 {
		return nil, false
	}
	for _, place := range places {
		place = place.Intersect(frames[0].Rect)
		if place.Empty() {
			continue
		}
		parts := make([]*image.Gray, len(frames))
		for i, f := range frames {
			parts[i] = cut(f, place)
		}
		if found, foundOne := Detect(parts); foundOne && (!ok || found.Area() > r.Area()) {
			r, ok = found.moved(frames[0].Rect.Size(), place.Min), true
		}
	}
	return r, ok
}

// cut copies a part of a picture to a picture of its own.
func cut(f *image.Gray, place image.Rectangle) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, place.Dx(), place.Dy()))
	for y := range place.Dy() {
		copy(out.Pix[y*out.Stride:][:place.Dx()], f.Pix[f.PixOffset(place.Min.X, place.Min.Y+y):])
	}
	return out
}

// moved is the region of a part of a picture in the whole one.
func (r *Region) moved(size, by image.Point) *Region {
	whole := &Region{Size: size, Bounds: r.Bounds.Add(by)}
	for _, s := range r.Spans {
		whole.Spans = append(whole.Spans, Span{s.Y + by.Y, s.From + by.X, s.To + by.X})
	}
	return whole
}
