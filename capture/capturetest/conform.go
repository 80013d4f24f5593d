package capturetest

import (
	"context"
	"errors"
	"hash/maphash"
	"image"
	"io"
	"testing"
	"time"

	"lungbox/capture"
)

// patience is how long the check waits for something that must happen at once.
const patience = 20 * time.Second

// Conform checks the promises of capture.Source with sources that open makes: each
// call must give a new one with the same frames, and the stream must end. frames
// is the number of frames it must hold.
func Conform(t *testing.T, frames int, open func(t *testing.T) capture.Source) {
	t.Helper()
	t.Run("frames rise from 0 to the end", func(t *testing.T) {
		source := open(t)
		defer closeTwice(t, source)
		got := readAll(t, source)
		if len(got) != frames {
			t.Errorf("%d frames, want %d", len(got), frames)
		}
		for i, f := range got {
			checkFrame(t, f, i)
		}
		for range 2 {
			if _, err := source.Next(context.Background()); !errors.Is(err, io.EOF) {
				t.Errorf("after the end: %v, want io.EOF again", err)
			}
		}
	})
	t.Run("pixels belong to the receiver", func(t *testing.T) {
		seed := maphash.MakeSeed()
		sum := func(f *capture.Frame) uint64 { return maphash.Bytes(seed, f.Image.Pix) }
		clean := open(t)
		defer closeTwice(t, clean)
		var want []uint64
		for _, f := range readAll(t, clean) {
			want = append(want, sum(f))
		}
		source := open(t)
		defer closeTwice(t, source)
		var all []*capture.Frame
		for range want {
			f, err := source.Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if f.Index < len(want) && sum(f) != want[f.Index] {
				t.Errorf("frame %d differs when the frames before it are drawn upon", f.Index)
			}
			if len(all)%2 == 1 { // every other one: must show in no other frame
				for j := range f.Image.Pix {
					f.Image.Pix[j] ^= 0xa5
				}
			}
			all = append(all, f)
		}
		for i, f := range all {
			if i%2 == 0 && sum(f) != want[i] {
				t.Errorf("frame %d changed after it was handed over", f.Index)
			}
			if i > 0 && overlap(f.Image, all[i-1].Image) {
				t.Errorf("frames %d and %d share memory", i-1, i)
			}
		}
	})
	t.Run("an ended context is the error", func(t *testing.T) {
		source := open(t)
		defer closeTwice(t, source)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := source.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the context's", err)
		}
	})
	t.Run("no frame after Close", func(t *testing.T) {
		source := open(t)
		if _, err := source.Next(context.Background()); err != nil {
			t.Fatal(err)
		}
		closeTwice(t, source)
		f, err := source.Next(context.Background())
		if err == nil || f != nil {
			t.Errorf("frame %v, error %v after Close", f, err)
		}
	})
}

// ConformBlocking checks that a Next that waits for a frame returns when its
// context ends and when the source is closed. open makes a source whose next frame
// never comes.
func ConformBlocking(t *testing.T, open func(t *testing.T) capture.Source) {
	t.Helper()
	t.Run("ending the context unblocks", func(t *testing.T) {
		source := open(t)
		defer closeTwice(t, source)
		ctx, cancel := context.WithCancel(context.Background())
		result := nextInBackground(ctx, source)
		cancel()
		if err := wait(t, result); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the context's", err)
		}
		short, end := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer end()
		if err := wait(t, nextInBackground(short, source)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("asked once more: error %v, want the context's", err)
		}
	})
	t.Run("Close unblocks", func(t *testing.T) {
		source := open(t)
		result := nextInBackground(context.Background(), source)
		closeTwice(t, source)
		if err := wait(t, result); err == nil {
			t.Error("a frame came out of a blocked source")
		}
	})
}

func nextInBackground(ctx context.Context, source capture.Source) <-chan error {
	result, started := make(chan error, 1), make(chan struct{})
	go func() {
		close(started)
		_, err := source.Next(ctx)
		result <- err
	}()
	<-started
	return result
}

func wait(t *testing.T, result <-chan error) error {
	t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(patience):
		t.Fatal("Next is still blocked")
		return nil
	}
}

func readAll(t *testing.T, source capture.Source) []*capture.Frame {
	t.Helper()
	var frames []*capture.Frame
	for {
		ctx, cancel := context.WithCancel(context.Background()) // of this call alone
		f, err := source.Next(ctx)
		cancel()
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatalf("frame %d: %v", len(frames), err)
		}
		frames = append(frames, f)
	}
}

func checkFrame(t *testing.T, f *capture.Frame, index int) {
	t.Helper()
	switch {
	case f.Index != index:
		t.Errorf("frame number %d, want %d", f.Index, index)
	case f.Image == nil || f.Image.Rect.Empty():
		t.Errorf("frame %d has no picture", index)
	case len(f.Image.Pix) < (f.Image.Rect.Dy()-1)*f.Image.Stride+f.Image.Rect.Dx():
		t.Errorf("frame %d: %d pixels are too few for %v", index, len(f.Image.Pix), f.Image.Rect)
	case f.Colour > 1:
		t.Errorf("frame %d: coloured share %v is above 1", index, f.Colour)
	}
}

func closeTwice(t *testing.T, source capture.Source) {
	t.Helper()
	for i := range 2 {
		if err := source.Close(); err != nil {
			t.Errorf("close %d: %v", i+1, err)
		}
	}
}

// overlap reports whether two pictures share a first or last pixel's memory.
func overlap(a, b *image.Gray) bool {
	if len(a.Pix) == 0 || len(b.Pix) == 0 {
		return false
	}
	return &a.Pix[0] == &b.Pix[0] || &a.Pix[len(a.Pix)-1] == &b.Pix[len(b.Pix)-1]
}
