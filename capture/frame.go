// Package capture holds the two things that every picture source shares: the
// [Frame] and the [Source]. Technologies (clips, DICOM, grabbers) live in
// sub-packages of their own, and so do the steps between a source and the vote:
// region (finds and keeps only the ultrasound fan) and gate (says which frames
// cannot be scored, and why).
//
//	source → region → gate → scorer
//
// Every step is a Source around a Source.
package capture

import (
	"context"
	"image"
	"time"
)

// Frame is one picture on its way from a source to a score.
type Frame struct {
	// Image is the 8-bit grey picture, full range (0 black, 255 white). Before the
	// region step it is what the source delivered; after it, the masked crop.
	// Whoever receives the frame owns the pixels; no step may keep or reuse them.
	Image *image.Gray
	// Colour is the share of pixels, 0 to 1, that are clearly coloured: ultrasound
	// is grey or lightly tinted, photographs and menus are not. Negative: unknown.
	Colour float64

	File  string    // the file or device it came from, as the user named it
	Clip  string    // the cine loop inside the file or exam; "" when there is one only
	Index int       // number in the source, from 0
	Time  time.Time // when the source delivered it

	// Simulated marks pictures made by a phantom. It follows the frame into every
	// result, page and report.
	Simulated bool
	// Unfit says why the frame cannot be scored; empty for a frame that can. An unfit
	// frame stays in the stream: its result has this reason and no score.
	Unfit Unfit
}

// Unfit is the reason why a frame cannot be scored.
type Unfit string

// Reasons found in the picture itself, before any network sees it.
const (
	NotLung   Unfit = "not-lung"   // no ultrasound picture is in the frame
	PoorImage Unfit = "poor-image" // an ultrasound fan, but too dark or too faint to score
	Frozen    Unfit = "frozen"     // the live picture has stopped moving
)

// Source delivers frames in order.
type Source interface {
	// Next blocks until there is a frame. It returns io.EOF after the last one and
	// the context's error when that ends first: it may then be asked again, and no frame
	// is lost. The context is of this call alone. After any other error the source may be
	// asked again only if its documentation says so.
	Next(ctx context.Context) (*Frame, error)
	// Close releases everything; a blocked Next returns. It may be called twice.
	Close() error
}
