package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"lungbox/sync/hub/store"
)

// cookie holds a session: for this host alone, over TLS alone, not for scripts, and not
// sent when another site asks.
const cookie = "__Host-lunghub"

func (w *Web) login(rw http.ResponseWriter, r *http.Request) {
	var ask struct{ Name, Password string }
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 4<<10)).Decode(&ask); err != nil {
		http.Error(rw, "the request cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	if !w.tries.Begin(r.RemoteAddr) {
		http.Error(rw, "too many wrong passwords from here: wait ten minutes", http.StatusTooManyRequests)
		return
	}
	token, err := w.config.Store.Login(r.Context(), ask.Name, ask.Password)
	if errors.Is(err, store.ErrPassword) {
		w.config.Log.Warn("a wrong password", "from", r.RemoteAddr)
		http.Error(rw, err.Error(), http.StatusForbidden)
		return
	}
	if err != nil {
		w.broken(rw, err)
		return
	}
	w.tries.Right(r.RemoteAddr)
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
