package pipeline

import (
	"sync"
	"sync/atomic"
)

// Subscription is one reader of the pipeline's events. A reader that is slower
// than the loop loses the oldest events it has not taken, and Dropped counts them;
// the loop never waits for it.
type Subscription struct {
	events  chan Event
	dropped atomic.Uint64
	from    *fanout
}

// Events delivers what the pipeline publishes, in order. It is closed when the
// pipeline ends and when the subscription is closed.
func (s *Subscription) Events() <-chan Event { return s.events }

// Dropped counts the events that this reader was too slow for.
func (s *Subscription) Dropped() uint64 { return s.dropped.Load() }

// Close ends the subscription. It may be called twice, and from any goroutine.
func (s *Subscription) Close() { s.from.remove(s) }

// fanout hands events to subscribers. The zero value is ready.
type fanout struct {
	mu      sync.Mutex
	readers map[*Subscription]struct{}
	ended   bool
}

// add subscribes a reader with room for buffer events, at least one.
func (f *fanout) add(buffer int) *Subscription {
	s := &Subscription{events: make(chan Event, max(1, buffer)), from: f}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		close(s.events)
		return s
	}
	if f.readers == nil {
		f.readers = map[*Subscription]struct{}{}
	}
	f.readers[s] = struct{}{}
	return s
}

func (f *fanout) remove(s *Subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.readers[s]; ok {
		delete(f.readers, s)
		close(s.events)
	}
}

func (f *fanout) publish(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.readers {
		select {
		case s.events <- e:
			continue
		default:
		}
		// Full: the oldest goes. Only this function sends, and under the lock, so
		// there is room afterwards, whether it or the reader took the oldest.
		select {
		case <-s.events:
			s.dropped.Add(1)
		default:
		}
		s.events <- e
	}
}

// end closes every subscription, and every later one at once.
func (f *fanout) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for s := range f.readers {
		delete(f.readers, s)
		close(s.events)
	}
}
