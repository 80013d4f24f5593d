package pipeline

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestSwapWaitsForTheFrameBeingScored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := &judge{takes: time.Second}
		r := run(t, old, nil)
		r.source.frames(0, 2)
		synctest.Wait()

		hurried, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := r.Swap(hurried, Engine{Scorer: &judge{}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a hurried swap in the middle of a frame: %v", err)
		}
		if _, err := r.Swap(t.Context(), Engine{Scorer: &judge{}, About: About{Release: "r2"}}); err != nil {
			t.Fatal(err)
		}
		if old.inUse.Load() {
			t.Error("Swap returned while the old scorer was working")
		}
		got := results(r.events())
		if len(got) != 2 || got[0].Result.Release != "r1" || got[1].Result.Release != "r2" || got[1].About.Release != "r2" {
			t.Errorf("%d results; each must name the release that made it", len(got))
		}
		if _, err := r.Swap(t.Context(), Engine{}); err == nil {
			t.Error("Swap to nothing gave no error")
		}
	})
}

func TestStartWithoutEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, nil, nil)
		r.source.frames(0, 3)
		time.Sleep(time.Second)
		if e := r.last(t); e.State != Starting || e.Detail != "waiting for the engine" || e.Counters.Dropped != 2 {
			t.Errorf("state %q (%s), counters %+v", e.State, e.Detail, e.Counters)
		}
		if _, err := r.Swap(t.Context(), Engine{Scorer: &judge{}}); err != nil {
			t.Fatal(err)
		}
		if e := r.last(t); e.State != Running || e.Result == nil || e.Result.Frame != 2 {
			t.Errorf("state %q, result %+v", e.State, e.Result)
		}
	})
}

// Real time and real concurrency, for the race detector: a scorer that is called
// after Swap has returned it answers with an error, which the test would see.
func TestSwapUnderLoad(t *testing.T) {
	source := newScript()
	first := &judge{takes: 50 * time.Microsecond}
	p, err := New(Config{Source: source, Recorder: Discard{}, Engine: Engine{Scorer: first, About: About{Release: "0"}}})
	if err != nil {
		t.Fatal(err)
	}
	sub := p.Subscribe(100000)
	ctx, cancel := context.WithCancel(t.Context())
	ended, fed := make(chan error, 1), make(chan struct{})
	go func() { ended <- p.Run(ctx) }()
	go func() {
		defer close(fed)
		for i := 0; ctx.Err() == nil; i++ {
			select {
			case source.steps <- frame(i):
			case <-ctx.Done():
			}
		}
	}()
	const swaps = 200
	for i := range swaps {
		old, err := p.Swap(ctx, Engine{Scorer: &judge{takes: 50 * time.Microsecond}, About: About{Release: fmt.Sprint(i + 1)}})
		if err != nil {
			t.Fatal(err)
		}
		old.Scorer.(*judge).closed.Store(true)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	<-fed
	release := 0
	for e := range sub.Events() {
		if e.State == Fault {
			t.Fatal(e.Detail)
		}
		if e.Result == nil {
			continue
		}
		var n int
		if _, err := fmt.Sscan(e.Result.Release, &n); err != nil || n < release || n > swaps {
			t.Fatalf("release %q after %d", e.Result.Release, release)
		}
		release = n
	}
}

// How much the loop itself costs: an engine that takes no time, one subscriber.
func BenchmarkLoop(b *testing.B) {
	source := newScript()
	p, err := New(Config{Source: source, Recorder: Discard{}, Engine: Engine{Scorer: &judge{}}})
	if err != nil {
		b.Fatal(err)
	}
	sub := p.Subscribe(64)
	ctx, cancel := context.WithCancel(b.Context())
	go p.Run(ctx)
	f := frame(0)
	b.ReportAllocs()
	for b.Loop() {
		source.steps <- f
		for e := range sub.Events() {
			if e.Result != nil {
				break
			}
		}
	}
	cancel()
}
