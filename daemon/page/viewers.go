package page

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// patience is how long one message may take to be written. A browser that has gone
// without saying so would otherwise keep its place for many minutes.
const patience = 5 * time.Second

// viewers are the browsers that watch.
type viewers struct {
	most   int
	joined chan struct{} // room for one: somebody new is there

	mu      sync.Mutex
	mail    map[chan []byte]struct{} // one slot each
	dropped uint64
}

// join gives a new viewer a slot for messages, or none when the house is full.
func (v *viewers) join() (slot chan []byte, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.mail) >= v.most {
		return nil, false
	}
	if v.mail == nil {
		v.mail = map[chan []byte]struct{}{}
	}
	slot = make(chan []byte, 1)
	v.mail[slot] = struct{}{}
	select {
	case v.joined <- struct{}{}:
	default:
	}
	return slot, true
}

func (v *viewers) leave(slot chan []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.mail, slot)
}

func (v *viewers) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.mail)
}

// drops counts the messages that viewers were too slow for.
func (v *viewers) drops() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.dropped
}

// send puts a message into every slot. One that still holds the last message loses
// it: the newest wins. A nil message is none.
func (v *viewers) send(text []byte) {
	if text == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for slot := range v.mail {
		select {
		case <-slot:
			v.dropped++
		default:
		}
		slot <- text // only this function sends, under the lock: there is room
	}
}

// events answers /api/events.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	slot, ok := p.viewers.join()
	if !ok {
		w.Header().Set("Retry-After", "5")
		http.Error(w, fmt.Sprintf("%d browsers are watching this box already: close one of them", p.config.Viewers), http.StatusServiceUnavailable)
		return
	}
	defer p.viewers.leave(slot)
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	control := http.NewResponseController(w)
	write := func(text []byte) bool {
		// Not every writer has deadlines (tests); the error of a write counts.
		_ = control.SetWriteDeadline(time.Now().Add(patience))
		if _, err := w.Write(text); err != nil {
			return false
		}
		return control.Flush() == nil
	}
	if !write([]byte("retry: 1000\n\n")) {
		return
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case text := <-slot:
			if !write(text) {
				return
			}
		}
	}
}
