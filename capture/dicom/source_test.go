package dicom

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"lungbox/capture"
	"lungbox/capture/capturetest"
)

// numbered is a file of frames that are all of one level, their number.
func numbered(t testing.TB, frames int) string {
	t.Helper()
	const rows, columns = 40, 50
	p := grey8(rows, columns, "", nil)
	p.frames = strconv.Itoa(frames)
	for i := range frames {
		p.pixels = append(p.pixels, bytes.Repeat([]byte{byte(i)}, rows*columns)...)
	}
	return write(t, p.build().bytes())
}

func TestConform(t *testing.T) {
	path := numbered(t, 30)
	open := func(t *testing.T) capture.Source {
		s, err := Open(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	capturetest.Conform(t, 30, open)
	capturetest.ConformBlocking(t, func(t *testing.T) capture.Source {
		script := filepath.Join(t.TempDir(), "worker")
		body := "#!/bin/sh\nprintf 'H\\000\\000\\000\\044{\"Rows\":2,\"Columns\":2,\"Frames\":1}   '\nexec sleep 600\n"
		if err := os.WriteFile(script, []byte(body), 0o755); err != nil {
			t.Fatal(err)
		}
		s, err := Open(context.Background(), path, Options{Worker: []string{script}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestFramesInOrder(t *testing.T) {
	_, frames, err := read(t, numbered(t, 200), Options{})
	if err != nil || len(frames) != 200 {
		t.Fatalf("%d frames, %v", len(frames), err)
	}
	for i, f := range frames {
		if f.Index != i || f.Image.Pix[777] != byte(i) {
			t.Fatalf("frame %d comes as number %d with level %d", i, f.Index, f.Image.Pix[777])
		}
	}
}

// The worker ends with the source, whatever ends that, and is waited for.
func TestWorkerEnds(t *testing.T) {
	path := numbered(t, 100)
	ends := map[string]func(s *Source, cancel func()){
		"Close":   func(s *Source, _ func()) { s.Close() },
		"context": func(s *Source, cancel func()) { cancel(); <-s.done },
		"last frame": func(s *Source, _ func()) {
			for {
				if _, err := s.Next(context.Background()); err != nil {
					return
				}
			}
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			s, err := Open(ctx, path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Next(ctx); err != nil {
				t.Fatal(err)
			}
			end(s, cancel)
			if err := s.cmd.Process.Signal(os.Kill); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("the worker still lives: %v", err)
			}
		})
	}
}

func TestOpenWithEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(ctx, numbered(t, 1), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}

// The worker refuses to work without its limits.
func TestWorkerUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"file"}, {"file", "scratch", "much"}, {"file", "scratch", "-5"}, {"file", "scratch", "1", "2"}} {
		var out bytes.Buffer
		if code := Worker(args, strings.NewReader(""), &out); code != 0 {
			t.Errorf("%q: exit code %d: the error goes to the parent", args, code)
		}
		if err := reading(out.Bytes()).readHeader(); err == nil || !strings.Contains(err.Error(), "usage") && !strings.Contains(err.Error(), "memory limit") {
			t.Errorf("%q: %v", args, err)
		}
	}
	if code := Worker(nil, strings.NewReader(""), brokenPipe{}); code != 1 {
		t.Errorf("exit code %d with nobody listening, want 1", code)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

// Opening and reading a clip of 100 frames, worker included.
func BenchmarkRead(b *testing.B) {
	path := numbered(b, 100)
	for b.Loop() {
		if _, frames, err := read(b, path, Options{}); err != nil || len(frames) != 100 {
			b.Fatal(len(frames), err)
		}
	}
}
