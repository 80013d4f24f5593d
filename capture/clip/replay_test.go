package clip

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"lungbox/capture"
)

// clock is a time that passes only when somebody sleeps, or when the test says so.
type clock struct {
	at    time.Time
	slept []time.Duration
}

func (c *clock) Now() time.Time { return c.at }

func (c *clock) Sleep(_ context.Context, d time.Duration) error {
	c.at = c.at.Add(d)
	c.slept = append(c.slept, d)
	return nil
}

func TestRealtimeLoop(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short.mp4") // 5 frames at 10 per second
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=0.5", short)
	c := &clock{at: time.Unix(1000, 0)}
	source, err := Open(context.Background(), short, Options{Loop: true, Realtime: true, Now: c.Now, Sleep: c.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	const frames = 13 // two and a half rounds
	var first [5]*capture.Frame
	for i := range frames {
		f, err := source.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if want := time.Unix(1000, int64(i)*100e6); f.Index != i || f.Time.Sub(want).Abs() > time.Microsecond {
			t.Errorf("frame %d has number %d and time %v, want %v", i, f.Index, f.Time, want)
		}
		if i < 5 {
			first[i] = f
		} else if string(f.Image.Pix) != string(first[i%5].Image.Pix) {
			t.Errorf("frame %d differs from frame %d of the first round", i, i%5)
		}
	}
}

// A box that was busy goes on from now; it is not flooded with what it missed.
func TestRealtimeFallsBehind(t *testing.T) {
	c := &clock{at: time.Unix(1000, 0)}
	source, err := Open(context.Background(), filepath.Join(demo, "vir_prospective_file2.mp4"), Options{Realtime: true, Now: c.Now, Sleep: c.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	next := func() {
		t.Helper()
		if _, err := source.Next(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	next()
	c.at = c.at.Add(100 * time.Millisecond) // a little late: frames 1 and 2 come at once, 3 in time
	next()
	next()
	next()
	if len(c.slept) != 1 || c.slept[0] != 20*time.Millisecond {
		t.Errorf("slept %v after a short delay, want 20ms once", c.slept)
	}
	c.at, c.slept = c.at.Add(10*time.Second), nil
	next()
	next()
	if len(c.slept) != 1 || c.slept[0] != 40*time.Millisecond {
		t.Errorf("slept %v after a long delay, want one frame's 40ms", c.slept)
	}
}

func TestLoopWithoutFramesEnds(t *testing.T) {
	source, err := Open(context.Background(), filepath.Join(demo, "vir_prospective_file2.mp4"), Options{Loop: true, FFmpeg: script(t, "exit 0")})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if _, err := source.Next(context.Background()); err == nil {
		t.Error("a decoder that gives nothing passes for a clip")
	}
}

func TestStillLoops(t *testing.T) {
	c := &clock{at: time.Unix(0, 0)}
	source, err := Open(context.Background(), writePNG(t, 20, 10), Options{Loop: true, Realtime: true, Now: c.Now, Sleep: c.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for i := range 3 {
		f, err := source.Next(context.Background())
		if err != nil || f.Index != i || f.Image.Pix[7] != ramp(20, 10).Pix[7] {
			t.Fatalf("round %d: %v, %v", i, f, err)
		}
		clear(f.Image.Pix) // must not show in the next round
	}
	if len(c.slept) != 2 {
		t.Errorf("a looped still was held back %d times, want 2", len(c.slept))
	}
}

func BenchmarkVideo(b *testing.B) {
	path := filepath.Join(demo, "cov_convex_volpecelli_sonographic_v1.mp4")
	frames := 0
	for b.Loop() {
		all, _, err := read(b, path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		frames += len(all)
	}
	b.ReportMetric(float64(frames)/b.Elapsed().Seconds(), "frames/s")
}
