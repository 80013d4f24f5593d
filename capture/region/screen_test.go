package region

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// shape tells which pixels of a screen belong to a fan, and the depth (0 to 1) and
// the position across (-1 to 1) of those that do.
type shape func(x, y float64) (depth, across float64, inside bool)

// sector is a convex (r0 > 0) or phased (r0 ≈ 0) fan with its apex at (cx, cy).
func sector(cx, cy, r0, r1, halfAngle float64) shape {
	return func(x, y float64) (float64, float64, bool) {
		r, a := math.Hypot(x-cx, y-cy), math.Atan2(x-cx, y-cy)
		return (r - r0) / (r1 - r0), a / halfAngle, r >= r0 && r < r1 && math.Abs(a) < halfAngle
	}
}

// trapezoid is the picture of a linear probe; lean 0 makes it a rectangle.
func trapezoid(r image.Rectangle, lean float64) shape {
	return func(x, y float64) (float64, float64, bool) {
		d := (y - float64(r.Min.Y)) / float64(r.Dy())
		middle, half := float64(r.Min.X+r.Max.X)/2, float64(r.Dx())/2+lean*d*float64(r.Dy())
		return d, (x - middle) / half, d >= 0 && d < 1 && math.Abs(x-middle) < half
	}
}

// tissue paints a fan of moving speckle: bright near the probe, a bright pleural
// line, fading with depth, with two rib shadows that are almost black.
type tissue struct {
	speckle []float64 // a tile, repeated over the screen
}

// The sides of the tile: larger than any speckle, and no divisor of a screen's side.
const tileWidth, tileHeight = 251, 241

func newTissue(seed uint64) *tissue {
	random := rand.New(rand.NewPCG(seed, 1))
	noise := make([]float64, tileWidth*tileHeight)
	for i := range noise {
		noise[i] = random.Float64()
	}
	t := &tissue{make([]float64, len(noise))}
	for y := range tileHeight { // wider than high, as speckle is
		for x := range tileWidth {
			sum := 0.0
			for dy := -1; dy <= 1; dy++ {
				for dx := -2; dx <= 2; dx++ {
					sum += noise[(y+dy+tileHeight)%tileHeight*tileWidth+(x+dx+tileWidth)%tileWidth]
				}
			}
			mean := sum / 15 * 1.6
			t.speckle[y*tileWidth+x] = mean * mean * mean
		}
	}
	return t
}

// dot is a pixel of a fan and its brightness without speckle.
type dot struct {
	x, y  int
	level float64
}

// dots lists the pixels of a fan on a screen.
func dots(size image.Point, in shape) []dot {
	var list []dot
	for y := range size.Y {
		for x := range size.X {
			depth, across, inside := in(float64(x), float64(y))
			if !inside {
				continue
			}
			level := 150*math.Exp(-2.2*depth) + 10
			if math.Abs(depth-0.22) < 0.015 {
				level = 230
			}
			if depth > 0.2 && (math.Abs(across-0.45) < 0.09 || math.Abs(across+0.45) < 0.09) {
				level *= 0.06
			}
			list = append(list, dot{x, y, level})
		}
	}
	return list
}

func (t *tissue) paint(dst *image.Gray, fan []dot, frame int) {
	for _, d := range fan {
		speckle := t.speckle[(d.y+frame*3)%tileHeight*tileWidth+(d.x+frame*5)%tileWidth]
		dst.Pix[d.y*dst.Stride+d.x] = uint8(min(255, d.level*(0.35+speckle)))
	}
}

// screen is a scanner's screen: a fan and everything that must not get through.
type screen struct {
	frames []*image.Gray
	drawn  *image.Gray // all that was drawn round the fan, in any frame
	fan    *image.Gray // 255 where the fan is
}

// pen draws on one frame and on the record of what was drawn.
type pen struct{ to, record *image.Gray }

func (p pen) fill(r image.Rectangle, level uint8) {
	draw.Draw(p.to, r, &image.Uniform{color.Gray{Y: level}}, image.Point{}, draw.Src)
	draw.Draw(p.record, r, &image.Uniform{color.Gray{Y: 255}}, image.Point{}, draw.Src)
}

func (p pen) text(face font.Face, x, y int, level uint8, s string) {
	for _, dst := range []*image.Gray{p.to, p.record} {
		d := font.Drawer{Dst: dst, Src: &image.Uniform{color.Gray{Y: level}}, Face: face, Dot: fixed.P(x, y)}
		d.DrawString(s)
	}
}

func face(t testing.TB, bold bool, pixels float64) font.Face {
	t.Helper()
	data := goregular.TTF
	if bold {
		data = gobold.TTF
	}
	parsed, err := opentype.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	f, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: pixels, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// furnish draws what scanners draw round a fan that lies within place: a name and
// a date, settings, a depth scale with ticks close to the fan, a grey bar, a logo,
// an orientation mark, a menu, a clock that runs and an ECG that moves.
func furnish(t testing.TB, p pen, place image.Rectangle, frame int) {
	t.Helper()
	w, h := p.to.Rect.Dx(), p.to.Rect.Dy()
	unit := float64(h) / 40
	small, large := face(t, false, unit), face(t, true, 1.5*unit)
	line := int(1.3 * unit)
	p.text(large, 8, line+4, 255, "DOE, JANE  *1954-03-12")
	p.text(small, 8, 2*line+6, 220, "ID 40021877  Intensive care 3")
	p.text(small, w-12*line/2, line, 220, "General Hospital")
	p.text(small, w-12*line/2, 2*line, 220, fmt.Sprintf("23.11.2026 10:42:%02d", frame%60))
	for i, s := range []string{"C5-1 Lung", "38 Hz", "16.0 cm", "Gn 62", "DR 70", "MI 1.1", "TIs 0.2", "L3"} {
		p.text(small, 8, 5*line+i*line, 200, s)
	}
	right := min(w-3*line, place.Max.X+6)
	for i := range 9 { // depth scale
		y := place.Min.Y + i*place.Dy()/8
		p.fill(image.Rect(right, y-1, right+6, y+1), 230)
		if i%2 == 0 {
			p.text(small, right+9, y+line/3, 230, fmt.Sprint(2*i))
		}
	}
	for i := range 6 * line { // grey bar
		p.fill(image.Rect(w-line, 4*line+i, w-line/3, 4*line+i+1), uint8(255-i*255/(6*line)))
	}
	p.fill(image.Rect(w-5*line, 3*line, w-3*line/2, 3*line+line*3/4), 180) // logo
	p.text(large, place.Min.X+place.Dx()/4-3*line, place.Min.Y+line/2, 255, "P")
	for i, s := range []string{"Freeze", "Store", "Depth", "Gain", "Exit"} { // menu
		box := image.Rect(10+i*w/6, h-2*line, 10+i*w/6+w/7, h-line/3)
		p.fill(box, 60)
		p.text(small, box.Min.X+6, box.Max.Y-line/2, 240, s)
	}
	for x := range w * 3 / 4 { // ECG
		beat := math.Mod(float64(x+frame*7), 90)
		y := float64(h) - 2.6*unit
		if beat < 8 {
			y -= unit * 1.2 * (1 - math.Abs(beat-4)/4)
		}
		p.fill(image.Rect(x, int(y), x+1, int(y)+2), 210)
	}
}

// newScreen paints frames of a fan with everything round it, on a backdrop of a
// grey level.
func newScreen(t testing.TB, size image.Point, in shape, frames int, backdrop uint8) *screen {
	t.Helper()
	bounds := image.Rectangle{Max: size}
	s := &screen{drawn: image.NewGray(bounds), fan: image.NewGray(bounds)}
	fan := dots(size, in)
	var place image.Rectangle
	for _, d := range fan {
		s.fan.SetGray(d.x, d.y, color.Gray{Y: 255})
		place = place.Union(image.Rect(d.x, d.y, d.x+1, d.y+1))
	}
	living := newTissue(7)
	for i := range frames {
		f := image.NewGray(bounds)
		draw.Draw(f, bounds, &image.Uniform{color.Gray{Y: backdrop}}, image.Point{}, draw.Src)
		furnish(t, pen{f, s.drawn}, place, i)
		living.paint(f, fan, i) // the fan lies on top
		s.frames = append(s.frames, f)
	}
	for i, v := range s.fan.Pix {
		if v > 0 {
			s.drawn.Pix[i] = 0
		}
	}
	return s
}

// check applies a region to the screen's last frame: how much of the fan it keeps,
// and how many pixels of what was drawn.
func (s *screen) check(r *Region) (kept float64, leaked int, where image.Rectangle) {
	fan := 0
	for _, v := range s.fan.Pix {
		if v > 0 {
			fan++
		}
	}
	inside := 0
	for _, sp := range r.Spans {
		for x := sp.From; x < sp.To; x++ {
			i := s.fan.PixOffset(x, sp.Y)
			if s.fan.Pix[i] > 0 {
				inside++
			} else if s.drawn.Pix[i] > 24 { // fainter than that is the edge of an antialiased stroke
				leaked++
				where = where.Union(image.Rect(x, sp.Y, x+1, sp.Y+1))
			}
		}
	}
	return float64(inside) / float64(fan), leaked, where
}

func TestScreens(t *testing.T) {
	shapes := map[string]func(w, h float64) shape{
		"convex":      func(w, h float64) shape { return sector(0.5*w, -0.08*h, 0.22*h, 0.95*h, 0.6) },
		"wide convex": func(w, h float64) shape { return sector(0.5*w, 0.02*h, 0.12*h, 0.84*h, 0.85) },
		"phased":      func(w, h float64) shape { return sector(0.48*w, 0.1*h, 2, 0.78*h, 0.75) },
		"linear": func(w, h float64) shape {
			return trapezoid(image.Rect(int(0.27*w), int(0.14*h), int(0.73*w), int(0.85*h)), 0)
		},
		"trapezoid": func(w, h float64) shape {
			return trapezoid(image.Rect(int(0.35*w), int(0.14*h), int(0.63*w), int(0.85*h)), 0.2)
		},
		"small sector": func(w, h float64) shape { return sector(0.55*w, 0.2*h, 0.06*h, 0.5*h, 0.6) },
	}
	var s sheet
	for _, size := range []image.Point{{640, 480}, {1024, 768}, {1280, 960}, {1920, 1080}} {
		for name, make := range shapes {
			for _, kind := range []struct {
				frames   int
				backdrop uint8
			}{{1, 0}, {9, 0}, {1, 40}, {5, 18}} {
				if kind.frames > 1 && size.X > 1280 {
					continue // slow to draw, and shows nothing new
				}
				t.Run(fmt.Sprintf("%s, %d×%d, %d frames on grey %d", name, size.X, size.Y, kind.frames, kind.backdrop), func(t *testing.T) {
					sc := newScreen(t, size, make(float64(size.X), float64(size.Y)), kind.frames, kind.backdrop)
					r, ok := Detect(sc.frames)
					if !ok {
						t.Fatal("no fan found")
					}
					kept, leaked, where := sc.check(r)
					if kept < 0.95 || leaked > 0 {
						t.Errorf("%.1f%% of the fan kept, %d drawn pixels left at %v; want 95%% or more, and none", 100*kept, leaked, where)
					}
					if s.n < 20 && kind.frames == 1 {
						s.add(sc.frames[0], r)
					}
				})
			}
		}
	}
	s.write(t, "screens.png")
}
