package pipeline

import (
	"context"
	"errors"
	"image"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lungbox/capture"
	"lungbox/ensemble"
)

// script is a source that gives what the test puts into it.
type script struct {
	steps chan any // *capture.Frame, error, or nil for a broken source
	asked atomic.Int64
}

func newScript() *script { return &script{steps: make(chan any)} }

func (s *script) Next(ctx context.Context) (*capture.Frame, error) {
	s.asked.Add(1)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case step := <-s.steps:
		switch step := step.(type) {
		case *capture.Frame:
			return step, nil
		case error:
			return nil, step
		}
		return nil, nil
	}
}

func (s *script) Close() error { return nil }

// frames puts n numbered frames in, the first with the given number.
func (s *script) frames(first, n int) {
	for i := first; i < first+n; i++ {
		s.steps <- frame(i)
	}
}

func (s *script) end() { s.steps <- io.EOF }

func frame(i int) *capture.Frame {
	picture := image.NewGray(image.Rect(0, 0, 4, 4))
	picture.Pix[0] = byte(i)
	return &capture.Frame{Image: picture, File: "script", Index: i, Time: time.Now()}
}

// judge scores every frame with its number modulo 4 after `takes`, or fails.
type judge struct {
	takes  time.Duration
	err    error
	hung   bool // ignores time; ends with ctx only
	inUse  atomic.Bool
	closed atomic.Bool // set by the test once Swap has returned
	seen   atomic.Int64
}

func (j *judge) Score(ctx context.Context, f *capture.Frame) (ensemble.Decision, error) {
	if j.closed.Load() || !j.inUse.CompareAndSwap(false, true) {
		return ensemble.Decision{}, errors.New("scorer used after it was replaced, or twice at once")
	}
	defer j.inUse.Store(false)
	j.seen.Add(1)
	if j.hung {
		<-ctx.Done()
		return ensemble.Decision{}, ctx.Err()
	}
	if j.takes > 0 {
		select {
		case <-time.After(j.takes):
		case <-ctx.Done():
			return ensemble.Decision{}, ctx.Err()
		}
	}
	if f.Unfit != "" {
		return ensemble.Decision{Score: ensemble.None, Reason: ensemble.Reason(f.Unfit)}, j.err
	}
	return ensemble.Decision{Score: ensemble.Score(f.Index % 4), Reason: ensemble.Majority, Confidence: 0.9}, j.err
}

// ledger is a recorder that remembers, and fails on demand.
type ledger struct {
	mu      sync.Mutex
	results []ensemble.Result
	fail    error
}

func (l *ledger) Record(_ context.Context, r ensemble.Result) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	l.results = append(l.results, r)
	return nil
}

func (l *ledger) set(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
}

func (l *ledger) has(seq uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.results {
		if r.Seq == seq {
			return true
		}
	}
	return false
}

// rig is a running pipeline with a reader that takes everything.
type rig struct {
	*Pipeline
	source *script
	ledger *ledger
	sub    *Subscription
	stop   context.CancelFunc
	done   chan error
}

// run starts a pipeline inside a synctest bubble; time there is virtual.
func run(t *testing.T, scorer ensemble.Scorer, change func(*Config)) *rig {
	t.Helper()
	r := &rig{source: newScript(), ledger: &ledger{}, done: make(chan error, 1)}
	c := Config{
		Source: r.source, Recorder: r.ledger, Device: "box-1", Epoch: "e1", LastSeq: 100,
		Engine: Engine{Scorer: scorer, About: About{Release: "r1"}},
	}
	if change != nil {
		change(&c)
	}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	r.Pipeline, r.sub = p, p.Subscribe(1000)
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	go func() { r.done <- p.Run(ctx) }()
	t.Cleanup(func() { r.finish(t) })
	return r
}

func (r *rig) finish(t *testing.T) {
	t.Helper()
	r.stop()
	synctest.Wait()
	select {
	case err := <-r.done:
		if err != nil {
			t.Errorf("Run: %v", err)
		}
	default:
		t.Error("Run did not return when its context ended")
	}
	r.done <- nil // for a second call
}

// events waits until nothing moves and takes what has been published.
func (r *rig) events() (all []Event) {
	synctest.Wait()
	for {
		select {
		case e, open := <-r.sub.Events():
			if !open {
				return all
			}
			all = append(all, e)
		default:
			return all
		}
	}
}

// last is the newest event; the test fails when there is none.
func (r *rig) last(t *testing.T) Event {
	t.Helper()
	all := r.events()
	if len(all) == 0 {
		t.Fatal("no event")
	}
	return all[len(all)-1]
}

// results are the events among all that carry one.
func results(all []Event) (with []Event) {
	for _, e := range all {
		if e.Result != nil {
			with = append(with, e)
		}
	}
	return with
}
