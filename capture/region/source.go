package region

import (
	"context"
	"image"
	"os"
	"sync/atomic"

	"lungbox/capture"
)

// Options of a [Source]. The zero value detects the fan and follows it.
type Options struct {
	// Region is used as it is, and nothing is detected, for pictures of its size.
	Region *Region
	// Rectangle, in pixels, is kept of pictures of every size, as a person has set it;
	// nothing is detected unless it lies outside the picture.
	Rectangle image.Rectangle
	// Look is how many frames are looked at before the first one is passed on; 0 means
	// 16. A live picture is that much late, once.
	Look int
	// Coloured is the share of clearly coloured pixels from which a picture is no
	// ultrasound; 0 means 0.25. Real clips have at most 0.01, a screen with a colour
	// Doppler box up to 0.1.
	Coloured float64
}

// Stated is a source that knows where the ultrasound pictures lie, as DICOM files
// do: detection then looks nowhere else.
type Stated interface {
	// Regions lists the places in pixels; none when they are not known.
	Regions() []image.Rectangle
}

// Source passes on the frames of another source, cropped to the fan and black round
// it. A frame without a fan becomes a single black pixel with the reason
// capture.NotLung: no pixel that is not masked goes on.
type Source struct {
	inner   capture.Source
	opts    Options
	current atomic.Pointer[Region]
	chosen  atomic.Pointer[image.Rectangle] // what Set was last told
	seen    atomic.Pointer[image.Point]     // what Size answers
	fixed   atomic.Bool                     // a person has set the region
	closed  atomic.Bool

	size    image.Point
	taken   *image.Rectangle // the choice that size was begun with
	looking bool             // frames are held in look until the fan is known
	look    []*capture.Frame // the first frames of this size
	recent  []*image.Gray    // samples of the last frames, unmasked
	since   int              // frames since the last sample
	ready   []*capture.Frame // done, in order
	end     error            // of the inner source, kept until ready is empty
}

// Frames between two samples and samples for a check: the fan is looked for anew
// every 32 frames, over some 30 frames of film.
const (
	sampleEvery = 8
	samples     = 4
)

// New wraps a source. Closing it closes the inner one. An error of the inner
// source, other than the end of a context, comes after all frames that were before
// it; the source may then be asked again if the inner one may.
func New(inner capture.Source, opts Options) *Source {
	if opts.Look == 0 {
		opts.Look = 16
	}
	if opts.Coloured == 0 {
		opts.Coloured = 0.25
	}
	s := &Source{inner: inner, opts: opts}
	s.Set(opts.Rectangle)
	s.taken = s.chosen.Load()
	return s
}

// Set changes Options.Rectangle from the next frame on; an empty one lets the fan be
// found again. It may be called from any goroutine.
func (s *Source) Set(kept image.Rectangle) { s.chosen.Store(&kept) }

// Region is the present region, nil while none is known. It may be called from any
// goroutine, to be remembered.
func (s *Source) Region() *Region { return s.current.Load() }

// Size is the size of the inner source's last picture, zero before the first. It may be
// called from any goroutine.
func (s *Source) Size() (size image.Point) {
	if p := s.seen.Load(); p != nil {
		size = *p
	}
	return size
}

// Fixed says whether the present region is one that a person has set. It may be called
// from any goroutine.
func (s *Source) Fixed() bool { return s.fixed.Load() }

// Close closes the inner source; frames that are held back are dropped.
func (s *Source) Close() error {
	s.closed.Store(true)
	return s.inner.Close()
}

// Next returns the next frame, masked.
func (s *Source) Next(ctx context.Context) (*capture.Frame, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.closed.Load() {
			return nil, os.ErrClosed
		}
		if len(s.ready) > 0 {
			frame := s.ready[0]
			s.ready = s.ready[1:]
			return frame, nil
		}
		if err := s.end; err != nil {
			s.end = nil
			return nil, err
		}
		frame, err := s.inner.Next(ctx)
		switch {
		case err == nil:
			s.take(frame)
		case ctx.Err() != nil:
			return nil, err
		default:
			s.decide()
			s.end = err
		}
	}
}

// take decides on a frame, or holds it until the fan is known.
func (s *Source) take(frame *capture.Frame) {
	if chosen := s.chosen.Load(); frame.Image.Rect.Size() != s.size || chosen != s.taken {
		s.taken = chosen
		s.decide()
		s.start(frame.Image.Rect.Size())
	}
	if s.looking {
		s.look = append(s.look, frame)
		if len(s.look) >= s.opts.Look {
			s.decide()
		}
		return
	}
	s.follow(frame)
	s.ready = append(s.ready, s.masked(frame))
}

// start begins anew with pictures of another size.
func (s *Source) start(size image.Point) {
	s.size, s.recent, s.since = size, nil, 0
	s.seen.Store(&size)
	s.current.Store(s.set(size))
	s.looking = s.current.Load() == nil
	s.fixed.Store(!s.looking)
}

// set is the region that a person has set for pictures of a size; nil for none.
func (s *Source) set(size image.Point) *Region {
	if r := s.opts.Region; r != nil && r.Size == size {
		return r
	}
	if r := Rectangle(size, *s.taken); len(r.Spans) > 0 {
		return r
	}
	return nil
}

// decide ends the look at the first frames and passes them on.
func (s *Source) decide() {
	if !s.looking || len(s.look) == 0 {
		return
	}
	var pictures []*image.Gray
	for _, f := range s.look {
		if s.usable(f) {
			pictures = append(pictures, f.Image)
		}
	}
	if r, ok := s.detect(pictures); ok {
		s.current.Store(r)
	}
	for _, f := range s.look {
		s.ready = append(s.ready, s.masked(f))
	}
	s.looking, s.look = false, nil
}

func (s *Source) detect(pictures []*image.Gray) (*Region, bool) {
	if stated, ok := s.inner.(Stated); ok && len(stated.Regions()) > 0 {
		return DetectIn(pictures, stated.Regions())
	}
	return Detect(pictures)
}

// usable reports whether a frame may show a fan at all.
func (s *Source) usable(f *capture.Frame) bool {
	return f.Unfit == "" && f.Colour < s.opts.Coloured
}

// masked crops a frame, or empties it.
func (s *Source) masked(f *capture.Frame) *capture.Frame {
	r := s.current.Load()
	if r == nil || f.Colour >= s.opts.Coloured {
		f.Image = image.NewGray(image.Rect(0, 0, 1, 1))
		if f.Unfit == "" {
			f.Unfit = capture.NotLung
		}
		return f
	}
	f.Image = r.Apply(f.Image)
	return f
}
