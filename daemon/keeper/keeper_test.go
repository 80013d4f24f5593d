package keeper

import (
	"context"
	"errors"
	"image"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lungbox/capture"
	"lungbox/daemon/pipeline"
	"lungbox/ensemble"
)

// live is a source of ten frames a second.
type live struct{ n int }

func (l *live) Next(ctx context.Context) (*capture.Frame, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(100 * time.Millisecond):
	}
	l.n++
	return &capture.Frame{Image: image.NewGray(image.Rect(0, 0, 1, 1)), Index: l.n, Time: time.Now()}, nil
}

func (l *live) Close() error { return nil }

// mortal is an engine that gives up after some frames.
type mortal struct {
	mu     sync.Mutex
	left   int
	closed bool
}

func (m *mortal) Score(context.Context, *capture.Frame) (ensemble.Decision, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ensemble.Decision{}, errors.New("used after Close")
	}
	if m.left--; m.left < 0 {
		return ensemble.Decision{Score: ensemble.None, Reason: ensemble.EngineFault}, errors.New("three workers died in a row")
	}
	return ensemble.Decision{Score: 1, Reason: ensemble.Majority}, nil
}

func (m *mortal) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// The box scores, says what is wrong, and scores again, without a hand.
func TestEnginesComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line, err := pipeline.New(pipeline.Config{Source: &live{}, Recorder: pipeline.Discard{}})
		if err != nil {
			t.Fatal(err)
		}
		events := line.Subscribe(10000)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { _ = line.Run(ctx) })
		var engines []*mortal
		var complaints []string
		tries := 0
		k := New(Config{
			Start: func(context.Context) (Engine, pipeline.About, error) {
				tries++
				if tries == 2 || tries == 3 {
					return nil, pipeline.About{}, errors.New("no memory")
				}
				m := &mortal{left: 20}
				engines = append(engines, m)
				return m, pipeline.About{Release: "r"}, nil
			},
			Swap:     line.Swap,
			Complain: func(err error) { complaints = append(complaints, err.Error()) },
		})
		all.Go(func() {
			if err := k.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		cancel()
		all.Wait()
		// Try 1 gives up, 2 and 3 do not start, 4 and later score again.
		if len(engines) < 2 || len(complaints) < 3 || !strings.Contains(complaints[0], "gave up: three workers") || !strings.Contains(complaints[1], "does not start: no memory") {
			t.Fatalf("%d engines, complaints %q", len(engines), complaints)
		}
		for i, m := range engines {
			if !m.closed {
				t.Errorf("engine %d was not closed", i)
			}
		}
		var states []pipeline.State
		why := ""
		for e := range events.Events() {
			if len(states) == 0 || states[len(states)-1] != e.State {
				states = append(states, e.State)
			}
			if e.State == pipeline.Fault {
				why += e.Detail + "\n"
			}
		}
		if len(states) < 4 || states[1] != pipeline.Running || states[2] != pipeline.Fault || states[3] != pipeline.Running {
			t.Errorf("states %v", states)
		}
		if !strings.Contains(why, "no memory") || strings.Contains(why, "used after Close") {
			t.Errorf("reasons shown:\n%s", why)
		}
		if k.Current() != nil {
			t.Error("an engine is still kept")
		}
	})
}
