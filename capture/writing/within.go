package writing

import (
	"fmt"
	"image"
	"slices"
)

// Limits of writing over tissue, in grey levels and pixels.
const (
	raised  = 45   // a stroke is so much brighter than what is round it
	lowest  = 6    // pixels of a letter's height
	highest = 48   // the same
	word    = 4    // letters in a row: speckle makes three now and then
	alike   = 0.55 // of two neighbours' heights, the smaller to the larger: small letters beside capitals
	near    = 1.6  // heights between two letters: a blank and a comma
	even    = 0.8  // of their brightness: what is drawn is drawn with one grey
)

// letter is a bright part that may be one.
type letter struct {
	box    image.Rectangle
	level  float64 // mean grey level
	pixels int
	runs   int // of lit pixels in the row that has most of them
}

// Any says why a picture may show writing, beside the fan or over it; "" when none is seen.
func Any(picture *image.Gray) string {
	if n := Beside(picture); n > 0 {
		return fmt.Sprintf("%d bright pixels beside the fan look like writing: set the region of this scanner", n)
	}
	if n := Within(picture); n > 0 {
		return fmt.Sprintf("%d bright parts in a row look like letters over the picture: set the region of this scanner", n)
	}
	return ""
}

// Within counts the letters of the longest row of what looks like writing over tissue, 0 for
// none. A picture that is not sent for speckle that looks like writing costs nothing; a name
// that is sent cannot be called back. Letters may be 6 to 48 pixels high, with strokes of up
// to 10.
func Within(picture *image.Gray) int {
	longest := 0
	for _, radius := range []int{2, 5} {
		longest = max(longest, row(parts(picture, tophat(picture, radius))))
	}
	if longest < word {
		return 0
	}
	return longest
}

// tophat marks pixels that are brighter than all structures wider than 2 radius + 1 round
// them (the white top-hat of Serra's morphology, with a square).
func tophat(picture *image.Gray, radius int) []bool {
	w, h := picture.Rect.Dx(), picture.Rect.Dy()
	flat := make([]uint8, w*h)
	for y := range h {
		copy(flat[y*w:], picture.Pix[y*picture.Stride:][:w])
	}
	opened := extreme(extreme(flat, w, h, radius, false), w, h, radius, true)
	out := make([]bool, w*h)
	for i, v := range flat {
		out[i] = int(v)-int(opened[i]) >= raised
	}
	return out
}

// extreme is the largest or smallest value in the square round each pixel.
func extreme(in []uint8, w, h, radius int, largest bool) []uint8 {
	pass := func(in []uint8, n, lines, step, stride int) []uint8 {
		out := make([]uint8, len(in))
		for l := range lines {
			for i := range n {
				best := in[l*stride+i*step]
				for k := max(0, i-radius); k <= min(n-1, i+radius); k++ {
					v := in[l*stride+k*step]
					if largest == (v > best) && v != best {
						best = v
					}
				}
				out[l*stride+i*step] = best
			}
		}
		return out
	}
	return pass(pass(in, w, h, 1, w), h, w, w, 1)
}

// parts are the connected parts that have the size and the shape of letters.
func parts(picture *image.Gray, lit []bool) (out []letter) {
	w, h := picture.Rect.Dx(), picture.Rect.Dy()
	var stack, all []int
	for start := range lit {
		if !lit[start] {
			continue
		}
		lit[start] = false
		stack = append(stack[:0], start)
		l := letter{box: image.Rectangle{Min: image.Pt(w, h)}}
		sum := 0
		all = all[:0]
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := i%w, i/w
			l.box.Min.X, l.box.Min.Y = min(l.box.Min.X, x), min(l.box.Min.Y, y)
			l.box.Max.X, l.box.Max.Y = max(l.box.Max.X, x+1), max(l.box.Max.Y, y+1)
			l.pixels++
			all = append(all, i)
			sum += int(picture.Pix[y*picture.Stride+x])
			for ny := max(0, y-1); ny <= min(h-1, y+1); ny++ {
				for nx := max(0, x-1); nx <= min(w-1, x+1); nx++ {
					if n := ny*w + nx; lit[n] {
						lit[n] = false
						stack = append(stack, n)
					}
				}
			}
		}
		tall, wide := l.box.Dy(), l.box.Dx()
		l.level = float64(sum) / float64(l.pixels)
		if tall >= lowest && tall <= highest && wide <= 8*tall && 10*l.pixels >= tall*wide {
			l.runs = runs(all, w)
			out = append(out, l)
		}
	}
	return out
}

// row is the length of the longest row of letters that stand on one line, have about one
// height and one grey, and are near each other.
func row(all []letter) int {
	slices.SortFunc(all, func(a, b letter) int { return a.box.Min.X - b.box.Min.X })
	longest := 0
	length := make([]int, len(all))
	for i, b := range all {
		before := 0
		for k, a := range all[:i] {
			if follows(a, b) {
				before = max(before, length[k])
			}
		}
		length[i] = before + b.letters()
		longest = max(longest, length[i])
	}
	return longest
}

// runs counts the runs of pixels in the row that has most of them.
func runs(pixels []int, w int) int {
	slices.Sort(pixels)
	most, here := 0, 0
	for k, i := range pixels {
		switch {
		case k == 0 || i/w != pixels[k-1]/w:
			here = 1
		case i != pixels[k-1]+1:
			here++
		}
		most = max(most, here)
	}
	return most
}

// letters is how many letters a part is: a codec melts small ones together. Each has two
// strokes or so, which a bright line of tissue has not.
func (l letter) letters() int {
	return max(1, min(l.box.Dx()*5/(4*l.box.Dy()), l.runs/2))
}

func follows(a, b letter) bool {
	small, large := float64(min(a.box.Dy(), b.box.Dy())), float64(max(a.box.Dy(), b.box.Dy()))
	dim, bright := min(a.level, b.level), max(a.level, b.level)
	gap := b.box.Min.X - a.box.Max.X
	foot, slack := a.box.Max.Y-b.box.Max.Y, max(1, int(large/8))
	return small >= alike*large && dim >= even*bright && gap >= -1 && float64(gap) <= near*large && foot <= slack && foot >= -slack
}
