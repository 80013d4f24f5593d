package page

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"lungbox/daemon/pipeline"
)

//go:embed static
var static embed.FS

// Handler serves the page. Requests with a Host that is not this box's are refused,
// and so are those that would change something and come from another site.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/events", p.events)
	mux.HandleFunc("GET /api/state", p.state)
	mux.HandleFunc("GET /healthz", p.health)
	mux.HandleFunc("GET /readyz", p.ready)
	if p.config.Access != nil {
		mux.HandleFunc("POST /api/login", p.login)
	}
	if p.config.Places != nil {
		mux.HandleFunc("GET /api/region", p.region)
		mux.HandleFunc("POST /api/region", p.setRegion)
	}
	if p.config.Help != nil {
		mux.Handle("GET /help/", p.help())
	}
	if p.config.Setup != nil {
		p.setupRoutes(mux)
	}
	if p.config.Exams != nil {
		p.examRoutes(mux)
	}
	mux.HandleFunc("GET /usual.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = fmt.Fprintf(w, "export const language = %q;\n", p.config.Language) // the browser has gone if this fails
	})
	for pattern, handler := range p.config.Also {
		mux.Handle(pattern, handler)
	}
	files, err := fs.ReadDir(static, "static")
	if err != nil {
		panic(err) // part of the program
	}
	for _, f := range files {
		route := "GET /" + f.Name()
		if f.Name() == "index.html" {
			route = "GET /{$}"
		}
		mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, static, path.Join("static", f.Name()))
		})
	}
	return p.guard(http.NewCrossOriginProtection().Handler(p.admit(mux)))
}

// guard sets the headers that every answer has and checks the Host.
func (p *Page) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "+
			"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		if !p.ours(r.Host) {
			http.Error(w, fmt.Sprintf("%q is not a name of this box: use its address, or add the name to the page's hosts", r.Host), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ours says whether a Host header may name this box. An IP address cannot be
// pointed elsewhere by DNS, so any is right while the box listens on all.
func (p *Page) ours(hostport string) bool {
	host, listen := bare(hostport), bare(p.config.Listen)
	if host == "" {
		return false
	}
	if host == "localhost" || host == listen || slices.ContainsFunc(p.config.Hosts, func(h string) bool { return bare(h) == host }) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	all, err := netip.ParseAddr(listen)
	return addr.IsLoopback() || listen == "" || err == nil && all.IsUnspecified()
}

// bare is the host of "host:port", "host" or "[v6]:port", in lower case and without
// the dot that ends a full name.
func bare(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// state answers /api/state.
func (p *Page) state(w http.ResponseWriter, _ *http.Request) {
	m, _ := p.snapshot(p.config.Now())
	text, err := json.MarshalIndent(struct {
		message
		Viewers        int    `json:"viewers"`
		ViewersDropped uint64 `json:"viewers_dropped"` // messages that browsers were too slow for
	}{m, p.viewers.count(), p.viewers.drops()}, "", "  ")
	if err != nil {
		http.Error(w, fmt.Sprintf("the state cannot be written as JSON: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n')) // the browser has gone if this fails
}

// health answers /healthz: one line for people and watchdogs. A source without a
// signal is no illness of the box, and neither is an engine that still starts.
func (p *Page) health(w http.ResponseWriter, _ *http.Request) { p.answer(w, pipeline.Fault) }

// ready answers /readyz.
func (p *Page) ready(w http.ResponseWriter, _ *http.Request) {
	p.answer(w, pipeline.Fault, pipeline.Starting)
}

// answer says how the box is; with code 503 in the bad states.
func (p *Page) answer(w http.ResponseWriter, bad ...pipeline.State) {
	p.mu.Lock()
	e := p.latest.status
	p.mu.Unlock()
	code := http.StatusOK
	text := string(e.State)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	// The pipeline speaks every second while it lives.
	if quiet := p.config.Now().Sub(later(e.Time, p.began)); quiet > 3*heartbeat {
		code, text = http.StatusServiceUnavailable, "the pipeline has said nothing for "+quiet.Round(time.Second).String()
	} else if slices.Contains(bad, e.State) {
		code = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, text)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
