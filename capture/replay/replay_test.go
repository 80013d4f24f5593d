package replay

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"lungbox/capture/clip"
)

// A file goes through all steps: decoded, masked, judged.
func TestOpen(t *testing.T) {
	source, err := Open(context.Background(), filepath.Join("../../daemon/demo/clips", "vir_whitelung_h1n1.mp4"), clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	frames := 0
	for ; ; frames++ {
		f, err := source.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		corners := int(f.Image.Pix[0]) + int(f.Image.Pix[f.Image.Rect.Dx()-1])
		if f.Unfit != "" || f.Image.Rect.Dy() >= 270 || corners != 0 {
			t.Errorf("frame %d: %q, %v, corners beside the fan %d; want the masked crop of 270×270", f.Index, f.Unfit, f.Image.Rect, corners)
		}
	}
	if frames != 123 {
		t.Errorf("%d frames, want 123", frames)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.png")
	if err := os.WriteFile(path, []byte("not a picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), path, clip.Options{}); !errors.Is(err, clip.ErrFormat) {
		t.Errorf("error %v, want %v", err, clip.ErrFormat)
	}
}
