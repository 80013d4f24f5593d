package gate

import (
	"image"
	"math"
)

// Grey levels that the measures count from.
const (
	litLevel   = 16  // brighter than the noise of an empty fan
	darkLevel  = 40  // shadows and the black round a fan are below
	whiteLevel = 240 // paper
)

// rowsLooked is about how many rows are looked at: a share needs no more.
const rowsLooked = 200

// measures are what a masked crop shows. All are cheap enough for every frame.
type measures struct {
	lit   float64 // share of pixels above litLevel
	dark  float64 // share of pixels below darkLevel
	white float64 // share of pixels from whiteLevel
	high  float64 // share of the lit pixels that lie in the upper third

	// Of lit pixels beside lit ones:
	pairs    int
	drawn    float64 // share that equals its right and its lower neighbour
	likeness float64 // correlation with the right neighbour, −1 to 1
	// isotropy is how much the picture bends across over how much it bends down, see
	// the function of this name.
	isotropy float64
}

func measure(p *image.Gray) measures {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	step := max(1, h/rowsLooked)
	var lit, high, dark, white, seen, even int
	var sum, sumNext, square, squareNext, product int
	var m measures
	for y := 0; y < h-1; y += step {
		row, below := p.Pix[y*p.Stride:][:w], p.Pix[(y+1)*p.Stride:][:w]
		seen += w
		for x, v := range row {
			if v < darkLevel {
				dark++
			} else if v >= whiteLevel {
				white++
			}
			if v <= litLevel {
				continue
			}
			lit++
			if 3*y < h {
				high++
			}
			if x+1 == w || row[x+1] <= litLevel || below[x] <= litLevel {
				continue // a fan's edge is no texture
			}
			a, b, c := int(v), int(row[x+1]), int(below[x])
			m.pairs++
			if a == b && a == c {
				even++
			}
			sum, sumNext = sum+a, sumNext+b
			square, squareNext, product = square+a*a, squareNext+b*b, product+a*b
		}
	}
	if seen > 0 {
		m.lit, m.dark, m.white = share(lit, seen), share(dark, seen), share(white, seen)
	}
	if lit > 0 {
		m.high = share(high, lit)
	}
	if m.pairs > 0 {
		m.drawn = share(even, m.pairs)
		m.likeness = correlation(m.pairs, sum, sumNext, square, squareNext, product)
	}
	m.isotropy = isotropy(p, 2*step)
	return m
}

// isotropy is the mean second difference across over the mean second difference
// down, over one or over two pixels, whichever is less: codecs and scaling leave a
// grain of their own over one of them. Only lit pixels count, in every step-th row.
//
// Sound spreads sideways and is timed exactly, so speckle and interfaces are wide and
// flat: the median is 0.47 in 53 real clips, 0.98 in 32 photographs. Second
// differences see that grain and not the slopes of B-lines and shadows, which run
// down the picture.
func isotropy(p *image.Gray, step int) float64 {
	return min(bends(p, 1, step), bends(p, 2, step))
}

// bends is the ratio for one distance in pixels; 1 where nothing is lit.
func bends(p *image.Gray, over, step int) float64 {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	across, down := 0, 0
	for y := over; y < h-over; y += step {
		row, above, below := p.Pix[y*p.Stride:][:w], p.Pix[(y-over)*p.Stride:][:w], p.Pix[(y+over)*p.Stride:][:w]
		for x := over; x < w-over; x++ {
			middle, left, right, up, under := row[x], row[x-over], row[x+over], above[x], below[x]
			if min(middle, left, right, up, under) <= litLevel {
				continue // a fan's edge is no texture
			}
			across += distance(2*int(middle), int(left)+int(right))
			down += distance(2*int(middle), int(up)+int(under))
		}
	}
	return float64(across+1) / float64(down+1)
}

func share(part, whole int) float64 { return float64(part) / float64(whole) }

func distance(a, b int) int { return max(a-b, b-a) }

// correlation is Pearson's, of n pairs with these sums; 1 where nothing varies.
func correlation(n, sumA, sumB, squareA, squareB, product int) float64 {
	count := float64(n)
	varA := float64(squareA) - float64(sumA)*float64(sumA)/count
	varB := float64(squareB) - float64(sumB)*float64(sumB)/count
	if varA <= 0 || varB <= 0 {
		return 1
	}
	return (float64(product) - float64(sumA)*float64(sumB)/count) / math.Sqrt(varA*varB)
}

// change is the mean difference of two pictures of one size, in grey levels.
func change(a, b *image.Gray) float64 {
	w, h := a.Rect.Dx(), a.Rect.Dy()
	step := max(1, h/rowsLooked)
	sum, seen := 0, 0
	for y := 0; y < h; y += step {
		other := b.Pix[y*b.Stride:][:w]
		for x, v := range a.Pix[y*a.Stride:][:w] {
			sum += distance(int(v), int(other[x]))
		}
		seen += w
	}
	return share(sum, max(seen, 1))
}
