// Package gate says which frames cannot be scored, and why, before a network sees
// them: a fan that is dark or nearly empty, a picture that is no ultrasound (test
// card, photograph, menu, document, noise), a live picture that has stopped.
//
// Each rule is one measure of the masked crop against one threshold, so that a
// refusal can be explained in a sentence ([Config.Assess]). Pictures that look like
// ultrasound and are something else are left to the networks' own check.
package gate

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"lungbox/capture"
)

// Config holds the thresholds. The values of [Default] were chosen on 53 real clips
// (5,600 frames) and 720 simulated pictures on one side, and photographs, pages and
// drawings on the other. A
// field that is zero has Default's value, so that Config{} is right for files; a
// negative least or a most above 1 turns its rule off.
type Config struct {
	// LeastLit is the share of pixels brighter than 16 below which a fan is empty:
	// poor-image. A probe in the air shows 0.03, the darkest clip 0.08.
	LeastLit float64
	// LeastDark is the share of pixels darker than 40 below which a picture has neither
	// shadows nor black round it. Only a white lung under a linear probe is like that:
	// not-lung unless its isotropy is below MostIsotropyOfBright.
	LeastDark, MostIsotropyOfBright float64
	// MostWhite is the share of pixels near white from which it is paper or a window.
	MostWhite float64
	// MostDrawn is the share of lit pixels equal to their neighbours from which it is
	// a drawing or a menu; compressed clips reach 0.35.
	MostDrawn float64
	// LeastLikeness is the correlation of neighbours below which it is noise; real
	// clips have 0.95, coarsely scaled ones 0.87.
	LeastLikeness float64
	// LeastLikenessOfDrawn is the same for pictures of which a tenth is drawn: even
	// areas with hard edges are drawings. Clips that a codec made even have 0.99.
	LeastLikenessOfDrawn float64
	// MostIsotropy is the ratio of grain across to grain down from which the texture of
	// a picture is not of sound: 0.7 is more than 98 of 100 frames of clips have, and
	// less than 9 of 10 photographs. Thin bright lines between dark shadows come close to
	// photographs, which are not as dark: a picture may have IsotropyOfDark more for its
	// dark share.
	MostIsotropy, IsotropyOfDark float64
	// MostColour is the share of clearly coloured pixels from which it is a photograph
	// or a menu.
	MostColour float64

	// FrozenAfter is how long a picture may stand still; 0 means for ever, right for
	// files. A picture stands still while it changes by less than Still grey levels
	// on average from one frame to the next.
	FrozenAfter time.Duration
	Still       float64
}

// Default returns the thresholds for files.
func Default() Config {
	return Config{
		LeastLit: 0.05, LeastDark: 0.02, MostIsotropyOfBright: 0.42, MostWhite: 0.25, MostDrawn: 0.6,
		LeastLikeness: 0.6, LeastLikenessOfDrawn: 0.95, MostIsotropy: 0.78, IsotropyOfDark: 0.2, MostColour: 0.25,
		Still: 0.05,
	}
}

// thresholds are the fields by the names that they have in a release.
func (c *Config) thresholds() map[string]*float64 {
	return map[string]*float64{
		"least_lit": &c.LeastLit, "least_dark": &c.LeastDark, "most_isotropy_of_bright": &c.MostIsotropyOfBright,
		"most_white": &c.MostWhite, "most_drawn": &c.MostDrawn, "least_likeness": &c.LeastLikeness,
		"least_likeness_of_drawn": &c.LeastLikenessOfDrawn, "most_isotropy": &c.MostIsotropy,
		"isotropy_of_dark": &c.IsotropyOfDark, "most_colour": &c.MostColour, "still": &c.Still,
	}
}

// Thresholds are the values by name, as a release carries them: all but FrozenAfter, which
// is the box's own.
func (c Config) Thresholds() map[string]float64 {
	values := map[string]float64{}
	for name, field := range c.thresholds() {
		values[name] = *field
	}
	return values
}

// With is the configuration with a release's thresholds. An unknown name is an error: the
// release was made for a later program.
func (c Config) With(values map[string]float64) (Config, error) {
	known := c.thresholds()
	for name, v := range values {
		field, ok := known[name]
		if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
			return c, fmt.Errorf("the release's gate has %s = %v, which this program does not know: install a newer lungbox", name, v)
		}
		*field = v
	}
	return c, nil
}

func (c Config) withDefaults() Config {
	standard := Default()
	own, others := c.thresholds(), standard.thresholds()
	for name, field := range own {
		if *field == 0 {
			*field = *others[name]
		}
	}
	return c
}

// Live returns the thresholds for a live picture: frozen after a second.
func Live() Config {
	c := Default()
	c.FrozenAfter = time.Second
	return c
}

// partlyDrawn is the share of drawn pixels from which hard edges count.
const partlyDrawn = 0.1

// leastSide is the smallest crop, in pixels, that texture can be judged in.
const leastSide = 24

// Assess judges one masked crop: why it cannot be scored ("" when it can), and what
// was measured, for people.
func (c Config) Assess(picture *image.Gray) (capture.Unfit, string) {
	if min(picture.Rect.Dx(), picture.Rect.Dy()) < leastSide {
		return capture.NotLung, fmt.Sprintf("the picture has only %d×%d pixels", picture.Rect.Dx(), picture.Rect.Dy())
	}
	c = c.withDefaults()
	m := measure(picture)
	switch {
	case m.lit < c.LeastLit:
		return capture.PoorImage, fmt.Sprintf("only %.1f%% of the picture is lit: %s", 100*m.lit, m.dim())
	case m.white >= c.MostWhite:
		return capture.NotLung, fmt.Sprintf("%.0f%% of the picture is white", 100*m.white)
	case m.dark < c.LeastDark && m.isotropy >= c.MostIsotropyOfBright:
		return capture.NotLung, fmt.Sprintf("only %.1f%% of the picture is dark", 100*m.dark)
	case m.drawn >= c.MostDrawn:
		return capture.NotLung, fmt.Sprintf("%.0f%% of the picture is evenly grey", 100*m.drawn)
	case m.drawn >= partlyDrawn && m.likeness < c.LeastLikenessOfDrawn:
		return capture.NotLung, fmt.Sprintf("even areas with hard edges: %.0f%% is evenly grey, neighbouring pixels correlate by %.2f", 100*m.drawn, m.likeness)
	case m.likeness < c.LeastLikeness:
		return capture.NotLung, fmt.Sprintf("neighbouring pixels correlate by only %.2f: noise", m.likeness)
	case m.isotropy >= c.MostIsotropy+c.IsotropyOfDark*m.dark:
		return capture.NotLung, fmt.Sprintf("the texture is as fine across as down (%.2f)", m.isotropy)
	}
	return "", "fit"
}

// Why a picture is too dark, for people and counters; all are poor-image.
const (
	Black     = "black"      // nothing is lit
	NoContact = "no-contact" // only echoes within the probe: it is in the air
	Faint     = "faint"      // too little gain, or no gel
)

// Echoes of a probe in the air lie near its face: that much of what is lit is in the upper
// third of the picture, where a faint lung has its share of everything.
const mostHigh = 0.8

// nothingLit is the share of lit pixels below which a picture is black: noise.
const nothingLit = 0.002

// dim says why a picture that is too dark is so.
func (m measures) dim() string {
	switch {
	case m.lit < nothingLit:
		return Black
	case m.high >= mostHigh:
		return NoContact
	}
	return Faint
}

// Counts are the frames that went through a gate.
type Counts struct {
	Fit, NotLung, PoorImage, Frozen uint64
	Black, NoContact                uint64 // of PoorImage
	Duplicate                       uint64 // of a live picture: the same as the one before, not passed on
}

// Source marks the frames of another source. Frames that are unfit already pass as
// they are. A frame that is no ultrasound loses its picture (one black pixel): what
// is not known to be a fan is not shown either.
type Source struct {
	inner  capture.Source
	config atomic.Pointer[Config]

	fit, notLung, poor, frozen, black, noContact, duplicate atomic.Uint64

	last  *image.Gray // the frame before
	since time.Time   // when the picture last changed
	given time.Time   // of the frame that was passed on last
}

// New wraps a source. Closing it closes the inner one; errors pass through.
func New(inner capture.Source, config Config) *Source {
	s := &Source{inner: inner}
	s.Set(config)
	return s
}

// Set has other thresholds judge the frames that come from now on. It may be called from
// any goroutine.
func (s *Source) Set(config Config) {
	config = config.withDefaults()
	s.config.Store(&config)
}

// Counts may be called from any goroutine.
func (s *Source) Counts() Counts {
	return Counts{
		Fit: s.fit.Load(), NotLung: s.notLung.Load(), PoorImage: s.poor.Load(), Frozen: s.frozen.Load(),
		Black: s.black.Load(), NoContact: s.noContact.Load(), Duplicate: s.duplicate.Load(),
	}
}

// Close closes the inner source.
func (s *Source) Close() error { return s.inner.Close() }

// pulse is how often a live picture that repeats is passed on all the same: whoever waits
// must see that it is alive.
const pulse = 500 * time.Millisecond

// Next returns the next frame, with the reason in Unfit when it has one. Of a live picture
// that a grabber delivers twice, as those with a higher rate than the scanner do, one goes
// on: two scores of one picture are no more than one.
func (s *Source) Next(ctx context.Context) (*capture.Frame, error) {
	for {
		frame, err := s.inner.Next(ctx)
		if err != nil {
			return nil, err
		}
		config := s.config.Load()
		moved, stands := s.standsStill(frame, config)
		if !moved && !stands && frame.Unfit == "" && frame.Time.Sub(s.given) < pulse {
			s.duplicate.Add(1)
			continue
		}
		s.given = frame.Time
		if frame.Unfit == "" {
			frame.Unfit = s.judge(frame, config)
			if frame.Unfit == "" && stands {
				frame.Unfit = capture.Frozen
			}
		}
		s.count(frame.Unfit)
		return frame, nil
	}
}

func (s *Source) judge(frame *capture.Frame, config *Config) capture.Unfit {
	reason, text := capture.NotLung, ""
	if frame.Colour < config.MostColour {
		reason, text = config.Assess(frame.Image)
	}
	switch {
	case reason == capture.NotLung:
		frame.Image = image.NewGray(image.Rect(0, 0, 1, 1))
	case strings.HasSuffix(text, Black):
		s.black.Add(1)
	case strings.HasSuffix(text, NoContact):
		s.noContact.Add(1)
	}
	return reason
}

// standsStill reports whether a live picture is another than the one before, bit by bit,
// and whether it has not changed for longer than it may. The frame's own time counts, so
// that a replay behaves like the live picture.
func (s *Source) standsStill(frame *capture.Frame, config *Config) (other, stands bool) {
	if config.FrozenAfter <= 0 {
		return true, false
	}
	picture := frame.Image
	same := s.last != nil && s.last.Rect == picture.Rect
	moved := !same || change(s.last, picture) >= config.Still
	other = !same || !bytes.Equal(s.last.Pix, picture.Pix)
	// A copy: the receiver owns the frame's pixels and may change them.
	s.last = &image.Gray{Pix: append([]byte(nil), picture.Pix...), Stride: picture.Stride, Rect: picture.Rect}
	if moved {
		s.since = frame.Time
	}
	return other, frame.Time.Sub(s.since) >= config.FrozenAfter
}

func (s *Source) count(reason capture.Unfit) {
	switch reason {
	case "":
		s.fit.Add(1)
	case capture.NotLung:
		s.notLung.Add(1)
	case capture.PoorImage:
		s.poor.Add(1)
	case capture.Frozen:
		s.frozen.Add(1)
	}
}
