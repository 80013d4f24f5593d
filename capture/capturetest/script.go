// Package capturetest has a scripted [capture.Source] for the tests of everything
// that takes frames, and the conformance check that every Source must pass.
package capturetest

import (
	"context"
	"errors"
	"image"
	"io"
	"sync"
	"time"

	"lungbox/capture"
)

// Step is one thing a scripted source does when it is asked for a frame.
type Step func(ctx context.Context, s *Source) (*capture.Frame, error)

// errNext tells the source to go on with the next step.
var errNext = errors.New("capturetest: next step")

// Frame delivers a picture. The source gives the frame its number; the time is
// kept when it is set. The picture is copied, so a step can be used twice.
func Frame(f capture.Frame) Step {
	return func(_ context.Context, s *Source) (*capture.Frame, error) {
		out := f
		pixels := *f.Image
		pixels.Pix = append([]byte{}, f.Image.Pix...)
		out.Image, out.Index = &pixels, s.frames
		s.frames++
		return &out, nil
	}
}

// Picture delivers a grey picture without colour.
func Picture(picture *image.Gray) Step { return Frame(capture.Frame{Image: picture}) }

// Fail returns an error once; the source goes on after it.
func Fail(err error) Step {
	return func(context.Context, *Source) (*capture.Frame, error) { return nil, err }
}

// Until waits for a channel to be closed, then goes on with the next step.
func Until(open <-chan struct{}) Step {
	return func(ctx context.Context, s *Source) (*capture.Frame, error) {
		select {
		case <-open:
			return nil, errNext
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.closed:
			return nil, ErrClosed
		}
	}
}

// Pause waits for a time, then goes on with the next step.
func Pause(d time.Duration) Step {
	return func(ctx context.Context, s *Source) (*capture.Frame, error) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil, errNext
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.closed:
			return nil, ErrClosed
		}
	}
}

// Block never delivers: it ends when the context does or the source is closed.
func Block() Step { return Until(nil) }

// ErrClosed is returned by Next after Close.
var ErrClosed = errors.New("capturetest: the source is closed")

// Source plays a script: Next performs the steps in turn and returns io.EOF after
// the last one. A step that the context ended is performed again. Next is for one
// goroutine at a time; Close and Closed are for any.
type Source struct {
	steps  []Step
	frames int
	closed chan struct{}
	close  sync.Once
}

// New makes a source of steps.
func New(steps ...Step) *Source {
	return &Source{steps: steps, closed: make(chan struct{})}
}

// Repeat makes n steps of one.
func Repeat(n int, step Step) []Step {
	steps := make([]Step, n)
	for i := range steps {
		steps[i] = step
	}
	return steps
}

// Next performs the next step.
func (s *Source) Next(ctx context.Context) (*capture.Frame, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.Closed() {
			return nil, ErrClosed
		}
		if len(s.steps) == 0 {
			return nil, io.EOF
		}
		frame, err := s.steps[0](ctx, s)
		if err == nil || ctx.Err() == nil {
			s.steps = s.steps[1:]
		}
		if !errors.Is(err, errNext) {
			return frame, err
		}
	}
}

// Close ends a blocked Next.
func (s *Source) Close() error {
	s.close.Do(func() { close(s.closed) })
	return nil
}

// Closed reports whether Close was called.
func (s *Source) Closed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}
