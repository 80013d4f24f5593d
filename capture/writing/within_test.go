package writing_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"testing"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"lungbox/capture/clip"
	"lungbox/capture/writing"
)

// stills are some frames of each clip of the folders.
func stills(t *testing.T, each int) (out []*image.Gray) {
	t.Helper()
	for _, folder := range []string{"../../daemon/demo/clips", os.Getenv("LUNGBOX_CLIPS")} {
		if folder == "" {
			t.Log("LUNGBOX_CLIPS names no folder of further clips: the five of the demo alone")
			continue
		}
		for path, err := range clip.Walk([]string{folder}) {
			if err != nil {
				t.Fatal(err)
			}
			c, err := clip.Open(context.Background(), path, clip.Options{})
			if err != nil {
				continue // not a clip
			}
			for n := range 7 * each {
				f, err := c.Next(context.Background())
				if err != nil {
					break
				}
				if n%7 == 3 {
					out = append(out, f.Image)
				}
			}
			c.Close()
		}
	}
	return out
}

// faces are fonts as scanners have them.
func faces(t *testing.T) (out []font.Face) {
	t.Helper()
	for _, ttf := range [][]byte{goregular.TTF, gobold.TTF, gomono.TTF} {
		f, err := opentype.Parse(ttf)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []float64{11, 14, 18, 24} {
			face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, face)
		}
	}
	return append(out, basicfont.Face7x13)
}

// Names over tissue are found, whatever their font; pictures without are hardly ever taken for
// such. Prints the shares.
func TestWithin(t *testing.T) {
	all, fonts := stills(t, 3), faces(t)
	names := []string{"QUANDT", "Mueller", "DOE, JANE", "Nguyen Thi", "O'Brien", "ID 4711-08"}
	found, tried, mistaken := 0, 0, 0
	missed := map[string]int{}
	for _, picture := range all {
		if writing.Within(picture) > 0 {
			mistaken++
		}
		for range 4 {
			marked := image.NewGray(picture.Rect)
			draw.Draw(marked, marked.Rect, picture, picture.Rect.Min, draw.Src)
			face := fonts[rand.IntN(len(fonts))]
			name := names[rand.IntN(len(names))]
			d := font.Drawer{Dst: marked, Src: image.NewUniform(color.Gray{uint8(180 + rand.IntN(76))}), Face: face}
			wide := d.MeasureString(name).Ceil()
			if wide+8 > marked.Rect.Dx() {
				continue
			}
			tall := face.Metrics().Height.Ceil()
			d.Dot = fixed.P(marked.Rect.Min.X+4+rand.IntN(marked.Rect.Dx()-wide-7), marked.Rect.Min.Y+tall+rand.IntN(marked.Rect.Dy()-tall-4))
			d.DrawString(name)
			var packed bytes.Buffer
			if err := jpeg.Encode(&packed, marked, &jpeg.Options{Quality: 80}); err != nil {
				t.Fatal(err)
			}
			again, err := jpeg.Decode(&packed)
			if err != nil {
				t.Fatal(err)
			}
			tried++
			if writing.Within(again.(*image.Gray)) > 0 {
				found++
			} else {
				missed[name]++
			}
		}
	}
	t.Logf("%d of %d names over tissue found (%.1f %%; missed %v); %d of %d pictures without one taken for such (%.1f %%)",
		found, tried, 100*float64(found)/float64(tried), missed, mistaken, len(all), 100*float64(mistaken)/float64(len(all)))
	if found*100 < tried*90 {
		t.Error("too many are missed")
	}
	if mistaken*100 > len(all)*10 {
		t.Error("too many are seen where there are none")
	}
}
