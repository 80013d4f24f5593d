package region

import "image"

// Shares of a picture from which one even grey level is a backdrop or a panel and
// not tissue.
const (
	panelShare = 0.03
	// whiteShare is for levels near white: saturated tissue is even as well, a page
	// of paper has far more of it.
	whiteShare = 0.3
	white      = 240
	// dim is the level up to which a video codec makes even areas of dark tissue. A
	// backdrop as dark as that must fill rimShare of the upper rim of the picture,
	// where a cropped fan is black or bright.
	dim      = 24
	rimShare = 0.4
)

// backdrop is the set of grey levels that a screen is painted with, apart from
// black.
type backdrop [256]bool

// findBackdrop counts the pixels that equal their right and lower neighbours.
func findBackdrop(frame *image.Gray) *backdrop {
	var even [256]int
	w, h := frame.Rect.Dx(), frame.Rect.Dy()
	for y := range h - 1 {
		row, below := frame.Pix[y*frame.Stride:][:w], frame.Pix[(y+1)*frame.Stride:][:w]
		for x := range w - 1 {
			if v := row[x]; v == row[x+1] && v == below[x] {
				even[v]++
			}
		}
	}
	var b backdrop
	painted := false
	rim := upperRim(frame)
	for v := lit; v < len(even); v++ {
		share := float64(even[v]) / float64(w*h)
		b[v] = share >= panelShare && (v < white || share >= whiteShare) && (v > dim || rim[v] >= rimShare)
		painted = painted || b[v]
	}
	if !painted {
		return nil
	}
	return &b
}

// blackened returns the frame with its backdrop made black: pixels of one of the
// backdrop's levels among others of it. Single pixels of that level are speckle.
func (b *backdrop) blackened(frame *image.Gray) *image.Gray {
	const blur = 3 // levels by which a codec or a grabber strays
	var painted [256]bool
	for v := range painted {
		for d := max(0, v-blur); d <= min(255, v+blur); d++ {
			painted[v] = painted[v] || b[d]
		}
	}
	w, h := frame.Rect.Dx(), frame.Rect.Dy()
	out := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		row := frame.Pix[y*frame.Stride:][:w]
		above, below := frame.Pix[max(0, y-1)*frame.Stride:][:w], frame.Pix[min(h-1, y+1)*frame.Stride:][:w]
		for x, v := range row {
			alike := 0
			for _, n := range [4]byte{row[max(0, x-1)], row[min(w-1, x+1)], above[x], below[x]} {
				if painted[n] {
					alike++
				}
			}
			need := 3 // at the rim of a letter one neighbour is the letter's
			if v <= dim+blur {
				need = 4 // dim speckle has neighbours of its own level, too
			}
			if !painted[v] || alike < need {
				out.Pix[y*out.Stride+x] = v
			}
		}
	}
	return out
}

// upperRim is the share of each level among the pixels of the top row and the upper
// halves of the outermost columns.
func upperRim(frame *image.Gray) (share [256]float64) {
	w, h := frame.Rect.Dx(), frame.Rect.Dy()
	weight := 1 / float64(w+h/2*2)
	for _, v := range frame.Pix[:w] {
		share[v] += weight
	}
	for y := range h / 2 {
		share[frame.Pix[y*frame.Stride]] += weight
		share[frame.Pix[y*frame.Stride+w-1]] += weight
	}
	return share
}
