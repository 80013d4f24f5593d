package failures

import (
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// sizes of a sheet, in pixels.
const (
	cell    = 240 // side of a picture
	caption = 58  // under it
	gap     = 12
	across  = 4 // pictures in a row
)

// Sheet draws failures, each with its picture, on one page: what the readers and what the vote
// gave, how sure it was, and where the clip comes from. pictures belong to failures.
func Sheet(failures []Failure, pictures []*image.Gray) (image.Image, error) {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: 15, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, err
	}
	defer face.Close()
	columns := min(across, max(1, len(failures)))
	rows := (len(failures) + columns - 1) / columns
	sheet := image.NewRGBA(image.Rect(0, 0, columns*(cell+gap)+gap, max(1, rows)*(cell+caption+gap)+gap))
	draw.Draw(sheet, sheet.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	for i, f := range failures {
		at := image.Pt(gap+i%columns*(cell+gap), gap+i/columns*(cell+caption+gap))
		place(sheet, image.Rectangle{at, at.Add(image.Pt(cell, cell))}, pictures[i])
		for line, text := range []string{
			fmt.Sprintf("readers %d, vote %v (%.0f %%)", f.Score, f.Vote, 100*f.Confidence),
			fmt.Sprintf("frames of 0 1 2 3 –: %d %d %d %d %d", f.Votes[0], f.Votes[1], f.Votes[2], f.Votes[3], f.None),
			f.Clip,
		} {
			d := font.Drawer{Dst: sheet, Src: image.Black, Face: face, Dot: fixed.P(at.X, at.Y+cell+17+18*line)}
			d.DrawString(fit(face, text))
		}
	}
	return sheet, nil
}

// fit shortens a text that is wider than a picture.
func fit(face font.Face, text string) string {
	if font.MeasureString(face, text) <= fixed.I(cell) {
		return text
	}
	letters := []rune(text)
	for len(letters) > 1 && font.MeasureString(face, string(letters)+"…") > fixed.I(cell) {
		letters = letters[:len(letters)-1]
	}
	return string(letters) + "…"
}

// place draws a picture as large as it fits, on black.
func place(sheet *image.RGBA, into image.Rectangle, picture *image.Gray) {
	draw.Draw(sheet, into, image.Black, image.Point{}, draw.Src)
	size := picture.Rect.Size()
	if size.X == 0 || size.Y == 0 {
		return
	}
	scale := min(float64(cell)/float64(size.X), float64(cell)/float64(size.Y))
	w, h := max(1, int(scale*float64(size.X))), max(1, int(scale*float64(size.Y)))
	corner := into.Min.Add(image.Pt((cell-w)/2, (cell-h)/2))
	draw.CatmullRom.Scale(sheet, image.Rectangle{corner, corner.Add(image.Pt(w, h))}, picture, picture.Rect, draw.Src, nil)
}
