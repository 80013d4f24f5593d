package region

import (
	"image"

	"lungbox/capture"
)

// How far a new outline must differ before it replaces the old one.
const (
	// appeared is the share of the new region that lies outside the old one: parts of
	// the fan that were dark before, or a fan at another place.
	appeared = 0.03
	// left is the level, in every sample, of pixels that are in the old region and
	// not in the new one, and leftShare their share of the picture: a word there was
	// written after the fan had moved.
	left      = 40
	leftShare = 0.0005
)

// follow looks for the fan again from time to time: while none is known, when it
// grows out of a shadow, and when it has moved.
func (s *Source) follow(f *capture.Frame) {
	if s.fixed.Load() || !s.usable(f) {
		return
	}
	every := sampleEvery
	if s.current.Load() == nil {
		every = 1 // nothing is shown meanwhile, so be quick
	}
	if s.since++; s.since < every {
		return
	}
	s.since = 0
	s.recent = append(s.recent, f.Image)
	if len(s.recent) < samples {
		return
	}
	pictures := s.recent
	s.recent = nil
	found, ok := s.detect(pictures)
	if !ok {
		return // dark for a moment; the old region shows nothing that it should not
	}
	old := s.current.Load()
	if old == nil {
		s.current.Store(found)
		return
	}
	if next := old.replacedBy(found, pictures); next != nil {
		s.current.Store(next)
	}
}

// replacedBy returns the region to go on with after a new one was found in the
// pictures: nil for the old one, the new one when something is left where the fan
// was, both together when the fan only shows more of itself.
func (r *Region) replacedBy(found *Region, pictures []*image.Gray) *Region {
	before, now := r.bitmap(), found.bitmap()
	outside, written := 0, 0
	for i, set := range now {
		switch {
		case set && !before[i]:
			outside++
		case before[i] && !set:
			x, y := i%r.Size.X, i/r.Size.X
			if brightInAll(pictures, x, y) && !found.beside(now, x, y) {
				written++
			}
		}
	}
	moved := float64(written) > leftShare*float64(len(now))
	grown := float64(outside) > appeared*float64(found.Area())
	switch {
	case moved:
		return found
	case grown:
		for i, set := range before {
			now[i] = now[i] || set
		}
		return fromBitmap(r.Size, now)
	}
	return nil
}

// beside reports whether a pixel lies next to the region, in the margin that
// detection takes off the fan.
func (r *Region) beside(bits []bool, x, y int) bool {
	margin := max(r.Size.X, r.Size.Y)/100 + 3
	for _, d := range [4]image.Point{{margin, 0}, {-margin, 0}, {0, margin}, {0, -margin}} {
		p := image.Pt(x, y).Add(d)
		if p.In(image.Rectangle{Max: r.Size}) && bits[p.Y*r.Size.X+p.X] {
			return true
		}
	}
	return false
}

func brightInAll(pictures []*image.Gray, x, y int) bool {
	for _, p := range pictures {
		if p.Pix[y*p.Stride+x] < left {
			return false
		}
	}
	return true
}

// bitmap marks the region's pixels in the whole picture.
func (r *Region) bitmap() []bool {
	bits := make([]bool, r.Size.X*r.Size.Y)
	for _, s := range r.Spans {
		for x := s.From; x < s.To; x++ {
			bits[s.Y*r.Size.X+x] = true
		}
	}
	return bits
}

func fromBitmap(size image.Point, bits []bool) *Region {
	r := &Region{Size: size}
	for y := range size.Y {
		row := bits[y*size.X:][:size.X]
		for x := 0; x < size.X; x++ {
			from := x
			for x < size.X && row[x] {
				x++
			}
			if x > from {
				r.Spans = append(r.Spans, Span{y, from, x})
				r.Bounds = r.Bounds.Union(image.Rect(from, y, x, y+1))
			}
		}
	}
	return r
}
