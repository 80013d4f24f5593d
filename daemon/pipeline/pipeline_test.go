package pipeline

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lungbox/capture"
	"lungbox/ensemble"
)

func TestEveryFrameIsRecordedThenShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &judge{takes: 10 * time.Millisecond}, nil)
		for i := range 8 {
			r.source.frames(i, 1)
			time.Sleep(40 * time.Millisecond)
			for _, e := range results(r.events()) {
				if !r.ledger.has(e.Result.Seq) {
					t.Fatalf("result %d was shown before it was recorded", e.Result.Seq)
				}
				want := ensemble.Result{Device: "box-1", Epoch: "e1", Seq: uint64(101 + i), Frame: i, Release: "r1", Score: ensemble.Score(i % 4)}
				got := *e.Result
				if got.Device != want.Device || got.Epoch != want.Epoch || got.Seq != want.Seq ||
					got.Frame != want.Frame || got.Release != want.Release || got.Score != want.Score {
					t.Errorf("result %d is %+v", i, got)
				}
				if e.Picture == nil || e.Picture.Pix[0] != byte(i) {
					t.Errorf("event %d does not carry the picture of its own frame", i)
				}
				if e.State != Running || e.Counters.Judged != uint64(i+1) || e.Counters.Dropped != 0 || e.Counters.LatencyMs != 10 {
					t.Errorf("event %d: state %s, counters %+v", i, e.State, e.Counters)
				}
			}
		}
		if len(r.ledger.results) != 8 {
			t.Errorf("%d results recorded, want 8", len(r.ledger.results))
		}
	})
}

func TestNewestFrameWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &judge{takes: 100 * time.Millisecond}, nil)
		r.source.frames(0, 6) // 0 is being scored, 1 to 4 are overtaken, 5 waits
		time.Sleep(time.Second)
		got := results(r.events())
		if len(got) != 2 || got[0].Result.Frame != 0 || got[1].Result.Frame != 5 {
			t.Fatalf("judged %d frames, want frames 0 and 5", len(got))
		}
		if c := got[1].Counters; c.In != 6 || c.Judged != 2 || c.Dropped != 4 || c.LatencyMaxMs != 200 {
			t.Errorf("counters %+v", c)
		}
	})
}

// A frame belongs to the zone that was examined when it came, not when its score was there.
func TestPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var zone atomic.Value
		zone.Store("R1")
		r := run(t, &judge{takes: 300 * time.Millisecond}, func(c *Config) {
			c.Place = func() ensemble.Place {
				return ensemble.Place{Exam: "E", Zone: zone.Load().(string), Scheme: "blue12"} //nolint:forcetypeassert // a string was stored
			}
		})
		r.source.frames(0, 1)
		time.Sleep(100 * time.Millisecond)
		zone.Store("R2") // while the first frame is being scored
		r.source.frames(1, 1)
		time.Sleep(time.Second)
		got := results(r.events())
		if len(got) != 2 || got[0].Result.Zone != "R1" || got[1].Result.Zone != "R2" || got[0].Result.Exam != "E" || got[0].Result.Scheme != "blue12" {
			t.Errorf("results %+v", got)
		}
	})
}

// A source that can wait loses nothing, however slow the engine is.
func TestEveryFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &judge{takes: 3 * time.Second}, func(c *Config) { c.EveryFrame = true })
		r.source.frames(0, 6)
		time.Sleep(20 * time.Second)
		for i, e := range results(r.events()) {
			if e.Result.Frame != i || e.State != Running || e.Counters.Dropped != 0 {
				t.Fatalf("event %d: frame %d, %s (%s), counters %+v", i, e.Result.Frame, e.State, e.Detail, e.Counters)
			}
		}
		if len(r.ledger.results) != 6 {
			t.Errorf("%d results recorded, want 6", len(r.ledger.results))
		}
	})
}

func TestReasonsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &judge{}, nil)
		for i, unfit := range []capture.Unfit{"", capture.Frozen, capture.PoorImage, capture.Frozen, ""} {
			f := frame(i)
			f.Unfit = unfit
			r.source.steps <- f
			synctest.Wait()
		}
		c := r.last(t).Counters
		if c.Judged != 5 || c.Scored != 2 || c.Reasons[ensemble.Frozen] != 2 || c.Reasons[ensemble.PoorImage] != 1 || c.Reasons[ensemble.Majority] != 2 {
			t.Errorf("counters %+v", c)
		}
	})
}

func TestSourceStates(t *testing.T) {
	unplugged := errors.New("grabber unplugged")
	tests := []struct {
		name   string
		retry  time.Duration
		play   func(*script)
		state  State
		detail string
		asked  int64 // calls of Next
	}{
		{"nothing yet", 0, func(*script) {}, Starting, "first result", 1},
		{"frames", 0, func(s *script) { s.frames(0, 1) }, Running, "", 2},
		{"silence", 0, func(s *script) { s.frames(0, 1); time.Sleep(2 * time.Second) }, NoSignal, "no frame for 2s", 2},
		{"silence over", 0, func(s *script) { time.Sleep(5 * time.Second); s.frames(0, 1) }, Running, "", 2},
		{"end", 0, func(s *script) { s.frames(0, 3); s.end(); time.Sleep(time.Minute) }, Ended, "no more frames", 4},
		{"end of nothing", 0, (*script).end, Ended, "no more frames", 1},
		{"failure", 0, func(s *script) { s.frames(0, 1); s.steps <- unplugged; time.Sleep(time.Minute) }, NoSignal, "grabber unplugged", 2},
		{"failure, retried", time.Second, func(s *script) { s.steps <- unplugged; s.frames(0, 1) }, Running, "", 3},
		{"failure, pausing", time.Second, func(s *script) { s.steps <- unplugged; time.Sleep(500 * time.Millisecond) }, NoSignal, "grabber unplugged", 1},
		{"broken source", 0, func(s *script) { s.steps <- nil }, NoSignal, "neither a frame nor an error", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := run(t, &judge{}, func(c *Config) { c.RetrySource = test.retry })
				test.play(r.source)
				e := r.last(t)
				if e.State != test.state || !strings.Contains(e.Detail, test.detail) || test.detail == "" && e.Detail != "" {
					t.Errorf("state %q (%s), want %q (…%s…)", e.State, e.Detail, test.state, test.detail)
				}
				if asked := r.source.asked.Load(); asked != test.asked {
					t.Errorf("the source was asked %d times, want %d", asked, test.asked)
				}
			})
		})
	}
}

func TestLastFrameIsShownBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &judge{takes: 300 * time.Millisecond}, nil)
		r.source.frames(0, 2)
		r.source.end()
		time.Sleep(time.Second)
		all := r.events()
		with := results(all)
		if len(with) != 2 || with[0].State != Running || with[1].State != Running {
			t.Fatalf("%d results, want 2, both while running", len(with))
		}
		if e := all[len(all)-1]; e.State != Ended || e.Result != nil {
			t.Errorf("the last event is %q", e.State)
		}
	})
}

func TestStateIsReportedEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &judge{}, nil)
		r.source.frames(0, 1)
		r.events()
		time.Sleep(10*time.Second + 10*time.Millisecond)
		if n := len(r.events()); n < 10 || n > 12 {
			t.Errorf("%d events in ten silent seconds", n)
		}
	})
}

func TestEngineFailureWaitsForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := &judge{err: errors.New("worker gave up")}
		r := run(t, broken, nil)
		r.source.frames(0, 3)
		e := r.last(t)
		if e.State != Fault || !strings.Contains(e.Detail, "worker gave up") || broken.seen.Load() != 1 {
			t.Fatalf("state %q (%s) after %d calls", e.State, e.Detail, broken.seen.Load())
		}
		old, err := r.Swap(t.Context(), Engine{Scorer: &judge{}, About: About{Release: "r2"}})
		if err != nil || old.Scorer != broken {
			t.Fatalf("Swap: %v, %v", old, err)
		}
		e = r.last(t)
		if e.State != Running || e.Result == nil || e.Result.Frame != 2 || e.Result.Release != "r2" || e.Result.Seq != 101 {
			t.Errorf("after the swap: %q, %+v", e.State, e.Result)
		}
		if e.Counters.Failed != 1 {
			t.Errorf("%d failed, want 1", e.Counters.Failed)
		}
	})
}

func TestHungEngineIsAFaultAndDoesNotHoldTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &judge{hung: true}, nil)
		for i := range 80 {
			r.source.frames(i, 1)
			time.Sleep(100 * time.Millisecond)
		}
		if e := r.last(t); e.State != Fault || !strings.Contains(e.Detail, "has not answered for 5s") || e.Counters.Dropped != 78 {
			t.Errorf("state %q (%s), counters %+v", e.State, e.Detail, e.Counters)
		}
		r.finish(t)
	})
}

func TestUnrecordedResultsAreNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &judge{}, nil)
		r.ledger.set(errors.New("disk full"))
		r.source.frames(0, 1)
		all := r.events()
		if e := all[len(all)-1]; e.State != Fault || !strings.Contains(e.Detail, "not being recorded: disk full") {
			t.Errorf("state %q (%s)", e.State, e.Detail)
		}
		if len(results(all)) != 0 {
			t.Error("a result was shown that is not recorded")
		}
		r.ledger.set(nil)
		r.source.frames(1, 1)
		e := r.last(t)
		if e.State != Running || e.Result == nil || e.Result.Seq != 102 || e.Counters.Failed != 1 {
			t.Errorf("after recovery: %q, %+v", e.State, e.Result)
		}
	})
}

func TestSlowSubscriberLosesItsOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &judge{}, nil)
		slow := r.Subscribe(2)
		for i := range 50 {
			r.source.frames(i, 1)
			synctest.Wait()
		}
		if n := len(results(r.events())); n != 50 {
			t.Errorf("the other subscriber got %d of 50", n)
		}
		for _, want := range []int{48, 49} {
			if e := <-slow.Events(); e.Result == nil || e.Result.Frame != want {
				t.Errorf("got %+v, want frame %d", e.Result, want)
			}
		}
		if slow.Dropped() < 48 {
			t.Errorf("%d drops counted", slow.Dropped())
		}
		slow.Close()
		slow.Close()
		if _, open := <-slow.Events(); open {
			t.Error("a closed subscription still delivers")
		}
	})
}

func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, &judge{takes: time.Second}, nil)
		r.source.frames(0, 2)
		r.finish(t)
		r.events()
		if _, open := <-r.sub.Events(); open {
			t.Error("subscriptions are open after the end")
		}
		if _, open := <-r.Subscribe(1).Events(); open {
			t.Error("a late subscription is open")
		}
		if _, err := r.Swap(context.Background(), Engine{Scorer: &judge{}}); !errors.Is(err, ErrStopped) {
			t.Errorf("Swap after the end: %v", err)
		}
		if err := r.Run(t.Context()); err == nil {
			t.Error("Run twice gave no error")
		}
	})
	if _, err := New(Config{}); err == nil {
		t.Error("New accepts a configuration without a source")
	}
}
