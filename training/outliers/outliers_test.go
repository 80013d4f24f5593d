package outliers

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// Every kind draws pictures that differ, have something in them, and come out the same
// again. LUNGBOX_SCREENSHOTS names a folder for a sheet of them, to look at.
func TestDraw(t *testing.T) {
	const side, each = 128, 6
	sheet := image.NewGray(image.Rect(0, 0, each*side, len(Kinds())*side))
	for row, kind := range Kinds() {
		var last *image.Gray
		for i := range each {
			p := Draw(7, kind, i, side)
			if again := Draw(7, kind, i, side); !bytes.Equal(again.Pix, p.Pix) {
				t.Errorf("%s %d is another picture the second time", kind, i)
			}
			if last != nil && bytes.Equal(last.Pix, p.Pix) {
				t.Errorf("%s %d is the picture before", kind, i)
			}
			low, high := uint8(255), uint8(0)
			for _, v := range p.Pix {
				low, high = min(low, v), max(high, v)
			}
			if high-low < 60 {
				t.Errorf("%s %d has levels %d to %d", kind, i, low, high)
			}
			last = p
			draw.Draw(sheet, image.Rect(i*side, row*side, (i+1)*side, (row+1)*side), p, image.Point{}, draw.Src)
		}
	}
	if folder := os.Getenv("LUNGBOX_SCREENSHOTS"); folder != "" {
		var file bytes.Buffer
		if err := png.Encode(&file, sheet); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "outliers.png"), file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
