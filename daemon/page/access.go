package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lungbox/sync/password"
)

// Access says who may see the page from another machine: whoever knows the password. Whoever
// sits at the box itself sees what its panel shows anyway, and needs none.
type Access struct {
	// Hash is what password.Hash gave of the box's password.
	Hash string

	tries password.Tries
}

// sessionCookie holds a login: not for scripts, not sent when another site asks, over TLS
// alone.
const sessionCookie = "__Host-lungbox"

// sessionTime is how long a login lasts: the tablet of a ward is not asked every morning.
const sessionTime = 7 * 24 * time.Hour

// public are the paths that need no login: whether the box is well, and what the login
// itself is made of.
var public = map[string]bool{
	"/healthz": true, "/readyz": true, "/api/login": true,
	"/login.html": true, "/login.js": true, "/style.css": true, "/icon.svg": true,
	"/looks.js": true, "/speech.js": true, "/usual.js": true, "/lang-fr.js": true, "/lang-es.js": true, "/lang-ar.js": true,
}

// admit lets requests through that may see the page, and asks others to log in. A nil Access
// lets everybody in.
func (p *Page) admit(next http.Handler) http.Handler {
	a := p.config.Access
	if a == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case public[r.URL.Path], here(r), a.session(r, p.config.Now()):
			next.ServeHTTP(w, r)
			return
		}
		if _, secret, ok := r.BasicAuth(); ok { // Prometheus, curl
			switch {
			case !a.tries.Begin(r.RemoteAddr):
				http.Error(w, tooMany, http.StatusTooManyRequests)
			case password.Fits(a.Hash, secret):
				a.tries.Right(r.RemoteAddr)
				next.ServeHTTP(w, r)
			default:
				http.Error(w, wrongPassword, http.StatusUnauthorized)
			}
			return
		}
		if r.Method == http.MethodGet && (r.URL.Path == "/" || strings.HasSuffix(r.URL.Path, ".html")) {
			http.Redirect(w, r, "/login.html", http.StatusSeeOther)
			return
		}
		http.Error(w, "log in first, at /login.html, or send the box's password (Basic)", http.StatusUnauthorized)
	})
}

const (
	tooMany       = "too many wrong passwords from here: wait ten minutes"
	wrongPassword = "the password is wrong"
)

// here says whether a request was made on this machine and not handed on by a proxy for
// somebody else.
func here(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Via") != "" {
		return false
	}
	return net.ParseIP(host).IsLoopback()
}

// login answers POST /api/login.
func (p *Page) login(w http.ResponseWriter, r *http.Request) {
	a := p.config.Access
	var ask struct{ Password string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&ask); err != nil {
		http.Error(w, "the request cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	if !a.tries.Begin(r.RemoteAddr) {
		http.Error(w, tooMany, http.StatusTooManyRequests)
		return
	}
	if !password.Fits(a.Hash, ask.Password) {
		http.Error(w, wrongPassword, http.StatusForbidden)
		return
	}
	a.tries.Right(r.RemoteAddr)
	until := p.config.Now().Add(sessionTime)
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: a.token(until.Unix()), Path: "/", Expires: until,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
	})
	w.WriteHeader(http.StatusNoContent)
}

// token says until when a login counts, signed with what only the box knows: another password
// ends all logins, a restart none.
func (a *Access) token(until int64) string {
	text := strconv.FormatInt(until, 10)
	return text + "." + base64.RawURLEncoding.EncodeToString(a.sign(text))
}

func (a *Access) sign(text string) []byte {
	mac := hmac.New(sha256.New, []byte("lungbox page session\x00"+a.Hash))
	_, _ = fmt.Fprint(mac, text)
	return mac.Sum(nil)
}

// session says whether a request has the token of a login that still counts.
func (a *Access) session(r *http.Request, now time.Time) bool {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return false
	}
	text, signature, _ := strings.Cut(c.Value, ".")
	got, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || subtle.ConstantTimeCompare(got, a.sign(text)) != 1 {
		return false
	}
	until, err := strconv.ParseInt(text, 10, 64)
	return err == nil && now.Unix() < until
}
