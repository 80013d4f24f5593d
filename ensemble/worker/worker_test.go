package worker

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"lungbox/capture"
	"lungbox/ensemble"
)

// The test binary is its own worker: with this variable set it serves a scripted
// scorer instead of running tests.
const behaviour = "LUNGBOX_TEST_WORKER"

func TestMain(m *testing.M) {
	if how := os.Getenv(behaviour); how != "" {
		if err := Serve(context.Background(), os.Stdin, os.Stdout, build(how)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// build makes a scripted scorer: its score is the grey level of the first pixel
// modulo 4, and special grey levels misbehave.
func build(how string) Build {
	return func(_ context.Context, start Start) (ensemble.Scorer, Ready, error) {
		switch how {
		case "refuse":
			return nil, Ready{}, errors.New("release has no nets")
		case "die at start":
			fmt.Fprintln(os.Stderr, "libengine.so: cannot allocate memory")
			os.Exit(3)
		case "garbage":
			os.Stdout.WriteString(strings.Repeat("INFO: engine says hello\n", 100))
		case "hang at start":
			time.Sleep(time.Hour)
		}
		return script{}, Ready{Release: start.Release, Engine: ensemble.EngineInfo{Engine: "script"}}, nil
	}
}

const (
	dies  = 100
	hangs = 101
	fails = 102
)

type script struct{}

func (script) Score(_ context.Context, f *capture.Frame) (ensemble.Decision, error) {
	switch first := f.Image.Pix[0]; first {
	case dies:
		syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		time.Sleep(time.Hour)
	case hangs:
		time.Sleep(time.Hour)
	case fails:
		return ensemble.Decision{Score: ensemble.None, Reason: ensemble.EngineFault}, errors.New("no memory for the convolution")
	}
	return ensemble.Decision{Score: ensemble.Score(f.Image.Pix[0] % 4), Reason: ensemble.Majority, Confidence: float64(f.Image.Rect.Dx()) / 1000}, nil
}

func start(t *testing.T, how string, c Config) (*Worker, error) {
	c.Command = []string{os.Args[0]}
	c.Env = []string{behaviour + "=" + how}
	w, err := New(t.Context(), c)
	if err == nil {
		t.Cleanup(func() { w.Close() })
	}
	return w, err
}

func frame(first byte) *capture.Frame {
	img := image.NewGray(image.Rect(0, 0, 300, 200))
	img.Pix[0] = first
	return &capture.Frame{Image: img}
}

func mustScore(t *testing.T, w *Worker, first byte) ensemble.Decision {
	t.Helper()
	d, err := w.Score(t.Context(), frame(first))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestScoresInAChild(t *testing.T) {
	w, err := start(t, "well", Config{Start: Start{Release: "2026.01.01-1"}})
	if err != nil {
		t.Fatal(err)
	}
	if w.Ready().Release != "2026.01.01-1" || w.Pid() == os.Getpid() {
		t.Errorf("ready %+v, pid %d", w.Ready(), w.Pid())
	}
	for i := range byte(12) {
		if d := mustScore(t, w, i); d.Score != ensemble.Score(i%4) || d.Confidence != 0.3 {
			t.Fatalf("frame %d: %+v", i, d)
		}
	}
	unfit := frame(dies)
	unfit.Unfit = capture.PoorImage
	if d, err := w.Score(t.Context(), unfit); err != nil || d.Reason != ensemble.PoorImage {
		t.Errorf("an unfit frame reached the child: %+v, %v", d, err)
	}
}

// A worker that is killed from outside, dies, hangs or reports a fault costs
// exactly one frame, and is replaced by another process.
func TestReplacesALostChild(t *testing.T) {
	for _, c := range []struct {
		name string
		lose func(t *testing.T, w *Worker) ensemble.Decision
	}{
		{"kill -9 between frames", func(t *testing.T, w *Worker) ensemble.Decision {
			syscall.Kill(w.Pid(), syscall.SIGKILL)
			return mustScore(t, w, 1)
		}},
		{"kill -9 during a frame", func(t *testing.T, w *Worker) ensemble.Decision {
			pid := w.Pid()
			time.AfterFunc(50*time.Millisecond, func() { syscall.Kill(pid, syscall.SIGKILL) })
			return mustScore(t, w, hangs)
		}},
		{"segmentation fault", func(t *testing.T, w *Worker) ensemble.Decision { return mustScore(t, w, dies) }},
		{"hang", func(t *testing.T, w *Worker) ensemble.Decision { return mustScore(t, w, hangs) }},
		{"engine error", func(t *testing.T, w *Worker) ensemble.Decision { return mustScore(t, w, fails) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := start(t, "well", Config{FrameLimit: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			mustScore(t, w, 1)
			before := w.Pid()
			if d := c.lose(t, w); d.Reason != ensemble.EngineFault || d.Score != ensemble.None {
				t.Errorf("the lost frame got %+v", d)
			}
			for i := range byte(5) {
				if d := mustScore(t, w, i); d.Score != ensemble.Score(i%4) {
					t.Errorf("frame %d after the restart: %+v", i, d)
				}
			}
			if w.Lost() != 1 || w.Pid() == before || w.Fault() == "" {
				t.Errorf("lost %d frames, pid %d before and %d now, fault %q", w.Lost(), before, w.Pid(), w.Fault())
			}
			if err := syscall.Kill(before, 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("the old process is still there: %v", err)
			}
		})
	}
}

func TestGivesUpOnAnEngineThatAlwaysFails(t *testing.T) {
	w, err := start(t, "well", Config{Failures: 2})
	if err != nil {
		t.Fatal(err)
	}
	mustScore(t, w, dies)
	mustScore(t, w, dies)
	if _, err := w.Score(t.Context(), frame(1)); err == nil || !strings.Contains(err.Error(), "2 times in a row") {
		t.Errorf("after two losses in a row: %v", err)
	}
}

func TestStartErrorsSayWhatTheChildSaid(t *testing.T) {
	for how, want := range map[string]string{
		"refuse": "release has no nets", "die at start": "cannot allocate memory", "garbage": "worker", "hang at start": "not ready after",
	} {
		_, err := start(t, how, Config{ReadyLimit: time.Second})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", how, err, want)
		}
		if how == "refuse" && !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v is not ErrRefused", how, err)
		}
	}
}

func TestContextEndsAFrame(t *testing.T) {
	w, err := start(t, "well", Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := w.Score(ctx, frame(hangs)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if d := mustScore(t, w, 2); d.Score != 2 {
		t.Errorf("the frame after it: %+v", d)
	}
}

func TestCloseEndsTheChild(t *testing.T) {
	w, err := start(t, "well", Config{})
	if err != nil {
		t.Fatal(err)
	}
	pid := w.Pid()
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the child is still there: %v", err)
	}
	if _, err := w.Score(t.Context(), frame(1)); !errors.Is(err, ensemble.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

// A crop that is a window into a larger picture arrives as its own pixels.
func TestFrameEncoding(t *testing.T) {
	canvas := image.NewGray(image.Rect(0, 0, 10, 10))
	for i := range canvas.Pix {
		canvas.Pix[i] = byte(i)
	}
	head, pixels := encodeFrame(7, canvas.SubImage(image.Rect(2, 3, 6, 8)).(*image.Gray))
	seq, got, err := decodeFrame(append(head, pixels...))
	if err != nil || seq != 7 || got.Rect.Dx() != 4 || got.Rect.Dy() != 5 || got.GrayAt(1, 2).Y != 53 {
		t.Errorf("seq %d, picture %v, error %v", seq, got, err)
	}
	for _, bad := range [][]byte{nil, head, append(head, 1, 2, 3), make([]byte, 16)} {
		if _, _, err := decodeFrame(bad); err == nil {
			t.Errorf("%d bytes were taken for a frame", len(bad))
		}
	}
}

// A worker that dies between two frames costs no more than one that dies in a frame.
func TestDeathBetweenFrames(t *testing.T) {
	w, err := start(t, "well", Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		if d := mustScore(t, w, 2); d.Score != 2 {
			t.Fatalf("round %d: %+v", i, d)
		}
		if err := syscall.Kill(w.Pid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			time.Sleep(5 * time.Millisecond) // so that it is reaped before the next frame
		}
		if d := mustScore(t, w, 2); d.Score != 2 && d.Reason != ensemble.EngineFault {
			t.Fatalf("round %d, after the death: %+v", i, d)
		}
	}
	if w.Lost() > 30 {
		t.Errorf("30 deaths cost %d frames", w.Lost())
	}
}

// Once frames have shown how long one takes, a hang is found long before the limit that is
// meant for any machine; after a hang the next one may take longer.
func TestUsualTime(t *testing.T) {
	w, err := start(t, "well", Config{FrameLimit: time.Minute, ShortLimit: 200 * time.Millisecond, Failures: 9})
	if err != nil {
		t.Fatal(err)
	}
	if w.limit() != time.Minute {
		t.Errorf("nothing is known yet, and the limit is %v", w.limit())
	}
	for range enough {
		mustScore(t, w, 1)
	}
	if l := w.limit(); l < 200*time.Millisecond || l > 10*time.Second {
		t.Errorf("the limit is %v after quick frames", l)
	}
	if d := mustScore(t, w, hangs); d.Reason != ensemble.EngineFault || !strings.Contains(w.Fault(), "no answer in") {
		t.Errorf("%+v, %s", d, w.Fault())
	}
	first := w.limit()
	mustScore(t, w, hangs)
	if w.limit() < 2*first {
		t.Errorf("after two hangs the limit is %v, after one it was %v", w.limit(), first)
	}
	w.answered, w.usual = enough, 30*time.Second
	if w.limit() != time.Minute {
		t.Errorf("a slow engine has the limit %v", w.limit())
	}
}
