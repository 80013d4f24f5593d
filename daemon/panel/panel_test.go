package panel_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lungbox/daemon/panel"
	"lungbox/daemon/panel/paneltest"
	"lungbox/daemon/pipeline"
	"lungbox/ensemble"
)

// rig is a running panel on a recorder, inside a synctest bubble.
type rig struct {
	*panel.Panel
	lamps  *paneltest.Recorder
	events chan pipeline.Event
	stop   context.CancelFunc
	done   chan error
}

func run(t *testing.T, rules panel.Rules) *rig {
	r := &rig{lamps: &paneltest.Recorder{}, events: make(chan pipeline.Event, 100), done: make(chan error, 1)}
	r.Panel = panel.New(panel.Config{Driver: r.lamps, Rules: rules})
	if got := r.Status(); got.Score != ensemble.None || got.Lamps != (panel.Lamps{}) {
		t.Errorf("before it runs: %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	go func() { r.done <- r.Run(ctx, r.events) }()
	synctest.Wait()
	return r
}

func (r *rig) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if !r.lamps.Closed() || r.Status().Lamps != (panel.Lamps{}) {
		t.Error("the panel is not dark after the end")
	}
}

// frames sends n frames with this score, 40 ms apart.
func (r *rig) frames(score ensemble.Score, n int) {
	for range n {
		r.events <- pipeline.Event{
			State: pipeline.Running, Taken: time.Now(),
			Result: &ensemble.Result{Score: score, Reason: ensemble.Majority},
		}
		time.Sleep(40 * time.Millisecond)
	}
	synctest.Wait()
}

func TestPanelGoesDarkByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, panel.Rules{Test: -1})
		defer r.end(t)
		r.frames(2, 10)
		if r.lamps.Lamps() != panel.Bar(2) || r.Status().State != panel.Scoring {
			t.Fatalf("%v, %+v", r.lamps.Lamps(), r.Status())
		}
		last := time.Now().Add(-40 * time.Millisecond)
		time.Sleep(5 * time.Second) // nobody calls
		for _, s := range r.lamps.Shown() {
			if s.Lamps != (panel.Lamps{}) && s.At.Sub(last) > 2*time.Second {
				t.Errorf("%v lit %v after the last frame", s.Lamps, s.At.Sub(last))
			}
		}
		if r.lamps.Lamps() != (panel.Lamps{}) || r.Status().State != panel.Stale {
			t.Errorf("%v, %+v", r.lamps.Lamps(), r.Status())
		}
	})
}

func TestPanelFollowsThePipeline(t *testing.T) {
	tests := []struct {
		state pipeline.State
		want  panel.State
		lamps panel.Lamps
	}{
		{pipeline.Running, panel.Scoring, panel.Bar(1)},
		{pipeline.Starting, panel.Scoring, panel.Bar(1)}, // a new engine is coming; the score is fresh
		{pipeline.NoSignal, panel.NoSignal, panel.Lamps{}},
		{pipeline.Ended, panel.NoSignal, panel.Lamps{}},
		{pipeline.Fault, panel.Fault, panel.Lamps{}},
	}
	for _, test := range tests {
		t.Run(string(test.state), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := run(t, panel.Rules{Test: -1})
				defer r.end(t)
				r.frames(1, 5)
				r.events <- pipeline.Event{State: test.state}
				synctest.Wait()
				if got := r.Status(); got.State != test.want || got.Lamps != test.lamps || r.lamps.Lamps() != test.lamps {
					t.Errorf("%+v, lit %v; want %s %v", got, r.lamps.Lamps(), test.want, test.lamps)
				}
			})
		})
	}
}

func TestPanelShowsTheLampTestThenTheScore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, panel.Rules{})
		defer r.end(t)
		r.frames(0, 100)
		var way []string
		for _, s := range r.lamps.Shown() {
			if text := s.Lamps.String(); len(way) == 0 || way[len(way)-1] != text {
				way = append(way, text)
			}
		}
		if got := strings.Join(way, ", "); got != "●●●● –, ○○○○ live, ●○○○ live" {
			t.Error(got)
		}
	})
}

func TestPanelUpdatingAndEndOfEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, panel.Rules{Test: -1})
		r.frames(3, 5)
		r.Updating(true)
		synctest.Wait()
		if r.Status().State != panel.Updating || r.lamps.Lamps() != (panel.Lamps{}) {
			t.Errorf("updating: %+v", r.Status())
		}
		r.Updating(false)
		r.frames(3, 5)
		if r.lamps.Lamps() != panel.Bar(3) {
			t.Errorf("after updating: %v", r.lamps.Lamps())
		}
		close(r.events)
		synctest.Wait()
		if r.Status().State != panel.Fault || r.lamps.Lamps() != (panel.Lamps{}) {
			t.Errorf("the pipeline is gone: %+v", r.Status())
		}
		r.end(t)
		r.Updating(true) // must not block after the end
	})
}

func TestPanelRepairsLampsAndReportsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, panel.Rules{Test: -1})
		r.frames(2, 5)
		shown := len(r.lamps.Shown())
		for range 25 { // five seconds of the same score
			r.frames(2, 5)
		}
		if n := len(r.lamps.Shown()) - shown; n < 4 || n > 6 {
			t.Errorf("an unchanged score was shown %d times in five seconds, want once a second", n)
		}
		r.lamps.Fail(errors.New("cable is out"))
		r.frames(1, 40)
		if got := r.Status(); !strings.Contains(got.Error, "cable is out") || got.Score != 1 {
			t.Errorf("status %+v", got)
		}
		r.lamps.Fail(nil)
		r.frames(1, 40)
		if got := r.Status(); got.Error != "" || r.lamps.Lamps() != panel.Bar(1) {
			t.Errorf("after repair: %+v, lit %v", got, r.lamps.Lamps())
		}
		r.lamps.Fail(errors.New("cable is out"))
		r.stop()
		if err := <-r.done; err == nil || !strings.Contains(err.Error(), "cable is out") {
			t.Errorf("a panel that could not be darkened: %v", err)
		}
	})
}

func TestSimulated(t *testing.T) {
	paneltest.Run(t, func(*testing.T) paneltest.Fixture {
		s := &panel.Simulated{}
		return paneltest.Fixture{Driver: s, Lit: s.Lamps}
	})
}

// A score does not stay lit over the picture of another exam or clip.
func TestPanelForgetsWithAnotherScene(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, panel.Rules{Test: -1})
		defer r.end(t)
		r.frames(3, 5)
		if got := r.Status(); got.Score != 3 {
			t.Fatalf("before: %+v", got)
		}
		for n, next := range []ensemble.Result{{Exam: "b"}, {Exam: "b", Zone: "L2"}, {Exam: "b", Zone: "L2", Clip: "2"}, {File: "c.mp4"}} {
			next.Score, next.Reason = 1, ensemble.Majority
			for frame := range 3 {
				r.events <- pipeline.Event{State: pipeline.Running, Taken: time.Now(), Result: &next}
				time.Sleep(40 * time.Millisecond)
				synctest.Wait()
				if got := r.Status(); frame == 0 && got.Score != ensemble.None || frame == 2 && got.Score != 1 {
					t.Errorf("scene %d, frame %d: %+v", n, frame, got)
				}
			}
		}
	})
}

// What needs a person makes live lamps wink: dark at once and for half a second in ten,
// and never another score.
func TestPanelWinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lamps := &paneltest.Recorder{}
		events := make(chan pipeline.Event, 100)
		var attention atomic.Bool
		attention.Store(true)
		p := panel.New(panel.Config{Driver: lamps, Rules: panel.Rules{Test: -1}, Attention: attention.Load})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx, events) }()
		count := func() (dark, lit time.Duration) {
			for range 750 { // half a minute
				events <- pipeline.Event{State: pipeline.Running, Taken: time.Now(), Result: &ensemble.Result{Score: 2, Reason: ensemble.Majority}}
				time.Sleep(40 * time.Millisecond)
				switch lamps.Lamps() {
				case panel.Bar(2):
					lit += 40 * time.Millisecond
				case panel.Lamps{}:
					dark += 40 * time.Millisecond
				}
			}
			return dark, lit
		}
		if dark, lit := count(); dark < 800*time.Millisecond || dark > 1500*time.Millisecond || lit+dark < 29*time.Second {
			t.Errorf("dark for %v, lit for %v", dark, lit)
		}
		attention.Store(false)
		if dark, _ := count(); dark > 0 {
			t.Errorf("dark for %v without a reason", dark)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
