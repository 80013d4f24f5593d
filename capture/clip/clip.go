// Package clip replays files: video, still pictures and DICOM, as a
// [capture.Source] of grey frames in their order.
//
// The kind of a file is found in its first bytes, not in its name. Videos are
// decoded by a supervised ffmpeg process, DICOM files by the worker of package
// dicom, PNG and JPEG by Go's decoders. Every frame that can be decoded is
// delivered; what cannot is one error that names the file and says what is wrong.
//
//	source, err := clip.Open(ctx, "lung.mp4", clip.Options{})
//	for {
//		frame, err := source.Next(ctx) // io.EOF after the last one
package clip

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"sync"
	"time"

	"lungbox/capture"
	"lungbox/capture/dicom"
)

// Errors that callers decide on.
var (
	// ErrFormat: the file is nothing that lungbox can read.
	ErrFormat = errors.New("not a video, picture or DICOM file that lungbox reads")
	// ErrProgram: a program that decoding needs is not installed.
	ErrProgram = errors.New("a needed program is not installed")
	// ErrDamaged: the file is of a known kind and cannot be read, or not to its end.
	ErrDamaged = errors.New("damaged file")
	// ErrTooLarge: the picture has more than MaxPixels pixels.
	ErrTooLarge = errors.New("the picture is too large")
)

// MaxPixels is the largest picture that is decoded: 64 megapixels. Ultrasound
// screens have 0.3 to 3; more is a mistake or an attack.
const MaxPixels = 64 << 20

// Options say how a file is replayed. The zero value delivers every frame once, as
// fast as it is taken.
type Options struct {
	Loop     bool // start again after the last frame, for ever; frame numbers go on rising
	Realtime bool // deliver at the clip's own frame rate

	// Now and Sleep are the clock; nil means the real one. Sleep returns early, with
	// the context's error, when the context ends.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error

	// Patience is how long a decoder may take for one frame; 0 means 30 s.
	Patience time.Duration

	FFmpeg, FFprobe string // the programs; "" means the ones in PATH
	DICOM           dicom.Options
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Patience == 0 {
		o.Patience = 30 * time.Second
	}
	if o.FFmpeg == "" {
		o.FFmpeg = "ffmpeg"
	}
	if o.FFprobe == "" {
		o.FFprobe = "ffprobe"
	}
	return o
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Info is what a file says about itself.
type Info struct {
	Format    Format
	Frames    int     // 0 when the file does not say
	Rate      float64 // frames per second; 0 for stills and when the file does not say
	Simulated bool    // marked as made by a phantom, see package simulated
	// Regions are the places of the ultrasound pictures as a DICOM file states them
	// (Sequence of Ultrasound Regions), in pixels; empty for other files.
	Regions []image.Rectangle
}

// Clip is an open file. Its frames have Index 0 and up, File as given to Open, and
// the time of their delivery.
type Clip struct {
	path string
	opts Options
	info Info

	open   opener
	stream stream // of the present round
	pace   pace
	next   int
	err    error // the end, kept

	alive  context.Context // ends with Open's context and with Close
	cancel context.CancelCauseFunc
	close  sync.Mutex // held while the stream is replaced or closed
}

// stream delivers the pictures of one round through the file: Image, Colour and
// Simulated of a frame, then io.EOF.
type stream = capture.Source

// opener starts a round.
type opener func(ctx context.Context) (stream, error)

// Open opens a file. Ending the context closes the clip and ends its decoder.
// The first frame may still fail: a file's head can be right and its pictures not.
// The Source is a *Clip.
func Open(ctx context.Context, path string, opts Options) (capture.Source, error) {
	c, err := open(ctx, path, opts.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func open(ctx context.Context, path string, opts Options) (_ *Clip, err error) {
	format, err := detectFile(path)
	if err != nil {
		return nil, err
	}
	alive, cancel := context.WithCancelCause(ctx)
	defer func() {
		if err != nil {
			cancel(err)
		}
	}()
	c := &Clip{path: path, opts: opts, alive: alive, cancel: cancel}
	switch format {
	case PNG, JPEG:
		c.open, c.info, err = openStill(path, format)
	case DICOM:
		c.stream, c.open, c.info, err = openDICOM(alive, path, opts)
	default:
		c.open, c.info, err = openVideo(alive, path, opts)
	}
	if err != nil {
		return nil, err
	}
	if c.stream == nil {
		if c.stream, err = c.open(alive); err != nil {
			return nil, err
		}
	}
	c.info.Format = format
	c.pace = pace{rate: c.info.Rate, now: opts.Now, sleep: opts.Sleep}
	return c, nil
}

// Info is known from Open on.
func (c *Clip) Info() Info { return c.info }

// Regions is Info().Regions: where a DICOM file says the ultrasound pictures lie.
func (c *Clip) Regions() []image.Rectangle { return c.info.Regions }

// Next delivers the next frame. After an error other than the context's it returns
// that error again.
func (c *Clip) Next(ctx context.Context) (*capture.Frame, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.alive.Err() != nil {
		return nil, c.ended()
	}
	if c.err != nil {
		return nil, c.err
	}
	if c.opts.Realtime {
		if err := c.hold(ctx); err != nil {
			return nil, err
		}
	}
	frame, err := c.read(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case c.alive.Err() != nil:
		return nil, c.ended()
	case errors.Is(err, io.EOF):
		c.err = io.EOF
		return nil, io.EOF
	default:
		c.err = fmt.Errorf("%s: %w", c.path, err)
		return nil, c.err
	}
	frame.File, frame.Index, frame.Time = c.path, c.next, c.opts.Now()
	frame.Simulated = frame.Simulated || c.info.Simulated
	c.next++
	c.pace.delivered()
	return frame, nil
}

// hold waits until the next frame is due.
func (c *Clip) hold(ctx context.Context) error {
	wait, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.alive, cancel)() //nolint:contextcheck // two contexts end the wait: the caller's and the clip's
	err := c.pace.wait(wait)
	if c.alive.Err() != nil && ctx.Err() == nil {
		return c.ended()
	}
	return err
}

// ended is the error of a clip that was closed, or whose context is over.
func (c *Clip) ended() error {
	return fmt.Errorf("%s: %w", c.path, context.Cause(c.alive))
}

// read takes a frame from the present round, or starts another one.
func (c *Clip) read(ctx context.Context) (*capture.Frame, error) {
	frame, err := c.stream.Next(ctx)
	if !errors.Is(err, io.EOF) || !c.opts.Loop {
		return frame, err
	}
	if c.next == 0 {
		return nil, fmt.Errorf("%w: it holds no frame", ErrDamaged)
	}
	if err := c.restart(); err != nil {
		return nil, err
	}
	return c.stream.Next(ctx)
}

func (c *Clip) restart() error {
	c.close.Lock()
	defer c.close.Unlock()
	if c.alive.Err() != nil {
		return context.Cause(c.alive)
	}
	c.stream.Close()
	again, err := c.open(c.alive)
	if err == nil {
		c.stream = again
	}
	return err
}

// Close ends the decoder and waits for it; a Next that waits returns.
func (c *Clip) Close() error {
	c.cancel(os.ErrClosed)
	c.close.Lock()
	defer c.close.Unlock()
	return c.stream.Close()
}
