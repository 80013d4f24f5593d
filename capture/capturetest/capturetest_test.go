package capturetest

import (
	"context"
	"errors"
	"image"
	"io"
	"testing"
	"time"

	"lungbox/capture"
)

func picture(v byte) *image.Gray {
	p := image.NewGray(image.Rect(0, 0, 8, 6))
	for i := range p.Pix {
		p.Pix[i] = v
	}
	return p
}

func TestScriptConforms(t *testing.T) {
	Conform(t, 4, func(*testing.T) capture.Source {
		return New(Picture(picture(1)), Picture(picture(2)), Pause(time.Millisecond), Picture(picture(3)), Picture(picture(4)))
	})
	ConformBlocking(t, func(*testing.T) capture.Source { return New(Block()) })
}

func TestScriptInOrder(t *testing.T) {
	ctx := context.Background()
	broken := errors.New("cable out")
	gate := make(chan struct{})
	s := New(Picture(picture(9)), Fail(broken), Until(gate), Picture(picture(7)))
	if f, err := s.Next(ctx); err != nil || f.Index != 0 || f.Image.Pix[0] != 9 {
		t.Fatalf("first step: %v, %v", f, err)
	}
	if _, err := s.Next(ctx); !errors.Is(err, broken) {
		t.Fatalf("second step: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, time.Millisecond)
	defer cancel()
	if _, err := s.Next(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("third step, closed gate: %v", err)
	}
	close(gate)
	if f, err := s.Next(ctx); err != nil || f.Index != 1 || f.Image.Pix[0] != 7 {
		t.Fatalf("third step, open gate: %v, %v", f, err)
	}
	if _, err := s.Next(ctx); !errors.Is(err, io.EOF) {
		t.Fatalf("end: %v", err)
	}
}

// reuse is a source that breaks the rules in one chosen way.
type reuse struct {
	capture.Source
	shared *image.Gray
}

func (r reuse) Next(ctx context.Context) (*capture.Frame, error) {
	f, err := r.Source.Next(ctx)
	if err == nil {
		f.Image = r.shared
	}
	return f, err
}

// The check must find what it is there to find.
func TestOverlapIsFound(t *testing.T) {
	s := reuse{New(Repeat(2, Picture(picture(1)))...), picture(5)}
	frames := readAll(t, s)
	if !overlap(frames[0].Image, frames[1].Image) {
		t.Error("a shared buffer is not found")
	}
	if overlap(picture(1), picture(1)) {
		t.Error("two pictures pass for one")
	}
}
