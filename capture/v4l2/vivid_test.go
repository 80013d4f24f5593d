package v4l2

import (
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"lungbox/capture"
)

// The tests below use the kernel's virtual camera (module vivid), as root: `make vm-test`
// runs them in a virtual machine.
func vivid(t *testing.T) Grabber {
	t.Helper()
	if os.Getenv("LUNGBOX_TEST_VIVID") == "" {
		t.Skip("LUNGBOX_TEST_VIVID is not set: this test needs the kernel module vivid, make vm-test has it")
	}
	all, err := Grabbers()
	if err != nil || len(all) != 1 || all[0].Driver != "vivid" {
		t.Fatalf("grabbers %+v, %v", all, err)
	}
	return all[0]
}

func control(t *testing.T, g Grabber, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "v4l2-ctl", append([]string{"-d", g.Path}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("v4l2-ctl %v: %v %s", args, err, out)
	}
}

func start(t *testing.T, c Config) *Source {
	t.Helper()
	c.Limit = 20 * time.Second // an emulated machine
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func pictures(t *testing.T, s *Source, n int) (last *capture.Frame) {
	t.Helper()
	for range n {
		f, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if last != nil && (f.Index != last.Index+1 || !f.Time.After(last.Time)) {
			t.Errorf("picture %d of %v after picture %d of %v", f.Index, f.Time, last.Index, last.Time)
		}
		last = f
	}
	return last
}

// columns are the mean levels of the picture's columns: the test picture is made of bars.
func columns(f *capture.Frame) []float64 {
	size := f.Image.Rect.Size()
	means := make([]float64, size.X)
	for y := range size.Y {
		for x := range means {
			means[x] += float64(f.Image.Pix[y*f.Image.Stride+x]) / float64(size.Y)
		}
	}
	return means
}

// Every format, and every input, shows the same picture.
func TestVividFormats(t *testing.T) {
	g := vivid(t)
	control(t, g, "-c", "test_pattern=0,osd_text_mode=2")
	var want []float64
	for _, format := range []Format{YUYV, UYVY, NV12, RGB24, Grey} {
		s := start(t, Config{Format: format, Width: 640, Height: 360})
		f := pictures(t, s, 5)
		t.Logf("%s; colour %.2f", s.Status(), f.Colour)
		got := columns(f)
		if want == nil {
			want = got
		}
		off := 0.0
		for i := range got {
			off += math.Abs(got[i]-want[i]) / float64(len(got))
		}
		within := 2.0
		if format == Grey {
			within = 14 // vivid's grey is not the luma of its colours: its bars are up to 30 levels off
		}
		if len(got) != 640 || off > within || (format != Grey) != (f.Colour > 0.3) {
			t.Errorf("%s: %d columns, %.1f levels from the first format, colour %.2f", format, len(got), off, f.Colour)
		}
		if st := s.Status(); st.Format != format || !st.Open || st.Nominal == 0 {
			t.Errorf("%s: status %+v", format, st)
		}
		s.Close()
	}
	s := start(t, Config{Format: MJPEG})
	if _, err := s.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "does not send MJPEG: it sends ") || !strings.Contains(err.Error(), "set source.format") {
		t.Errorf("a format that it has not: %v", err)
	}
	s.Close()
	if s = start(t, Config{}); pictures(t, s, 3).Image.Rect.Dx() > 1280 {
		t.Errorf("without wishes: %s", s.Status())
	}
}

func TestVividInputs(t *testing.T) {
	g := vivid(t)
	for input, interlaced := range map[int]bool{0: false, 1: true, 2: true, 3: false} { // webcam, TV, S-Video, HDMI
		s := start(t, Config{Input: input})
		f := pictures(t, s, 3)
		st := s.Status()
		t.Logf("input %d: %s", input, st)
		if st.Interlaced != interlaced || f.Image.Rect.Dy() != st.Height {
			t.Errorf("input %d: %s, picture of %v", input, st, f.Image.Rect)
		}
		s.Close()
	}
	control(t, g, "-i", "3")
	control(t, g, "-c", "dv_timings_signal_mode=1")
	s := start(t, Config{Input: -1})
	if _, err := s.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "no signal at the grabber vivid: switch the scanner on") {
		t.Errorf("no signal: %v", err)
	}
	control(t, g, "-c", "dv_timings_signal_mode=0")
	pictures(t, s, 2)
	other := start(t, Config{Input: -1})
	if _, err := other.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "another program uses the grabber") {
		t.Errorf("in use: %v", err)
	}
}

// The grabber is pulled out while pictures come, and plugged in again.
func TestVividUnplugged(t *testing.T) {
	g := vivid(t)
	s := start(t, Config{Input: 0})
	for round := range 3 {
		before := pictures(t, s, 5)
		if err := os.WriteFile("/sys/bus/platform/drivers/vivid/unbind", []byte("vivid.0"), 0); err != nil {
			t.Fatal(err)
		}
		complaints := map[string]bool{}
		for range 20 {
			_, err := s.Next(t.Context())
			if err == nil {
				if len(complaints) > 0 {
					t.Fatal("a picture from a grabber that is not there")
				}
				continue // it was on its way
			}
			complaints[err.Error()] = true
			time.Sleep(50 * time.Millisecond)
		}
		for c := range complaints {
			if !strings.Contains(c, "unplugged: plug it in") && c != "no grabber is plugged in: plug it in, it is found by itself" {
				t.Errorf("unplugged: %s", c)
			}
		}
		if len(complaints) == 0 || s.Status().Open {
			t.Errorf("complaints %v, status %s", complaints, s.Status())
		}
		plugged := time.Now()
		if err := os.WriteFile("/sys/bus/platform/drivers/vivid/bind", []byte("vivid.0"), 0); err != nil {
			t.Fatal(err)
		}
		var f *capture.Frame
		for f == nil {
			var err error
			if f, err = s.Next(t.Context()); err != nil {
				if time.Since(plugged) > time.Minute {
					t.Fatal(err)
				}
				time.Sleep(50 * time.Millisecond)
			}
		}
		if f.Time.Before(plugged) || f.Index <= before.Index {
			t.Errorf("picture %d is of %v, before it was plugged in", f.Index, f.Time)
		}
		t.Logf("round %d: first picture %v after it was plugged in, as %s", round, time.Since(plugged).Round(time.Millisecond), f.File)
	}
	_ = g
}

// The rate is measured, and a reader that is slow gets the newest picture.
func TestVividNewest(t *testing.T) {
	vivid(t)
	s := start(t, Config{Input: 0})
	pictures(t, s, 3)
	time.Sleep(2 * time.Second)
	f := pictures(t, s, 1)
	if age := time.Since(f.Time); age > time.Second {
		t.Errorf("the newest picture is %v old", age)
	}
	if s.Status().Skipped == 0 {
		t.Error("none was skipped")
	}
	pictures(t, s, 10)
	st := s.Status()
	t.Logf("%s, %d skipped", st, st.Skipped)
	if st.Measured == 0 || st.Measured > 1.5*st.Nominal {
		t.Errorf("measured %.1f fps, agreed %.1f", st.Measured, st.Nominal)
	}
}
