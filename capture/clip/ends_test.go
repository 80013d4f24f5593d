package clip

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// A decoder that stops within a picture, and calls that a success, is not believed.
func TestDecoderEndsWithinAPicture(t *testing.T) {
	body := `printf 'YUV4MPEG2 W2 H2\nFRAME\nabcd\200\200FRAME\nab'`
	path := filepath.Join(demo, "vir_whitelung_h1n1.mp4")
	source, err := Open(context.Background(), path, Options{FFmpeg: script(t, body)})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if _, err := source.Next(context.Background()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := source.Next(context.Background()); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "only 1 of 123 frames") {
			t.Errorf("error %v", err)
		}
	}
}
