package region

import (
	"context"
	"errors"
	"image"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"lungbox/capture"
	"lungbox/capture/capturetest"
	"lungbox/capture/clip"
)

const demo = "../../daemon/demo/clips"

// script makes a source of pictures.
func script(pictures ...*image.Gray) *capturetest.Source {
	var steps []capturetest.Step
	for _, p := range pictures {
		steps = append(steps, capturetest.Picture(p))
	}
	return capturetest.New(steps...)
}

// all takes every frame; numbers must rise from 0.
func all(t *testing.T, s capture.Source) []*capture.Frame {
	t.Helper()
	frames := capturetest.Drain(t, s)
	for i, f := range frames {
		if f.Index != i {
			t.Fatalf("frame %d comes as number %d", i, f.Index)
		}
	}
	return frames
}

func black(w, h int) *image.Gray { return image.NewGray(image.Rect(0, 0, w, h)) }

// empty reports whether a frame shows nothing and says why.
func empty(f *capture.Frame) bool {
	return f.Unfit == capture.NotLung && f.Image.Rect == image.Rect(0, 0, 1, 1) && f.Image.Pix[0] == 0
}

func TestConform(t *testing.T) {
	fan := newScreen(t, image.Pt(320, 240), sector(160, -10, 40, 220, 0.6), 20, 0)
	for name, pictures := range map[string][]*image.Gray{"longer than the look": fan.frames, "shorter": fan.frames[:5]} {
		t.Run(name, func(t *testing.T) {
			capturetest.Conform(t, len(pictures), func(*testing.T) capture.Source { return New(script(pictures...), Options{}) })
		})
	}
	capturetest.ConformBlocking(t, func(*testing.T) capture.Source {
		return New(capturetest.New(append(capturetest.Repeat(3, capturetest.Picture(fan.frames[0])), capturetest.Block())...), Options{})
	})
}

// Every frame of a screen is masked from the first one on, and stays so.
func TestSourceMasksScreens(t *testing.T) {
	sc := newScreen(t, image.Pt(640, 480), sector(320, -30, 100, 440, 0.55), 60, 0)
	s := New(script(sc.frames...), Options{})
	frames := all(t, s)
	r := s.Region()
	if len(frames) != 60 || r == nil {
		t.Fatalf("%d frames, region %v", len(frames), r)
	}
	for i, f := range frames {
		if f.Unfit != "" || f.Image.Rect.Size() != r.Bounds.Size() {
			t.Fatalf("frame %d: %v, %q", i, f.Image.Rect, f.Unfit)
		}
		for y := range f.Image.Rect.Dy() {
			for x := range f.Image.Rect.Dx() {
				at := image.Pt(x, y).Add(r.Bounds.Min)
				if got := f.Image.GrayAt(x, y).Y; got != 0 && sc.drawn.GrayAt(at.X, at.Y).Y > 24 {
					t.Fatalf("frame %d: pixel %v of what is drawn round the fan came through", i, at)
				}
			}
		}
	}
}

func TestNothingUnmaskedGoesOn(t *testing.T) {
	text := black(640, 480)
	p := pen{text, black(640, 480)}
	for y := 30; y < 470; y += 24 {
		p.text(face(t, false, 16), 12, y, 230, "4711  MEIER, HANS  *1949-02-03  Ward 3   Lung")
	}
	white := black(640, 480)
	for i := range white.Pix {
		white.Pix[i] = 255 - text.Pix[i]
	}
	grey := black(300, 300)
	for i := range grey.Pix {
		grey.Pix[i] = 118
	}
	for name, picture := range map[string]*image.Gray{"patient list": text, "paper": white, "black": black(640, 480), "grey": grey, "a point": black(1, 1)} {
		for i, f := range all(t, New(script(picture, picture, picture), Options{})) {
			if !empty(f) {
				t.Errorf("%s: frame %d goes on as %v, %q", name, i, f.Image.Rect, f.Unfit)
			}
		}
	}
	fan := newScreen(t, image.Pt(320, 240), sector(160, -10, 40, 220, 0.6), 1, 0).frames[0]
	coloured := New(capturetest.New(capturetest.Frame(capture.Frame{Image: fan, Colour: 0.6}), capturetest.Frame(capture.Frame{Image: fan, Colour: -1})), Options{})
	frames := all(t, coloured)
	if !empty(frames[0]) || frames[1].Unfit != "" {
		t.Errorf("coloured: %q; colour not known: %q", frames[0].Unfit, frames[1].Unfit)
	}
}

// Pictures of any size are decided on without a fault, and a region found in one is
// never empty.
func TestSmallPictures(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	for w := range 40 {
		for h := range 40 {
			noise := black(w, h)
			for i := range noise.Pix {
				noise.Pix[i] = uint8(random.IntN(256))
			}
			if r, ok := Detect([]*image.Gray{noise}); ok && r.Apply(noise).Rect.Empty() {
				t.Fatalf("an empty region in a picture of %d×%d", w, h)
			}
		}
	}
}

// A fan that appears late is found, without a frame lost before.
func TestFanAppears(t *testing.T) {
	sc := newScreen(t, image.Pt(320, 240), sector(160, -10, 40, 220, 0.6), 10, 0)
	var pictures []*image.Gray
	for range 20 {
		pictures = append(pictures, black(320, 240))
	}
	frames := all(t, New(script(append(pictures, sc.frames...)...), Options{}))
	if len(frames) != 30 {
		t.Fatalf("%d frames of 30", len(frames))
	}
	for i, f := range frames {
		if i < 20 && !empty(f) || i >= 20+samples && f.Unfit != "" {
			t.Errorf("frame %d: %v, %q", i, f.Image.Rect, f.Unfit)
		}
	}
}

// When the scanner's depth is changed, the fan lies elsewhere and words may stand
// where it was.
func TestFanMoves(t *testing.T) {
	wide := newScreen(t, image.Pt(640, 480), sector(320, 0, 60, 400, 0.9), 16, 0)
	narrow := newScreen(t, image.Pt(640, 480), sector(320, -120, 180, 530, 0.35), 80, 0)
	for _, f := range narrow.frames { // a word inside the old outline
		pen{f, narrow.drawn}.text(face(t, true, 22), 90, 240, 255, "MEIER")
	}
	s := New(script(append(wide.frames, narrow.frames...)...), Options{})
	frames := all(t, s)
	kept, leaked, where := narrow.check(s.Region())
	if kept < 0.95 || leaked > 0 {
		t.Errorf("in the end %.1f%% of the fan is kept, %d drawn pixels are left at %v", 100*kept, leaked, where)
	}
	if len(frames) != 96 {
		t.Errorf("%d frames of 96", len(frames))
	}
}

// A fan that is half in the dark at first grows when it lights up, and does not
// shrink when it gets dark again.
func TestFanGrows(t *testing.T) {
	sc := newScreen(t, image.Pt(320, 240), sector(160, -10, 40, 220, 0.6), 1, 0)
	fan := black(320, 240)
	living, whole := newTissue(3), sector(160, -10, 40, 220, 0.6)
	living.paint(fan, dots(image.Pt(320, 240), whole), 0)
	half := black(320, 240)
	living.paint(half, dots(image.Pt(320, 240), func(x, y float64) (float64, float64, bool) {
		d, a, in := whole(x, y)
		return d, a, in && a < 0.1
	}), 0)
	var pictures []*image.Gray
	for i := range 120 {
		if i < 16 || i > 60 {
			pictures = append(pictures, half)
		} else {
			pictures = append(pictures, fan)
		}
	}
	s := New(script(pictures...), Options{})
	for range 16 {
		if _, err := s.Next(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	first := s.Region().Area()
	for { // to the end
		if _, err := s.Next(context.Background()); err != nil {
			break
		}
	}
	kept, _, _ := sc.check(s.Region())
	if first > s.Region().Area()*3/4 || kept < 0.95 {
		t.Errorf("area %d at first, %d in the end, %.1f%% of the fan", first, s.Region().Area(), 100*kept)
	}
}

func TestSizeChanges(t *testing.T) {
	small := newScreen(t, image.Pt(320, 240), sector(160, -10, 40, 220, 0.6), 5, 0)
	large := newScreen(t, image.Pt(640, 480), sector(300, -20, 80, 420, 0.6), 20, 0)
	s := New(script(append(small.frames, large.frames...)...), Options{})
	frames := all(t, s)
	if len(frames) != 25 || s.Region().Size != image.Pt(640, 480) {
		t.Fatalf("%d frames, region %v", len(frames), s.Region().Size)
	}
	if a, b := frames[4].Image.Rect.Dx(), frames[5].Image.Rect.Dx(); a >= 320 || b <= 320 || frames[4].Unfit != "" || frames[5].Unfit != "" {
		t.Errorf("crops are %d and %d wide", a, b)
	}
}

func TestOverride(t *testing.T) {
	fixed := Rectangle(image.Pt(320, 240), image.Rect(10, 20, 110, 90))
	sc := newScreen(t, image.Pt(320, 240), sector(160, -10, 40, 220, 0.6), 50, 0)
	for _, o := range []Options{{Region: fixed}, {Rectangle: image.Rect(10, 20, 110, 90)}} {
		for _, f := range all(t, New(script(sc.frames...), o)) {
			if f.Image.Rect.Size() != image.Pt(100, 70) || f.Image.GrayAt(90, 60) != sc.frames[f.Index].GrayAt(100, 80) {
				t.Fatalf("frame %d: crop %v", f.Index, f.Image.Rect)
			}
		}
	}
	// One that lies outside the picture is of another scanner: the fan is looked for.
	for _, f := range all(t, New(script(sc.frames...), Options{Rectangle: image.Rect(400, 20, 500, 90)})) {
		if f.Image.Rect.Dx() < 60 || f.Unfit != "" {
			t.Fatalf("frame %d: crop %v, %s", f.Index, f.Image.Rect, f.Unfit)
		}
	}
}

// stated is a source that knows its regions.
type stated struct {
	capture.Source
	places []image.Rectangle
}

func (s stated) Regions() []image.Rectangle { return s.places }

// With two fans on the screen, the stated one is taken.
func TestStatedRegion(t *testing.T) {
	size := image.Pt(640, 480)
	left := newScreen(t, size, sector(160, 20, 60, 300, 0.4), 4, 0)
	living, right := newTissue(9), dots(size, trapezoid(image.Rect(330, 60, 600, 400), 0))
	for i, f := range left.frames {
		living.paint(f, right, i)
	}
	s := New(stated{script(left.frames...), []image.Rectangle{image.Rect(20, 40, 310, 330)}}, Options{})
	all(t, s)
	kept, leaked, _ := left.check(s.Region())
	if kept < 0.95 || leaked > 0 || s.Region().Bounds.Max.X > 310 {
		t.Errorf("%.1f%% of the stated fan, %d drawn pixels, bounds %v", 100*kept, leaked, s.Region().Bounds)
	}
}

// An error comes after the frames before it, and the source goes on after it.
func TestErrorInTheLook(t *testing.T) {
	fan := newScreen(t, image.Pt(320, 240), sector(160, -10, 40, 220, 0.6), 4, 0).frames
	broken := errors.New("cable out")
	s := New(capturetest.New(capturetest.Picture(fan[0]), capturetest.Picture(fan[1]), capturetest.Fail(broken), capturetest.Picture(fan[2])), Options{})
	for i, want := range []error{nil, nil, broken, nil, io.EOF} {
		if f, err := s.Next(context.Background()); !errors.Is(err, want) || err == nil && f.Unfit != "" {
			t.Errorf("call %d: %v, want %v", i, err, want)
		}
	}
}

// The committed clips: no frame is refused, and the outline stays calm.
func TestDemoClips(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(demo, "*.mp4"))
	if err != nil || len(paths) != 5 {
		t.Fatalf("%d demo clips, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			source, err := clip.Open(context.Background(), path, clip.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s := New(source, Options{})
			defer s.Close()
			changes, last := 0, image.Rectangle{}
			for _, f := range all(t, s) {
				if f.Unfit != "" {
					t.Errorf("frame %d is refused", f.Index)
				}
				if f.Image.Rect != last {
					changes, last = changes+1, f.Image.Rect
				}
			}
			t.Logf("%d outlines, at last %v of %v", changes, s.Region().Bounds, s.Region().Size)
			if changes > 4 {
				t.Errorf("the outline changed %d times", changes)
			}
		})
	}
}

// A region that is set while pictures come counts from the next picture on, and an empty
// one has the fan found again.
func TestSet(t *testing.T) {
	sc := newScreen(t, image.Pt(640, 480), sector(320, -30, 100, 440, 0.55), 60, 0)
	s := New(script(sc.frames...), Options{})
	size := func(n int) (last image.Point) {
		for range n {
			f, err := s.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			last = f.Image.Rect.Size()
		}
		return last
	}
	if s.Size() != (image.Point{}) || s.Fixed() {
		t.Errorf("before the first picture: %v, %t", s.Size(), s.Fixed())
	}
	found := size(16)
	s.Set(image.Rect(200, 100, 300, 220))
	if got := size(1); got != image.Pt(100, 120) || !s.Fixed() || s.Size() != image.Pt(640, 480) {
		t.Errorf("set: crops of %v", got)
	}
	size(20) // it stays
	if got := size(1); got != image.Pt(100, 120) {
		t.Errorf("later: crops of %v", got)
	}
	s.Set(image.Rectangle{})
	if got := size(16); s.Fixed() || got.X < found.X*9/10 || got.X > found.X*11/10 {
		t.Errorf("found again: crops of %v, before %v", got, found)
	}
}
