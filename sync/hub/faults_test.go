//go:build linux && amd64

package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"lungbox/sync/faultstest"
)

// At every point at which the hub changes its files: killed there, or the call fails. What it
// acknowledged is in its database, whatever happened, and once it runs again it has everything
// once.
func TestHubAtEveryPoint(t *testing.T) {
	h := newHub(t)
	h.start()
	b := startBox(t, h.enrol("ward-3", "box-1"), t.TempDir(), nil)
	b.record(t, 5)
	b.drained(t, h)
	h.kill()
	recorded := 5
	faultstest.EveryPoint(t, 13, func(tb testing.TB, plan faultstest.Plan) faultstest.Outcome {
		plan.Root = h.state
		ctx, cancel := context.WithCancel(tb.Context())
		type answer struct {
			o   faultstest.Outcome
			err error
		}
		ended := make(chan answer, 1)
		go func() {
			o, err := faultstest.Run(ctx, plan, append(append(os.Environ(), "LUNGHUB_TEST_PROGRAM=1"), h.environment...), os.Args[0], "serve")
			ended <- answer{o, err}
		}()
		b.record(t, 5)
		recorded += 5
		var a answer
		patience := time.NewTimer(8 * time.Second)
		if plan.For > 1 {
			patience.Reset(2 * time.Second) // its disk stays broken: nothing more will come
		}
		defer patience.Stop()
		for over := false; !over; {
			select {
			case a = <-ended:
				over = true
			case <-patience.C:
				cancel()
				a, over = <-ended, true
			case <-time.After(20 * time.Millisecond):
				if _, waiting := b.Count(); waiting == 0 {
					cancel()
					a, over = <-ended, true
				}
			}
		}
		cancel()
		if a.err != nil && ctx.Err() == nil {
			tb.Fatal(a.err)
		}
		if strings.Contains(a.o.Output, "panic:") || strings.Contains(a.o.Output, "goroutine ") {
			tb.Errorf("it panicked:\n%s", a.o.Output)
		}
		results, waiting := b.Count()
		if kept := h.sql("SELECT count(*) FROM result"); uint64(kept) < results-waiting {
			tb.Errorf("%d results were acknowledged, the database has %d\n%s", results-waiting, kept, a.o.Output)
		}
		return a.o
	})
	h.start()
	b.drained(t, h)
	if n, odd, err := h.database().Totals(t.Context()); n != recorded || odd != 0 || err != nil {
		t.Errorf("%d results, %d odd, %v; want %d", n, odd, err, recorded)
	}
}

// At every point at which a box changes its files while it keeps results and brings them to the
// centre: killed there, or the call fails. What it said to be kept is at the centre after the
// next start, once.
func TestSyncAtEveryPoint(t *testing.T) {
	h := newHub(t)
	h.start()
	dir := t.TempDir()
	h.enrolIn(dir, "ward-3", "box-1")
	use := func(tb testing.TB, plan faultstest.Plan) faultstest.Outcome {
		plan.Root = dir
		o, err := faultstest.Run(tb.Context(), plan, append(os.Environ(), "LUNGHUB_TEST_BOX="+dir), os.Args[0])
		if err != nil {
			tb.Fatal(err)
		}
		if strings.Contains(o.Output, "panic:") || strings.Contains(o.Output, "goroutine ") {
			tb.Errorf("it panicked:\n%s", o.Output)
		}
		return o
	}
	kept := map[string]bool{}
	note := func(o faultstest.Outcome) {
		for line := range strings.Lines(o.Output) {
			if n, ok := strings.CutPrefix(strings.TrimSpace(line), "kept "); ok {
				kept[n] = true
			}
		}
	}
	note(use(t, faultstest.Plan{}))
	faultstest.EveryPoint(t, 13, func(tb testing.TB, plan faultstest.Plan) faultstest.Outcome {
		o := use(tb, plan)
		note(o)
		return o
	})
	if o := use(t, faultstest.Plan{}); o.Exit != 0 {
		t.Fatalf("the box does not run any more:\n%s", o.Output)
	} else {
		note(o)
	}
	for n := range kept {
		if found := h.sql("SELECT count(*) FROM result WHERE seq = " + n); found != 1 {
			t.Errorf("result %s was kept and is at the centre %d times", n, found)
		}
	}
	if epochs := h.sql("SELECT count(DISTINCT epoch) FROM result"); epochs != 1 {
		t.Errorf("%d journals: one was set aside", epochs)
	}
	_, odd, err := h.database().Totals(t.Context())
	if odd != 0 || err != nil || len(kept) < 5 {
		t.Errorf("%d results kept, %d odd at the centre, %v", len(kept), odd, err)
	}
	t.Logf("%d results kept, all at the centre once", len(kept))
}
