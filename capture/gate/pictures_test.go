package gate

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"lungbox/capture"
	"lungbox/capture/capturetest"
	"lungbox/capture/clip/grey"
)

// from makes a picture of a function of place.
func from(w, h int, level func(x, y int) float64) *image.Gray {
	p := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p.SetGray(x, y, color.Gray{Y: uint8(max(0, min(255, level(x, y))))})
		}
	}
	return p
}

// clouds is noise of all sizes, as fine across as down: the statistics of a
// photograph of nature. Values lie round 0, mostly between −1 and 1.
func clouds(random *rand.Rand, w, h int) []float64 {
	sum := make([]float64, w*h)
	for side := 2; side < max(w, h); side *= 2 {
		gw, gh := w/side+2, h/side+2
		grid := make([]float64, gw*gh)
		for i := range grid {
			grid[i] = random.NormFloat64()
		}
		weight := math.Pow(float64(side)/float64(max(w, h)), 0.8)
		for y := range h {
			fy := float64(y) / float64(side)
			for x := range w {
				fx := float64(x) / float64(side)
				i, tx, ty := int(fy)*gw+int(fx), fx-math.Floor(fx), fy-math.Floor(fy)
				top := grid[i]*(1-tx) + grid[i+1]*tx
				bottom := grid[i+gw]*(1-tx) + grid[i+gw+1]*tx
				sum[y*w+x] += weight * (top*(1-ty) + bottom*ty)
			}
		}
	}
	return sum
}

func write(p *image.Gray, level uint8, lines ...string) *image.Gray {
	for i, line := range lines {
		d := font.Drawer{Dst: p, Src: &image.Uniform{color.Gray{Y: level}}, Face: basicfont.Face7x13, Dot: fixed.P(12, 24+16*i)}
		d.DrawString(line)
	}
	return p
}

func page(lines int) []string {
	var text []string
	for range lines {
		text = append(text, "Patient 4711, seen on ward 3, lung ultrasound of eight zones, no finding on the left side.")
	}
	return text
}

// TestOtherPictures sends everything that is no ultrasound through region and gate:
// none may come out fit, and none may be seen.
func TestOtherPictures(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const w, h = 640, 480
	sky := clouds(random, w, h)
	flat := func(level float64) *image.Gray { return from(w, h, func(int, int) float64 { return level }) }
	menu := flat(30)
	for i := range 12 {
		for y := 20 + i*36; y < 48+i*36; y++ {
			for x := 30; x < 610; x++ {
				menu.SetGray(x, y, color.Gray{Y: 90})
			}
		}
	}
	pictures := map[string]*image.Gray{
		"blank, black": flat(0), "blank, grey": flat(120), "blank, white": flat(255),
		"bars":           from(w, h, func(x, _ int) float64 { return float64(255 - x/80*32) }),
		"chequers":       from(w, h, func(x, y int) float64 { return float64((x/16 + y/16) % 2 * 255) }),
		"fine lines":     from(w, h, func(x, y int) float64 { return float64((x/2+y/2)%2) * 200 }),
		"gradient":       from(w, h, func(x, _ int) float64 { return float64(x) * 255 / w }),
		"noisy gradient": from(w, h, func(x, _ int) float64 { return float64(x)*255/w + 3*random.NormFloat64() }),
		"circles":        from(w, h, func(x, y int) float64 { return 127 + 120*math.Sin(math.Hypot(float64(x-w/2), float64(y-h/2))/7) }),
		"shapes": from(w, h, func(x, y int) float64 {
			if math.Hypot(float64(x-200), float64(y-200)) < 120 || x > 400 && y > 150 && x < 600 && y < 400 {
				return 180
			}
			return 20
		}),
		"white noise":                  from(w, h, func(int, int) float64 { return 255 * random.Float64() }),
		"dark noise of an empty input": from(w, h, func(int, int) float64 { return 30 + 15*random.NormFloat64() }),
		"photograph":                   from(w, h, func(x, y int) float64 { return 110 + 60*sky[y*w+x] }),
		"dark photograph":              from(w, h, func(x, y int) float64 { return 40 + 50*sky[y*w+x] }),
		"photograph in a black frame": from(w, h, func(x, y int) float64 {
			if x < 100 || x > 540 || y < 60 || y > 420 {
				return 0
			}
			return 90 + 70*sky[y*w+x]
		}),
		"page":              write(flat(255), 0, page(28)...),
		"photographed page": write(from(w, h, func(x, y int) float64 { return 150 + 20*sky[y*w+x] + 3*random.NormFloat64() }), 30, page(28)...),
		"patient list":      write(flat(0), 230, page(28)...),
		"menu":              write(menu, 240, page(26)...),
	}
	for name, p := range pictures {
		t.Run(name, func(t *testing.T) {
			s := chain(timed([]*image.Gray{p, p, p}), Default())
			for _, f := range capturetest.Drain(t, s) {
				if f.Unfit == "" {
					_, why := Default().Assess(f.Image)
					t.Errorf("passes as ultrasound: %v, %s, %+v", f.Image.Rect, why, measure(f.Image))
				}
				if f.Unfit == capture.NotLung && f.Image.Rect.Dx() > 1 {
					t.Error("is shown")
				}
			}
		})
	}
}

// The patterns that grabbers and scanners put out instead of a picture, in colour and
// as a grey input would have them, through a video file. They stand still, and the
// reason is what they show, not that.
func TestTestCards(t *testing.T) {
	for _, pattern := range []string{"smptehdbars", "pal75bars", "testsrc", "testsrc2", "rgbtestsrc", "color=black", "color=blue"} {
		for _, filter := range []string{"null", "hue=s=0"} {
			t.Run(pattern+", "+filter, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "card.mp4")
				out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", pattern,
					"-vf", "scale=320:240,"+filter, "-frames:v", "3", "-pix_fmt", "yuv420p", path).CombinedOutput()
				if err != nil {
					t.Fatalf("ffmpeg: %v\n%s", err, out)
				}
				var steps []capturetest.Step
				for _, f := range capturetest.Drain(t, openClip(t, path)) {
					for range 30 {
						f.Time = time.Unix(100, 0).Add(time.Duration(len(steps)) * 50 * time.Millisecond)
						steps = append(steps, capturetest.Frame(*f))
					}
				}
				s := chain(capturetest.New(steps...), Live())
				for _, f := range capturetest.Drain(t, s) {
					if f.Unfit != capture.NotLung || f.Image.Rect.Dx() != 1 {
						t.Fatalf("frame %d: %q, %v, %+v", f.Index, f.Unfit, f.Image.Rect, measure(f.Image))
					}
				}
				if c := s.Counts(); c.NotLung+c.Duplicate != 90 || c.Fit+c.PoorImage+c.Frozen > 0 {
					t.Errorf("%+v", c)
				}
			})
		}
	}
}

// B-lines make a picture that changes more across than down; their grain is that of
// sound all the same. The same picture on its side is no ultrasound.
func TestGrainNotSlope(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	const w, h = 256, 256
	grain := make([]float64, w*h)
	for i := range grain {
		grain[i] = random.NormFloat64()
	}
	speckle := func(x, y int) (sum float64) { // four pixels wide, one high
		for d := range 4 {
			sum += grain[y*w+(x+d)%w]
		}
		return sum / 2
	}
	lines := func(x, y int) float64 {
		return max(0, 90+80*math.Sin(float64(x)/7)) * max(0.1, 1+0.15*speckle(x, y))
	}
	if reason, why := Default().Assess(from(w, h, lines)); reason != "" {
		t.Errorf("B-lines are refused as %s: %s", reason, why)
	}
	if reason, why := Default().Assess(from(w, h, func(x, y int) float64 { return lines(y, x) })); reason != capture.NotLung {
		t.Errorf("texture that is finer across than down: %q, %s", reason, why)
	}
}

// A white lung under a linear probe fills its picture with light; a bright wall or
// fabric does, too.
func TestBrightPictures(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	const w, h = 256, 200
	grain := make([]float64, w*h)
	for i := range grain {
		grain[i] = random.NormFloat64()
	}
	textured := func(wide int) *image.Gray {
		return from(w, h, func(x, y int) float64 {
			sum := 0.0
			for d := range wide {
				sum += grain[y*w+(x+d)%w]
			}
			return 120 + 15*sum/math.Sqrt(float64(wide))
		})
	}
	for wide, want := range map[int]capture.Unfit{1: capture.NotLung, 2: capture.NotLung, 8: ""} {
		if reason, why := Default().Assess(textured(wide)); reason != want {
			t.Errorf("grain %d times as wide as high: %q (%s), want %q", wide, reason, why, want)
		}
	}
}

// Colour photographs are refused by their colours before anything else.
func TestColourPhotograph(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	const w, h = 320, 240
	planes := [3][]float64{clouds(random, w, h), clouds(random, w, h), clouds(random, w, h)}
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		for c, plane := range planes {
			p.Pix[4*i+c] = uint8(max(0, min(255, 110+80*plane[i])))
		}
		p.Pix[4*i+3] = 255
	}
	path := filepath.Join(t.TempDir(), "photograph.png")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(out, p); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if _, colour := grey.FromImage(p); colour < 0.3 {
		t.Errorf("the photograph is coloured in %.2f of its pixels only", colour)
	}
	if f := capturetest.Drain(t, chain(openClip(t, path), Default()))[0]; f.Unfit != capture.NotLung || f.Image.Rect.Dx() != 1 {
		t.Errorf("%q, %v", f.Unfit, f.Image.Rect)
	}
}
