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

// Blocked says whether an address (host:port or host) has to wait.
func (f *Tries) Blocked(remote string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := host(remote)
	var recent []time.Time
	for _, t := range f.last[from] {
		if time.Since(t) < wrongWithin {
			recent = append(recent, t)
		}
	}
	if len(recent) == 0 {
		delete(f.last, from)
		return false
	}
	f.last[from] = recent
	return len(recent) >= wrongAllowed
}

// Wrong notes a wrong password.
func (f *Tries) Wrong(remote string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil || len(f.last) > 10_000 {
		f.last = map[string][]time.Time{} // somebody has many addresses; argon2 slows them, too
	}
	from := host(remote)
	f.last[from] = append(f.last[from], time.Now())
}

func host(remote string) string {
	if h, _, err := net.SplitHostPort(remote); err == nil {
		return h
	}
	return remote
}
