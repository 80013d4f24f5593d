package gate

import (
	"context"
	"image"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lungbox/capture"
	"lungbox/capture/capturetest"
	"lungbox/capture/clip"
	"lungbox/capture/region"
)

const demo = "../../daemon/demo/clips"

// chain is what every picture goes through: source, region, gate.
func chain(source capture.Source, config Config) *Source {
	return New(region.New(source, region.Options{}), config)
}

func openClip(t testing.TB, path string) capture.Source {
	t.Helper()
	source, err := clip.Open(context.Background(), path, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestConform(t *testing.T) {
	picture := capturetest.Drain(t, openClip(t, filepath.Join(demo, "vir_whitelung_h1n1.mp4")))[0].Image
	capturetest.Conform(t, 3, func(*testing.T) capture.Source {
		return New(capturetest.New(capturetest.Picture(picture), capturetest.Picture(darker(picture, 2)), capturetest.Picture(picture)), Live())
	})
	capturetest.ConformBlocking(t, func(*testing.T) capture.Source { return New(capturetest.New(capturetest.Block()), Live()) })
}

// No frame of the demo clips is refused, by the live thresholds either.
func TestDemoClipsPass(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(demo, "*.mp4"))
	if err != nil || len(paths) != 5 {
		t.Fatalf("%d demo clips, %v", len(paths), err)
	}
	for _, path := range paths {
		s := chain(openClip(t, path), Live())
		frames := capturetest.Drain(t, s)
		if c := s.Counts(); c.Fit != uint64(len(frames)) {
			t.Errorf("%s: %+v of %d frames", filepath.Base(path), c, len(frames))
		}
		s.Close()
	}
}

// TestRealClips prints the share of frames refused in each real clip; over all it
// must be below one in a hundred.
func TestRealClips(t *testing.T) {
	paths := capturetest.Clips(t)
	var all Counts
	total := 0
	for _, path := range paths {
		s := chain(openClip(t, path), Config{})
		n := len(capturetest.Drain(t, s))
		c := s.Counts()
		s.Close()
		t.Logf("%-45s %4d frames, %5.1f%% refused (not lung %d, poor image %d)", filepath.Base(path), n,
			100*float64(uint64(n)-c.Fit)/float64(n), c.NotLung, c.PoorImage)
		all.Fit, all.NotLung, all.PoorImage = all.Fit+c.Fit, all.NotLung+c.NotLung, all.PoorImage+c.PoorImage
		total += n
	}
	refused := 100 * float64(uint64(total)-all.Fit) / float64(total)
	t.Logf("%d clips, %d frames, %.2f%% refused: %+v", len(paths), total, refused, all)
	if refused >= 1 {
		t.Errorf("%.2f%% of the frames are refused", refused)
	}
}

// darker is a real frame with less light.
func darker(p *image.Gray, by int) *image.Gray {
	out := image.NewGray(p.Rect)
	for i, v := range p.Pix {
		out.Pix[i] = uint8(int(v) / by)
	}
	return out
}

// Config{} is Default().
func TestZeroConfig(t *testing.T) {
	if got := (Config{}).withDefaults(); got != Default() {
		t.Errorf("%+v, want %+v", got, Default())
	}
	if got := (Config{MostIsotropy: 2}).withDefaults(); got.MostIsotropy != 2 {
		t.Errorf("a set threshold became %v", got.MostIsotropy)
	}
}

func TestPoorImage(t *testing.T) {
	frame := capturetest.Drain(t, openClip(t, filepath.Join(demo, "reg_recommendations_alines_mov1.mp4")))[0].Image
	config := Default()
	for by, want := range map[int]capture.Unfit{1: "", 2: "", 12: capture.PoorImage, 255: capture.PoorImage} {
		if got, why := config.Assess(darker(frame, by)); got != want {
			t.Errorf("a frame made %d times darker: %q (%s), want %q", by, got, why, want)
		}
	}
	s := New(capturetest.New(capturetest.Picture(darker(frame, 12))), config)
	if f := capturetest.Drain(t, s)[0]; f.Unfit != capture.PoorImage || f.Image.Rect != frame.Rect {
		t.Errorf("%q, picture %v: a poor image is still shown", f.Unfit, f.Image.Rect)
	}
}

// timed makes frames of pictures at a rate of 20 per second.
func timed(pictures []*image.Gray) *capturetest.Source {
	var steps []capturetest.Step
	for i, p := range pictures {
		steps = append(steps, capturetest.Frame(capture.Frame{Image: p, Time: time.Unix(100, 0).Add(time.Duration(i) * 50 * time.Millisecond)}))
	}
	return capturetest.New(steps...)
}

func TestFrozen(t *testing.T) {
	var moving []*image.Gray
	for _, f := range capturetest.Drain(t, openClip(t, filepath.Join(demo, "vir_whitelung_h1n1.mp4"))) {
		moving = append(moving, f.Image)
	}
	var pictures []*image.Gray
	pictures = append(pictures, moving[:20]...)
	for range 40 {
		pictures = append(pictures, moving[19])
	}
	pictures = append(pictures, moving[20:40]...)
	frozen := func(config Config) (list []int) {
		for _, f := range capturetest.Drain(t, New(timed(pictures), config)) {
			if f.Unfit == capture.Frozen {
				list = append(list, f.Index)
			} else if f.Unfit != "" {
				t.Errorf("frame %d: %s", f.Index, f.Unfit)
			}
		}
		return list
	}
	// Frame 19 is the last that moved; one second later is frame 39, and 60 moves again.
	if got := frozen(Live()); len(got) != 21 || got[0] != 39 || got[20] != 59 {
		t.Errorf("frozen frames %v, want 39 to 59", got)
	}
	if got := frozen(Default()); got != nil {
		t.Errorf("frozen frames %v in a file", got)
	}
}

// A grabber that is twice as fast as the scanner delivers every picture twice: each is
// judged once. In a file every frame is judged.
func TestDuplicates(t *testing.T) {
	var twice []*image.Gray
	for _, f := range capturetest.Drain(t, openClip(t, filepath.Join(demo, "vir_whitelung_h1n1.mp4")))[:30] {
		twice = append(twice, f.Image, f.Image)
	}
	for name, c := range map[string]struct {
		config Config
		want   Counts
	}{"live": {Live(), Counts{Fit: 30, Duplicate: 30}}, "file": {Default(), Counts{Fit: 60}}} {
		s := New(timed(twice), c.config)
		if n := len(capturetest.Drain(t, s)); s.Counts() != c.want || uint64(n) != c.want.Fit {
			t.Errorf("%s: %d frames, %+v", name, n, s.Counts())
		}
	}
}

// Nothing, a probe in the air, and too little gain are told apart.
func TestWhyTooDark(t *testing.T) {
	frame := capturetest.Drain(t, openClip(t, filepath.Join(demo, "reg_recommendations_alines_mov1.mp4")))[0].Image
	air := image.NewGray(frame.Rect) // bright bands near the probe's face, that fade
	for y := range frame.Rect.Dy() / 6 {
		for x := range frame.Rect.Dx() {
			if level := 120 - 6*y; y%8 < 3 && level > 0 {
				air.Pix[y*air.Stride+x] = uint8(level)
			}
		}
	}
	for want, picture := range map[string]*image.Gray{Black: image.NewGray(frame.Rect), NoContact: air, Faint: darker(frame, 5)} {
		got, text := Default().Assess(picture)
		if got != capture.PoorImage || !strings.HasSuffix(text, want) {
			t.Errorf("%s: %q, %s", want, got, text)
		}
	}
	s := New(capturetest.New(capturetest.Picture(air), capturetest.Picture(image.NewGray(frame.Rect)), capturetest.Picture(darker(frame, 5))), Default())
	capturetest.Drain(t, s)
	if got := s.Counts(); got != (Counts{PoorImage: 3, Black: 1, NoContact: 1}) {
		t.Errorf("%+v", got)
	}
}

func TestUnfitFramesPass(t *testing.T) {
	picture := image.NewGray(image.Rect(0, 0, 1, 1))
	s := New(capturetest.New(capturetest.Frame(capture.Frame{Image: picture, Unfit: capture.NotLung})), Default())
	if f := capturetest.Drain(t, s)[0]; f.Unfit != capture.NotLung || s.Counts() != (Counts{NotLung: 1}) {
		t.Errorf("%q, %+v", f.Unfit, s.Counts())
	}
}

func TestColour(t *testing.T) {
	frame := capturetest.Drain(t, openClip(t, filepath.Join(demo, "vir_whitelung_h1n1.mp4")))[0].Image
	for colour, want := range map[float64]capture.Unfit{-1: "", 0: "", 0.1: "", 0.4: capture.NotLung} {
		s := New(capturetest.New(capturetest.Frame(capture.Frame{Image: frame, Colour: colour})), Default())
		if f := capturetest.Drain(t, s)[0]; f.Unfit != want || (want == "") != (f.Image.Rect == frame.Rect) {
			t.Errorf("colour %v: %q, picture %v; want %q", colour, f.Unfit, f.Image.Rect, want)
		}
	}
}

func BenchmarkAssess1280x960(b *testing.B) {
	p := image.NewGray(image.Rect(0, 0, 1280, 960))
	for i := range p.Pix {
		p.Pix[i] = uint8(i * i >> 7)
	}
	config := Default()
	for b.Loop() {
		config.Assess(p)
	}
}

// A release's thresholds, by name, there and back; names of a later program are an error.
func TestThresholds(t *testing.T) {
	values := Default().Thresholds()
	if len(values) != 11 || values["most_isotropy"] != Default().MostIsotropy {
		t.Errorf("thresholds %v", values)
	}
	got, err := Live().With(map[string]float64{"least_lit": 0.3})
	if err != nil || got.LeastLit != 0.3 || got.FrozenAfter != Live().FrozenAfter || got.MostDrawn != Default().MostDrawn {
		t.Errorf("%+v, %v", got, err)
	}
	if same, err := (Config{}).With(values); err != nil || same != Default() {
		t.Errorf("%+v, %v", same, err)
	}
	for _, wrong := range []map[string]float64{{"least_light": 1}, {"least_lit": math.NaN()}} {
		if _, err := Default().With(wrong); err == nil || !strings.Contains(err.Error(), "install a newer lungbox") {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}
