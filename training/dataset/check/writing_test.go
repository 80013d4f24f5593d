package check

import (
	"fmt"
	"image"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"lungbox/capture/capturetest"
	"lungbox/capture/clip"
	"lungbox/capture/replay"
	"lungbox/capture/writing"
	"lungbox/training/dataset"
)

// labelled puts a fan on a screen of twice its size, with what scanners write beside it.
func labelled(t *testing.T, fan *image.Gray, place int) *image.Gray {
	t.Helper()
	const width, height = 800, 600
	screen := image.NewGray(image.Rect(0, 0, width, height))
	size := fan.Rect.Size()
	scale := min(440/float64(size.Y), 560/float64(size.X))
	to := image.Rect(0, 0, int(scale*float64(size.X)), int(scale*float64(size.Y))).Add(image.Pt(120, 80))
	draw.ApproxBiLinear.Scale(screen, to, fan, fan.Rect, draw.Src, nil)
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 18, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	at := [...]image.Point{{10, 30}, {560, 30}, {10, 580}, {560, 580}}[place]
	pen := font.Drawer{Dst: screen, Src: image.White, Face: face, Dot: fixed.P(at.X, at.Y)}
	pen.DrawString("DOE JANE 4711")
	return screen
}

// A name in a corner of a real clip's screen is found; the crop that the import makes of
// that screen has none.
func TestWritingOnRealClips(t *testing.T) {
	clips, found, cleared := 0, 0, 0
	for i, path := range capturetest.Clips(t) {
		fan := masked(t, path)
		if fan == nil {
			continue
		}
		clips++
		screen := labelled(t, fan, i%4)
		if writing.Beside(screen) > 0 {
			found++
		} else {
			t.Logf("missed on %s", filepath.Base(path))
		}
		at := filepath.Join(t.TempDir(), fmt.Sprint(i, ".png"))
		write(t, at, screen)
		if crop := masked(t, at); crop == nil || writing.Beside(crop) == 0 {
			cleared++
		} else {
			t.Logf("still on the crop of %s", filepath.Base(path))
		}
		if n := writing.Beside(raw(t, path)); n > 0 {
			t.Logf("%s: %d pixels of the clip as it is look like writing", filepath.Base(path), n)
		}
	}
	t.Logf("writing found on %d of %d screens, gone from %d of their crops", found, clips, cleared)
	if 100*found < 95*clips || cleared != clips {
		t.Errorf("writing found on %d of %d screens, gone from %d of their crops", found, clips, cleared)
	}
}

// masked is the first picture that the import would take; nil when there is none.
func masked(t *testing.T, path string) *image.Gray {
	t.Helper()
	source, err := replay.Open(t.Context(), path, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for {
		f, err := source.Next(t.Context())
		if err != nil {
			return nil
		}
		if f.Unfit == "" {
			return f.Image
		}
	}
}

func raw(t *testing.T, path string) *image.Gray { return first(t, path) }

func BenchmarkDuplicates(b *testing.B) {
	const pictures = 20_000
	r := &Report{}
	rows, prints := crowd(pictures)
	r.lines = make([]int, pictures)
	for b.Loop() {
		r.Faults = nil
		r.duplicates(rows, prints)
	}
}

// crowd are pictures of 400 patients with prints as scattered as those of one scanner.
func crowd(n int) ([]dataset.Row, []*Print) {
	random := rand.New(rand.NewPCG(1, 2))
	rows, prints := make([]dataset.Row, n), make([]*Print, n)
	base := &Print{}
	for i := range base.across {
		base.across[i], base.down[i] = random.Uint64(), random.Uint64()
	}
	for i := range rows {
		rows[i] = dataset.Row{File: fmt.Sprint(i), Patient: fmt.Sprint(i % 400)}
		p := *base
		for k := range p.across { // a quarter of the bits differ from the base
			p.across[k] ^= random.Uint64() & random.Uint64()
			p.down[k] ^= random.Uint64() & random.Uint64()
		}
		prints[i] = &p
	}
	return rows, prints
}
