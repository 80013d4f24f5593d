package scanner

import (
	"image"
	"math"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"

	"lungbox/training/simulate/seed"
)

// blank is a decorator on a screen whose fan fills the middle.
func blank(t *testing.T) (*decorator, *Scanner) {
	t.Helper()
	scan := Looks()[0].Scanner(seed.New(1).Draws(), 60)
	scan.Fan.Cut = Cut{}
	screen, err := NewScreen(&scan, seed.New(2).Draws())
	if err != nil {
		t.Fatal(err)
	}
	clear(screen.backdrop.Pix)
	return &decorator{screen: screen, face: basicfont.Face7x13, grey: 200, line: 13}, &scan
}

func ink(picture *image.Gray, area image.Rectangle) (n int) {
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			if picture.GrayAt(x, y).Y > 0 {
				n++
			}
		}
	}
	return n
}

func TestThingsAreOnlyPutWhereThereIsRoom(t *testing.T) {
	c, _ := blank(t)
	fan := c.screen.Fan
	for _, test := range []struct {
		name string
		area image.Rectangle
		want bool
	}{
		{"a free corner", image.Rect(0, 0, 50, 10), true},
		{"the same place again", image.Rect(40, 5, 60, 20), false},
		{"beside it", image.Rect(50, 0, 60, 10), true},
		{"half off the screen", image.Rect(-5, 40, 20, 50), false},
		{"the middle of the fan", image.Rect(fan.Min.X+fan.Dx()/2, fan.Min.Y+fan.Dy()/2, fan.Min.X+fan.Dx()/2+9, fan.Min.Y+fan.Dy()/2+9), false},
		{"touching the fan's lowest point", image.Rect(fan.Min.X+fan.Dx()/2, fan.Max.Y+1, fan.Min.X+fan.Dx()/2+9, fan.Max.Y+5), false},
	} {
		if got := c.claim(test.area); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestTextStaysInItsArea(t *testing.T) {
	c, _ := blank(t)
	c.text(5, 7, "Gypsy (Q)")
	width := font.MeasureString(c.face, "Gypsy (Q)").Ceil()
	all := ink(c.screen.backdrop, c.screen.backdrop.Rect)
	if inside := ink(c.screen.backdrop, image.Rect(5, 7, 5+width, 20)); all == 0 || inside != all {
		t.Errorf("%d of %d pixels of the text lie in its area", inside, all)
	}
}

// The scale must tell the truth: ticks one centimetre apart in the picture's own
// measure, and the first at the transducer's face.
func TestDepthScaleIsToScale(t *testing.T) {
	for i := range 8 {
		c, scan := blank(t)
		scan.chrome.focus = false
		box := scan.Fan.Bounds()
		c.face, c.line = basicfont.Face7x13, 13
		c.depthScale(scan, box, seed.New(uint64(i)).Draws())
		var rows []int
		for _, area := range c.taken {
			if area.Dy() == 1 {
				rows = append(rows, area.Min.Y)
			}
		}
		if want := int(scan.Fan.Depth/10) + 1; len(rows) != want {
			t.Errorf("draw %d: %d ticks for %.0f mm, want %d", i, len(rows), scan.Fan.Depth, want)
			continue
		}
		for k, y := range rows {
			_, z := scan.Fan.Point(float64(scan.Fan.Beams)/2-0.5, float64(k)*10)
			want := float64(c.screen.Fan.Min.Y) + (z-box.Top)*c.screen.perMillimetre
			if math.Abs(float64(y)-want) > 1.01 {
				t.Errorf("draw %d: tick %d cm is in row %d, want %.1f", i, k, y, want)
			}
		}
	}
}

func TestGreyScaleRunsFromBlackToWhite(t *testing.T) {
	c, _ := blank(t)
	c.greyScale(seed.New(1).Draws())
	if len(c.taken) != 1 {
		t.Fatalf("%d areas taken", len(c.taken))
	}
	area := c.taken[0]
	top, bottom := c.screen.backdrop.GrayAt(area.Min.X, area.Min.Y).Y, c.screen.backdrop.GrayAt(area.Min.X, area.Max.Y-1).Y
	if top < 245 || bottom != 0 {
		t.Errorf("the bar runs from %d to %d, want white to black", top, bottom)
	}
}

func TestElectrocardiogramIsOneLine(t *testing.T) {
	c, _ := blank(t)
	c.electrocardiogram(seed.New(1).Draws())
	if len(c.taken) == 0 {
		t.Skip("no room under this fan")
	}
	area := c.taken[0]
	previous := image.Pt(-1, -1) // first and last inked row of the column before
	for x := area.Min.X; x < area.Max.X; x++ {
		first, last := -1, -1
		for y := area.Min.Y; y < area.Max.Y; y++ {
			if c.screen.backdrop.GrayAt(x, y).Y > 0 {
				if first < 0 {
					first = y
				}
				last = y
			}
		}
		if first < 0 {
			t.Fatalf("a gap at column %d", x)
		}
		if previous.X >= 0 && (first > previous.Y+1 || last < previous.X-1) {
			t.Fatalf("a jump at column %d", x)
		}
		previous = image.Pt(first, last)
	}
}

func TestPickFollowsTheWeights(t *testing.T) {
	if len(weights()) != len(Looks()) {
		t.Fatalf("%d weights for %d looks", len(weights()), len(Looks()))
	}
	counts, total, n := map[string]float64{}, 0.0, 4000
	d := seed.New(5).Draws()
	for range n {
		counts[Pick(d).Name]++
	}
	for _, w := range weights() {
		total += w
	}
	for i, look := range Looks() {
		want := weights()[i] / total
		if got := counts[look.Name] / float64(n); math.Abs(got-want) > 0.03 {
			t.Errorf("%s has a share of %.3f, want %.3f", look.Name, got, want)
		}
	}
}
