package web

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"lungbox/sync/hub/store"
)

// cookie holds a session: for this host alone, over TLS alone, not for scripts, and not
// sent when another site asks.
const cookie = "__Host-lunghub"

// failures slows down who tries passwords: after a few wrong ones an address waits.
type failures struct {
	mu   sync.Mutex
	last map[string][]time.Time
}

const (
	wrongAllowed = 10
	wrongWithin  = 10 * time.Minute
)

func (f *failures) blocked(from string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	var recent []time.Time
	for _, t := range f.last[from] {
		if time.Since(t) < wrongWithin {
			recent = append(recent, t)
		}
	}
	f.last[from] = recent
	if len(recent) == 0 {
		delete(f.last, from)
	}
	return len(recent) >= wrongAllowed
}

func (f *failures) add(from string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.last) > 10_000 {
		clear(f.last) // somebody has many addresses; argon2 slows them, too
	}
	f.last[from] = append(f.last[from], time.Now())
}

func (w *Web) login(rw http.ResponseWriter, r *http.Request) {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	if w.failures.blocked(from) {
		http.Error(rw, "too many wrong passwords from here: wait ten minutes", http.StatusTooManyRequests)
		return
	}
	var ask struct{ Name, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 4<<10)).Decode(&ask); err != nil {
		http.Error(rw, "the request cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	token, err := w.config.Store.Login(r.Context(), ask.Name, ask.Password)
	if errors.Is(err, store.ErrPassword) {
		w.failures.add(from)
		w.config.Log.Warn("a wrong password", "from", r.RemoteAddr)
		http.Error(rw, err.Error(), http.StatusForbidden)
		return
	}
	if err != nil {
		w.broken(rw, err)
		return
	}
	http.SetCookie(rw, &http.Cookie{Name: cookie, Value: token, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 12 * 3600})
	rw.WriteHeader(http.StatusNoContent)
}

func (w *Web) logout(rw http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookie); err == nil {
		if err := w.config.Store.Logout(r.Context(), c.Value); err != nil {
			w.broken(rw, err)
			return
		}
	}
	http.SetCookie(rw, &http.Cookie{Name: cookie, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: -1})
	rw.WriteHeader(http.StatusNoContent)
}

func (w *Web) broken(rw http.ResponseWriter, err error) {
	w.config.Log.Error("a page is not answered", "why", err)
	http.Error(rw, "the hub cannot answer now: "+err.Error(), http.StatusServiceUnavailable)
}

type personKey struct{}

// with lets only people with a role through.
func (w *Web) with(need store.Role, next http.HandlerFunc) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie(cookie)
		if err != nil {
			http.Error(rw, "log in first", http.StatusUnauthorized)
			return
		}
		p, err := w.config.Store.Session(r.Context(), c.Value)
		if errors.Is(err, store.ErrPassword) {
			http.Error(rw, "log in again", http.StatusUnauthorized)
			return
		}
		if err != nil {
			w.broken(rw, err)
			return
		}
		if !p.Role.May(need) {
			http.Error(rw, "this needs the role "+string(need)+": ask an admin", http.StatusForbidden)
			return
		}
		next(rw, r.WithContext(context.WithValue(r.Context(), personKey{}, p)))
	}
}

func person(r *http.Request) store.Person {
	p, _ := r.Context().Value(personKey{}).(store.Person) // with has put it there
	return p
}
