package panel

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a simulated panel whose calls take a time.
type slow struct {
	Simulated
	take      atomic.Int64 // nanoseconds
	now, most atomic.Int64 // calls under way
}

func (s *slow) enter() func() {
	s.most.Store(max(s.most.Load(), s.now.Add(1)))
	time.Sleep(time.Duration(s.take.Load()))
	return func() { s.now.Add(-1) }
}

func (s *slow) Show(l Lamps) error {
	defer s.enter()()
	return s.Simulated.Show(l)
}

func (s *slow) Close() error {
	defer s.enter()()
	return s.Simulated.Close()
}

func TestBounded(t *testing.T) {
	const limit = 900 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		s := &slow{}
		s.take.Store(int64(10 * time.Millisecond))
		b := Bound(s, limit)
		inTime := func(name string, f func() error) error {
			t.Helper()
			start := time.Now()
			err := f()
			if took := time.Since(start); took > limit {
				t.Errorf("%s took %v", name, took)
			}
			return err
		}
		show := func(l Lamps) error { return inTime("Show", func() error { return b.Show(l) }) }

		if err := show(Bar(1)); err != nil || s.Lamps() != Bar(1) {
			t.Errorf("%v, %v is lit", err, s.Lamps())
		}
		s.take.Store(int64(time.Minute))
		for range 20 {
			if show(Bar(3)) == nil {
				t.Fatal("a panel that hangs is taken for one that shows")
			}
		}
		time.Sleep(time.Minute)
		s.take.Store(0)
		if err := show(Bar(0)); err != nil || s.Lamps() != Bar(0) {
			t.Errorf("after it hung: %v, %v is lit", err, s.Lamps())
		}

		s.take.Store(int64(time.Minute))
		_ = show(Bar(2))
		if inTime("Close", b.Close) == nil {
			t.Error("a panel that hangs is taken for closed")
		}
		if err := inTime("second Close", b.Close); err != nil {
			t.Errorf("second Close: %v", err)
		}
		if err := show(Bar(1)); !errors.Is(err, ErrClosed) {
			t.Errorf("Show after Close gives %v", err)
		}
		time.Sleep(3 * time.Minute)
		if s.Lamps() != (Lamps{}) {
			t.Errorf("%v stays lit after a late Close", s.Lamps())
		}
		if n := s.most.Load(); n != 1 {
			t.Errorf("%d calls at once", n)
		}
	})
}
