package region

import (
	"image"
	"slices"
)

// gridSide is about how many cells the longer side of a picture is divided into.
// Detection works on cells: fine enough for an outline within half a percent,
// coarse enough that a letter is a few cells.
const gridSide = 320

// evidence is what some frames say about each cell of the grid.
type evidence struct {
	size  image.Point // of the pictures
	cell  int         // pixels along a cell's side
	w, h  int         // cells; the last ones may be cut off by the picture's edge
	light []float32   // mean brightness, in the brightest quarter of the frames
	grain []float32   // mean difference of neighbouring pixels in the last frame
	moves []float32   // mean over the cell of brightest minus darkest value
	film  bool        // there were several frames, and they differ
}

// look gathers evidence from frames of one size. Of large pictures it takes every
// second pixel or so, always two or more to a cell's side.
func look(frames []*image.Gray) *evidence {
	size := frames[0].Rect.Size()
	cell, step := max(1, (max(size.X, size.Y)+gridSide-1)/gridSide), 1
	if cell >= 4 {
		cell += cell % 2
		step = cell / 2
		frames = thinned(frames, step)
	}
	if b := findBackdrop(frames[len(frames)-1]); b != nil {
		black := make([]*image.Gray, len(frames))
		for i, f := range frames {
			black[i] = b.blackened(f)
		}
		frames = black
	}
	e := gather(frames, cell/step)
	e.size, e.cell = size, cell
	return e
}

// thinned takes every step-th pixel of every step-th row.
func thinned(frames []*image.Gray, step int) []*image.Gray {
	thin := make([]*image.Gray, len(frames))
	for i, f := range frames {
		w, h := (f.Rect.Dx()+step-1)/step, (f.Rect.Dy()+step-1)/step
		thin[i] = image.NewGray(image.Rect(0, 0, w, h))
		for y := range h {
			row, out := f.Pix[y*step*f.Stride:], thin[i].Pix[y*w:][:w]
			for x := range out {
				out[x] = row[x*step]
			}
		}
	}
	return thin
}

// gather measures cells of so many pixels of the frames.
func gather(frames []*image.Gray, cell int) *evidence {
	size := frames[0].Rect.Size()
	e := &evidence{size: size, cell: cell, w: (size.X + cell - 1) / cell, h: (size.Y + cell - 1) / cell}
	e.light, e.grain, e.moves = make([]float32, e.w*e.h), make([]float32, e.w*e.h), make([]float32, e.w*e.h)
	brightest, darkest := make([]byte, size.X), make([]byte, size.X)
	last := frames[len(frames)-1]
	e.brightness(frames)
	for y := range size.Y {
		rows := e.w * (y / e.cell)
		extremes(frames, y, brightest, darkest)
		row := last.Pix[y*last.Stride:][:size.X]
		below := row
		if y+1 < size.Y {
			below = last.Pix[(y+1)*last.Stride:][:size.X]
		}
		for x, v := range brightest {
			c := rows + x/e.cell
			e.moves[c] += float32(v - darkest[x])
			right := row[min(x+1, size.X-1)]
			e.grain[c] += distance(row[x], right) + distance(row[x], below[x])
		}
	}
	total := float32(0)
	for y := range e.h {
		for x := range e.w {
			pixels := min(e.cell, size.X-x*e.cell) * min(e.cell, size.Y-y*e.cell)
			c := y*e.w + x
			e.moves[c] /= float32(pixels)
			e.grain[c] /= float32(2 * pixels)
			total += e.moves[c]
		}
	}
	e.film = total/float32(len(e.moves)) > 0.5
	return e
}

// brightness finds each cell's light. A quarter of the frames, not one: a trace that
// runs over the screen lights every cell once, and is no tissue.
func (e *evidence) brightness(frames []*image.Gray) {
	n := len(frames)
	levels := make([]float32, n) // of one cell
	for cy := range e.h {
		for cx := range e.w {
			cell := image.Rect(cx*e.cell, cy*e.cell, min((cx+1)*e.cell, e.size.X), min((cy+1)*e.cell, e.size.Y))
			for i, f := range frames {
				sum := 0
				for y := cell.Min.Y; y < cell.Max.Y; y++ {
					for _, v := range f.Pix[y*f.Stride+cell.Min.X : y*f.Stride+cell.Max.X] {
						sum += int(v)
					}
				}
				levels[i] = float32(sum) / float32(cell.Dx()*cell.Dy())
			}
			slices.Sort(levels)
			e.light[cy*e.w+cx] = levels[n-1-n/4]
		}
	}
}

// extremes finds each pixel's brightest and darkest value over the frames.
func extremes(frames []*image.Gray, y int, brightest, darkest []byte) {
	first := frames[0].Pix[y*frames[0].Stride:]
	copy(brightest, first)
	copy(darkest, first)
	for _, f := range frames[1:] {
		row := f.Pix[y*f.Stride:][:len(brightest)]
		for x, v := range row {
			brightest[x] = max(brightest[x], v)
			darkest[x] = min(darkest[x], v)
		}
	}
}

func distance(a, b byte) float32 {
	if a > b {
		return float32(a - b)
	}
	return float32(b - a)
}
