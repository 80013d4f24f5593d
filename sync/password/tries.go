package password

import (
	"net"
	"sync"
	"time"
)

// Tries slows down who tries passwords: after a few wrong ones an address waits. The zero
// value has seen none.
type Tries struct {
	mu   sync.Mutex
	last map[string][]time.Time
}

const (
	wrongAllowed = 10
	wrongWithin  = 10 * time.Minute
)

// Begin notes a try of an address (host:port or host) and says whether it may be made; it
// counts as wrong until Right is called. So many at a time gain nothing.
func (f *Tries) Begin(remote string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil || len(f.last) > 10_000 {
		f.last = map[string][]time.Time{} // somebody has many addresses; argon2 slows them, too
	}
	from := host(remote)
	var recent []time.Time
	for _, t := range f.last[from] {
		if time.Since(t) < wrongWithin {
			recent = append(recent, t)
		}
	}
	if len(recent) >= wrongAllowed {
		f.last[from] = recent
		return false
	}
	f.last[from] = append(recent, time.Now())
	return true
}

// Right takes the newest try of an address back: its password was right.
func (f *Tries) Right(remote string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := host(remote)
	if n := len(f.last[from]); n > 1 {
		f.last[from] = f.last[from][:n-1]
	} else {
		delete(f.last, from)
	}
}

func host(remote string) string {
	if h, _, err := net.SplitHostPort(remote); err == nil {
		return h
	}
	return remote
}
