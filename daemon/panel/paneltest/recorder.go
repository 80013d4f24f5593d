// Package paneltest has a fake panel and the suite that every panel driver passes.
package paneltest

import (
	"slices"
	"sync"
	"time"

	"lungbox/daemon/panel"
)

// Shown is one call of Show that a Recorder took.
type Shown struct {
	Lamps panel.Lamps
	At    time.Time
}

// Recorder is a driver that remembers everything it was asked to show, and fails
// when told to. It may be used from several goroutines.
type Recorder struct {
	Now func() time.Time // nil means time.Now

	mu     sync.Mutex
	shown  []Shown
	fail   error
	closed int
}

// Show remembers the lamps, or returns the error given to Fail.
func (r *Recorder) Show(l panel.Lamps) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed > 0 {
		return panel.ErrClosed
	}
	if r.fail != nil {
		return r.fail
	}
	now := r.Now
	if now == nil {
		now = time.Now
	}
	r.shown = append(r.shown, Shown{l, now()})
	return nil
}

// Close returns the error given to Fail.
func (r *Recorder) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed++
	return r.fail
}

// Fail makes Show and Close return err from now on; nil ends that.
func (r *Recorder) Fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// Closed reports whether Close was called.
func (r *Recorder) Closed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed > 0
}

// Shown is every successful Show so far, in order.
func (r *Recorder) Shown() []Shown {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.shown)
}

// Lamps is what is lit: the last successful Show, dark before it and after Close.
func (r *Recorder) Lamps() panel.Lamps {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed > 0 || len(r.shown) == 0 {
		return panel.Lamps{}
	}
	return r.shown[len(r.shown)-1].Lamps
}
