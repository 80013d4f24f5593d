package capturetest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"lungbox/capture"
)

// Drain takes all frames of a source.
func Drain(t testing.TB, s capture.Source) []*capture.Frame {
	t.Helper()
	var frames []*capture.Frame
	for {
		f, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
}

// Clips lists the real clips of the folder that LUNGBOX_CLIPS names, and skips the
// test without one.
func Clips(t testing.TB) []string {
	t.Helper()
	folder := os.Getenv("LUNGBOX_CLIPS")
	if folder == "" {
		t.Skip("LUNGBOX_CLIPS is not set: it names the folder of real clips that this test wants")
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.mp4"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("LUNGBOX_CLIPS=%s holds no mp4 file", folder)
	}
	return paths
}
