package region

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"

	"lungbox/capture/capturetest"
	"lungbox/capture/clip"
)

// frames reads at most n frames of a clip.
func frames(t testing.TB, path string, n int) []*image.Gray {
	t.Helper()
	source, err := clip.Open(context.Background(), path, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var pictures []*image.Gray
	for len(pictures) < n {
		f, err := source.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, f.Image)
	}
	return pictures
}

// sheet collects pictures with their outline, for looking at.
type sheet struct {
	canvas *image.RGBA
	n      int
}

const (
	tile   = 300
	across = 5
)

func (s *sheet) add(picture *image.Gray, r *Region) {
	if os.Getenv("LUNGBOX_SHEETS") == "" {
		s.n++
		return
	}
	rows := 4
	if s.canvas == nil {
		s.canvas = image.NewRGBA(image.Rect(0, 0, across*tile, rows*tile))
	}
	colour := image.NewRGBA(picture.Rect)
	draw.Draw(colour, colour.Rect, picture, image.Point{}, draw.Src)
	for i := range colour.Pix { // faint tissue must be seen to judge an outline
		if i%4 != 3 {
			colour.Pix[i] = uint8(min(255, int(colour.Pix[i])*2+8))
		}
	}
	if r != nil {
		kept := r.bitmap()
		inside := func(p image.Point) bool { return p.In(picture.Rect) && kept[p.Y*r.Size.X+p.X] }
		for i, set := range kept {
			p, enclosed := image.Pt(i%r.Size.X, i/r.Size.X), true
			for _, d := range []image.Point{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
				enclosed = enclosed && inside(p.Add(d))
			}
			if set && !enclosed {
				colour.SetRGBA(p.X, p.Y, color.RGBA{255, 60, 0, 255})
			}
		}
	}
	at := image.Pt(s.n%across*tile, s.n/across%rows*tile)
	w, h := picture.Rect.Dx(), picture.Rect.Dy()
	scale := float64(max(w, h)) / (tile - 6)
	for y := range int(float64(h) / scale) {
		for x := range int(float64(w) / scale) {
			// The brightest outline pixel under the tile's pixel, so that lines do not vanish.
			c := colour.RGBAAt(int(float64(x)*scale), int(float64(y)*scale))
			for dy := range int(scale) + 1 {
				for dx := range int(scale) + 1 {
					if p := colour.RGBAAt(min(w-1, int(float64(x)*scale)+dx), min(h-1, int(float64(y)*scale)+dy)); p.R == 255 && p.G == 60 {
						c = p
					}
				}
			}
			s.canvas.SetRGBA(at.X+x+3, at.Y+y+3, c)
		}
	}
	s.n++
}

func (s *sheet) write(t testing.TB, name string) {
	t.Helper()
	folder := os.Getenv("LUNGBOX_SHEETS")
	if folder == "" || s.canvas == nil {
		return
	}
	out, err := os.Create(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := png.Encode(out, s.canvas); err != nil {
		t.Fatal(err)
	}
}

// TestRealClips finds the fan in every real clip. With LUNGBOX_SHEETS it also
// draws the outlines into pictures in that folder, to be looked at.
func TestRealClips(t *testing.T) {
	var s sheet
	paths := capturetest.Clips(t)
	for i, path := range paths {
		first := frames(t, path, 16)
		r, ok := Detect(first)
		if !ok {
			t.Errorf("%s: no fan found", filepath.Base(path))
			r = nil
		} else {
			t.Logf("%2d %-45s %v of %v, %.0f%%", i, filepath.Base(path), r.Bounds, r.Size, 100*float64(r.Area())/float64(r.Size.X*r.Size.Y))
		}
		s.add(first[len(first)-1], r)
		if s.n == 20 || i == len(paths)-1 {
			s.write(t, fmt.Sprintf("clips-%d.png", i/20))
			s = sheet{}
		}
	}
}
