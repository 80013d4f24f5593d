// Package web is what the hub shows over HTTPS.
//
//	POST /enrol      a box with a code gets its certificate
//	PUT  /frames/…   a masked picture of a box whose site has asked for it
//	GET  /healthz    200 while the database answers
//	GET  /tuf/…      signed metadata and files of releases, for boxes
//	GET  /           the fleet, for people who are logged in
//	POST /api/…      what they may do, by role
//	GET  /export.csv /export.parquet   results
package web

import (
	"crypto/tls"
	"embed"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"lungbox/sync/enrol"
	"lungbox/sync/hub/authority"
	"lungbox/sync/hub/frames"
	"lungbox/sync/hub/store"
	"lungbox/sync/password"
	"lungbox/sync/wire"
)

// Config is what the pages are made of.
type Config struct {
	Store      *store.Store
	Authority  *authority.Authority
	Broker     string         // address that boxes are told
	Repository string         // folder of releases; "": there are none
	Frames     *frames.Keeper // nil: no pictures are taken
	Log        *slog.Logger
}

// Web answers requests. See New.
type Web struct {
	config Config

	tries password.Tries

	mu    sync.Mutex
	wrong []time.Time // codes that were no good, of the last minute
}

// New makes the pages.
func New(c Config) *Web { return &Web{config: c} }

// Handler answers all requests.
func (w *Web) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /enrol", w.enrol)
	mux.HandleFunc("GET /healthz", w.health)
	if w.config.Frames != nil {
		mux.HandleFunc("PUT /frames/{epoch}/{seq}", w.frame)
	}
	mux.HandleFunc("POST /api/login", w.login)
	mux.HandleFunc("POST /api/logout", w.logout)
	mux.HandleFunc("GET /api/fleet", w.with(store.Viewer, w.fleet))
	mux.HandleFunc("POST /api/rollout", w.with(store.Operator, w.setRollout))
	mux.HandleFunc("POST /api/revoke", w.with(store.Admin, w.revoke))
	mux.HandleFunc("GET /api/audit", w.with(store.Admin, w.audit))
	mux.HandleFunc("GET /export.csv", w.with(store.Viewer, w.exportCSV))
	mux.HandleFunc("GET /export.parquet", w.with(store.Viewer, w.exportParquet))
	for route, file := range map[string]string{"GET /{$}": "index.html", "GET /style.css": "style.css", "GET /fleet.js": "fleet.js"} {
		mux.HandleFunc(route, func(rw http.ResponseWriter, r *http.Request) { http.ServeFileFS(rw, r, static, "static/"+file) })
	}
	if w.config.Repository != "" {
		mux.HandleFunc("GET /tuf/{path...}", w.release)
	}
	return guard(http.NewCrossOriginProtection().Handler(mux))
}

//go:embed static
var static embed.FS

// How long the body of a request may take, and a part of a picture, which may come over a
// thin link.
const (
	bodyLimit    = 10 * time.Second
	pictureLimit = 2 * time.Minute
)

// guard sets the headers that every answer has.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Strict-Transport-Security", "max-age=31536000")
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet {
			// Who sends a byte now and then does not hold a connection for ever.
			limit := bodyLimit
			if strings.HasPrefix(r.URL.Path, "/frames/") {
				limit = pictureLimit
			}
			_ = http.NewResponseController(rw).SetReadDeadline(time.Now().Add(limit)) // it fails for no connection of ours
		}
		next.ServeHTTP(rw, r)
	})
}

// TLS is how the hub speaks: boxes show their certificate, people have none.
func TLS(a *authority.Authority, own func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: own, ClientCAs: a.Pool(), ClientAuth: tls.VerifyClientCertIfGiven}
}

// box is the box that a request comes from, with a certificate that still counts.
func (w *Web) box(r *http.Request) (b wire.Box, err error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return b, errors.New("only boxes may ask for this, with their certificate")
	}
	c := r.TLS.PeerCertificates[0]
	if b, err = authority.Subject(c); err != nil {
		return b, err
	}
	return b, w.config.Store.Valid(r.Context(), b, authority.Serial(c))
}

// tries is how many wrong codes are heard in a minute, from everybody together: 80 bits
// cannot be guessed so, and a slip of the pen finds its minute.
const tries = 60

func (w *Web) enrol(rw http.ResponseWriter, r *http.Request) {
	if !w.patient() {
		http.Error(rw, "too many wrong codes: try again in a minute", http.StatusTooManyRequests)
		return
	}
	var ask enrol.Request
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 8<<10)).Decode(&ask); err != nil {
		http.Error(rw, "the request cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	var certificate []byte
	b, err := w.config.Store.Enrol(r.Context(), ask.Secret, func(b wire.Box) (serial string, err error) {
		certificate, serial, err = w.config.Authority.Box(b, ask.Request)
		return serial, err
	})
	if err != nil {
		w.config.Log.Warn("a box is not enrolled", "from", r.RemoteAddr, "why", err)
		if errors.Is(err, store.ErrCode) {
			w.impatient()
		}
		http.Error(rw, err.Error(), http.StatusForbidden)
		return
	}
	w.config.Log.Info("a box is enrolled", "box", b.String(), "from", r.RemoteAddr)
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(enrol.Answer{Box: b, Certificate: string(certificate), Broker: w.config.Broker}) // the box asks for another code if this fails
}

func (w *Web) patient() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.wrong) > 0 && time.Since(w.wrong[0]) > time.Minute {
		w.wrong = w.wrong[1:]
	}
	return len(w.wrong) < tries
}

func (w *Web) impatient() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, time.Now())
}

func (w *Web) health(rw http.ResponseWriter, r *http.Request) {
	if _, _, err := w.config.Store.Totals(r.Context()); err != nil {
		http.Error(rw, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = rw.Write([]byte("running\n")) // whoever asked has gone if this fails
}

// release hands out files of the repository to boxes, with ranges. Everything in it is
// signed; that only boxes get it keeps the load down.
func (w *Web) release(rw http.ResponseWriter, r *http.Request) {
	if _, err := w.box(r); err != nil {
		http.Error(rw, err.Error(), http.StatusForbidden)
		return
	}
	root, err := os.OpenRoot(w.config.Repository) // no path leads out of it, links included
	if err != nil {
		http.Error(rw, "there are no releases yet", http.StatusNotFound)
		return
	}
	defer root.Close()
	f, err := root.Open(r.PathValue("path"))
	if err != nil {
		http.NotFound(rw, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("ETag", `"`+time.Time.Format(info.ModTime(), "20060102150405.000000000")+`"`)
	rw.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(rw, r, "", info.ModTime(), f)
}
