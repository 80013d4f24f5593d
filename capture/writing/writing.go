// Package writing finds burned-in text beside the fan of an ultrasound picture: a last look
// after masking, at what may hold a name.
package writing

import (
	"image"

	"lungbox/capture/region"
)

// Limits of writing, in grey levels and pixels.
const (
	bright = 70 // burned-in text is white or coloured; noise beside a fan stays below
	few    = 24 // pixels: fewer are specks of compression; a letter has more
	faint  = 8  // tissue is not darker; black in a compressed picture is
	gap    = 2  // pixels of black that do not part a fan

	stroke  = 4  // bright pixels of a letter at least
	crisp   = 40 // percent of a letter's lit pixels that are bright
	tall    = 14 // a letter is lower than this part of the picture
	several = 3  // letters
)

// Beside counts bright pixels beside the fan; 0 where there is nothing but black, or no
// fan. A masked picture has none: the fan fills it, or lies in black.
func Beside(picture *image.Gray) int {
	fan, ok := region.Detect([]*image.Gray{picture})
	if !ok {
		return 0
	}
	return letters(picture, apart(picture, fan))
}

// letters counts the bright pixels of parts that look like letters, if there are several:
// low, and bright right up to their edge, which tissue that stands alone in a dark fan
// is not.
func letters(picture *image.Gray, lit []bool) int {
	w, h := picture.Rect.Dx(), picture.Rect.Dy()
	found, pixels := 0, 0
	var stack []int
	for start := range lit {
		if !lit[start] {
			continue
		}
		lit[start] = false
		stack = append(stack[:0], start)
		top, bottom, all, strong := h, 0, 0, 0
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := i%w, i/w
			top, bottom, all = min(top, y), max(bottom, y), all+1
			if picture.Pix[y*picture.Stride+x] >= bright {
				strong++
			}
			for _, n := range [4][2]int{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}} {
				if n[0] >= 0 && n[1] >= 0 && n[0] < w && n[1] < h && lit[n[1]*w+n[0]] {
					lit[n[1]*w+n[0]] = false
					stack = append(stack, n[1]*w+n[0])
				}
			}
		}
		if strong >= stroke && 100*strong >= crisp*all && bottom-top < max(6, h/tall) {
			found++
			pixels += strong
		}
	}
	if found < several || pixels < few {
		return 0
	}
	return pixels
}

// apart marks the lit pixels that nothing lit joins to the fan: the finder gives up
// some of a fan, and what it gives up hangs together with the rest, through faint
// tissue. Writing stands alone.
func apart(picture *image.Gray, fan *region.Region) []bool {
	w, h := picture.Rect.Dx(), picture.Rect.Dy()
	out := make([]bool, w*h)
	for y := range h {
		for x, v := range picture.Pix[y*picture.Stride:][:w] {
			out[y*w+x] = v >= faint
		}
	}
	var stack []int
	reach := func(x, y int) {
		if x >= 0 && y >= 0 && x < w && y < h && out[y*w+x] {
			out[y*w+x] = false
			stack = append(stack, y*w+x)
		}
	}
	for _, s := range fan.Spans {
		for x := s.From; x < s.To; x++ {
			out[s.Y*w+x] = true // black in the fan joins too
			reach(x, s.Y)
		}
	}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for dy := -gap; dy <= gap; dy++ {
			for dx := -gap; dx <= gap; dx++ {
				reach(i%w+dx, i/w+dy)
			}
		}
	}
	return out
}
