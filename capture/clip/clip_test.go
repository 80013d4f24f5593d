package clip

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lungbox/capture"
	"lungbox/capture/capturetest"
	"lungbox/capture/dicom"
)

// TestMain lets the test program be the DICOM worker, as lungbox itself is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == dicom.Command {
		os.Exit(dicom.Worker(os.Args[2:], os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// demo is the folder of the committed clips.
const demo = "../../daemon/demo/clips"

// ffmpeg makes a test file; it fails the test when ffmpeg cannot.
func ffmpeg(t testing.TB, args ...string) {
	t.Helper()
	out, err := exec.Command("ffmpeg", append([]string{"-nostdin", "-v", "error", "-y"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg %v: %v\n%s", args, err, out)
	}
}

// read opens a file and takes all its frames.
func read(t testing.TB, path string, opts Options) (frames []*capture.Frame, info Info, err error) {
	t.Helper()
	source, err := Open(context.Background(), path, opts)
	if err != nil {
		return nil, Info{}, err
	}
	defer source.Close()
	for {
		frame, err := source.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return frames, source.(*Clip).Info(), nil
		}
		if err != nil {
			return frames, source.(*Clip).Info(), err
		}
		frames = append(frames, frame)
	}
}

func TestDemoClips(t *testing.T) {
	tests := []struct {
		name   string
		frames int
		side   int
		rate   float64
	}{
		{"cov_convex_volpecelli_sonographic_v1.mp4", 195, 450, 39},
		{"reg_pat2image_134138.mp4", 125, 370, 25},
		{"reg_recommendations_alines_mov1.mp4", 90, 322, 18},
		{"vir_prospective_file2.mp4", 125, 270, 25},
		{"vir_whitelung_h1n1.mp4", 123, 270, 25},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(demo, test.name)
			frames, info, err := read(t, path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(frames) != test.frames || info.Frames != test.frames || info.Rate != test.rate || info.Simulated {
				t.Errorf("%d frames, %+v; want %d at %v per second", len(frames), info, test.frames, test.rate)
			}
			for _, f := range frames {
				if f.Image.Rect.Dx() != test.side || f.Image.Rect.Dy() != test.side || f.Colour > 0.01 || f.File != path || f.Time.IsZero() {
					t.Fatalf("frame %d: %v, colour %v, file %q, time %v", f.Index, f.Image.Rect, f.Colour, f.File, f.Time)
				}
			}
		})
	}
}

func TestConform(t *testing.T) {
	path := filepath.Join(demo, "reg_recommendations_alines_mov1.mp4")
	open := func(path string) func(t *testing.T) capture.Source {
		return func(t *testing.T) capture.Source {
			source, err := Open(context.Background(), path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			return source
		}
	}
	t.Run("video", func(t *testing.T) { capturetest.Conform(t, 90, open(path)) })
	t.Run("still", func(t *testing.T) { capturetest.Conform(t, 1, open(writePNG(t, 40, 30))) })
	t.Run("dicom", func(t *testing.T) { capturetest.Conform(t, 3, open(writeDICOM(t))) })
	t.Run("waiting for the due time", func(t *testing.T) {
		capturetest.ConformBlocking(t, func(t *testing.T) capture.Source {
			now := time.Now() // for ever: no frame becomes due
			opts := Options{Loop: true, Realtime: true, Now: func() time.Time { return now }, Sleep: func(ctx context.Context, _ time.Duration) error {
				<-ctx.Done()
				return ctx.Err()
			}}
			source, err := Open(context.Background(), path, opts)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := source.Next(context.Background()); err != nil { // due at once
				t.Fatal(err)
			}
			return source
		})
	})
	t.Run("decoder that hangs", func(t *testing.T) {
		capturetest.ConformBlocking(t, func(t *testing.T) capture.Source {
			source, err := Open(context.Background(), path, Options{FFmpeg: script(t, "exec sleep 600")})
			if err != nil {
				t.Fatal(err)
			}
			return source
		})
	})
}

// script writes a program that stands in for ffmpeg.
func script(t *testing.T, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "decoder")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// The child must be gone, and reaped, whatever ends the clip.
func TestChildIsReaped(t *testing.T) {
	path := filepath.Join(demo, "vir_whitelung_h1n1.mp4")
	ends := map[string]func(source capture.Source, cancel func()){
		"Close":   func(source capture.Source, _ func()) { source.Close() },
		"context": func(source capture.Source, cancel func()) { cancel(); <-source.(*Clip).stream.(*video).done },
		"last frame": func(source capture.Source, _ func()) {
			for {
				if _, err := source.Next(context.Background()); err != nil {
					return
				}
			}
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			source, err := Open(ctx, path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			if _, err := source.Next(ctx); err != nil {
				t.Fatal(err)
			}
			child := source.(*Clip).stream.(*video).cmd
			end(source, cancel)
			if child.ProcessState == nil {
				t.Error("ffmpeg was not waited for")
			}
			if err := child.Process.Signal(os.Kill); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("ffmpeg still lives: %v", err)
			}
		})
	}
	t.Run("a closed clip says so", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		source, err := Open(ctx, path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		cancel()
		if _, err := source.Next(context.Background()); !errors.Is(err, context.Canceled) {
			t.Errorf("after the end of Open's context: %v", err)
		}
		source.Close()
		if _, err := source.Next(context.Background()); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("after Close: %v", err)
		}
	})
}
