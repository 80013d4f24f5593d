package page_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lungbox/capture"
	"lungbox/daemon/page"
	"lungbox/ensemble"
)

// ask sends one request with this Host to a page that listens on this address.
func ask(t *testing.T, c page.Config, method, path, host string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "http://x"+path, nil)
	r.Host = host
	w := httptest.NewRecorder()
	page.New(c).Handler().ServeHTTP(w, r)
	answer := w.Result()
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func TestHosts(t *testing.T) {
	tests := []struct {
		listen, host string
		want         int
	}{
		{"127.0.0.1:8080", "127.0.0.1:8080", 200},
		{"127.0.0.1:8080", "localhost:8080", 200},
		{"127.0.0.1:8080", "LOCALHOST.", 200},
		{"127.0.0.1:8080", "[::1]:8080", 200},
		{"127.0.0.1:8080", "127.0.0.1:9", 200}, // a forwarded port
		{"127.0.0.1:8080", "evil.example:8080", 421},
		{"127.0.0.1:8080", "localhost.evil.example", 421},
		{"127.0.0.1:8080", "127.0.0.1.evil.example", 421},
		{"127.0.0.1:8080", "10.0.0.7:8080", 421},
		{"127.0.0.1:8080", "", 421},
		{"127.0.0.1:8080", ":8080", 421},
		{"10.0.0.7:8080", "10.0.0.7:8080", 200},
		{"10.0.0.7:8080", "10.0.0.8:8080", 421},
		{":8080", "10.0.0.7:8080", 200},
		{":8080", "evil.example", 421},
		{"0.0.0.0:8080", "192.168.1.5:8080", 200},
		{"[::]:8080", "[fe80::1]:8080", 200},
		{"[::]:8080", "evil.example", 421},
		{"ward-3:8080", "ward-3:8080", 200},
		{":8080", "Lungbox.local:8080", 200}, // named in Hosts
	}
	for _, test := range tests {
		c := page.Config{Listen: test.listen, Hosts: []string{"lungbox.local"}}
		for _, path := range []string{"/", "/api/state", "/healthz"} {
			if got := ask(t, c, http.MethodGet, path, test.host); got.StatusCode != test.want {
				t.Errorf("listening on %q, Host %q, %s: %d, want %d", test.listen, test.host, path, got.StatusCode, test.want)
			}
		}
	}
}

// A box that still loads its nets is well, and not ready.
func TestStarting(t *testing.T) {
	c := page.Config{Listen: "127.0.0.1:80", Notice: func() string { return "the configuration is wrong" }, Also: map[string]http.Handler{
		"GET /metrics": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "figures") }),
	}}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/metrics": 200} {
		if got := ask(t, c, http.MethodGet, path, "localhost"); got.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, got.StatusCode, want)
		}
	}
	if got := ask(t, c, http.MethodGet, "/metrics", "evil.example"); got.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("/metrics for a foreign name: %d", got.StatusCode)
	}
	text, err := io.ReadAll(ask(t, c, http.MethodGet, "/api/state", "localhost").Body)
	if err != nil || !strings.Contains(string(text), `"notice": "the configuration is wrong"`) {
		t.Errorf("the notice is not told: %s (%v)", text, err)
	}
}

func TestMethodsAndPaths(t *testing.T) {
	tests := []struct {
		method, path string
		want         int
		kind         string
	}{
		{http.MethodGet, "/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/", 200, "text/html; charset=utf-8"},
		{http.MethodGet, "/page.js", 200, "text/javascript; charset=utf-8"},
		{http.MethodGet, "/style.css", 200, "text/css; charset=utf-8"},
		{http.MethodGet, "/icon.svg", 200, "image/svg+xml"},
		{http.MethodGet, "/api/state", 200, "application/json"},
		{"HEAD", "/api/events", 200, "text/event-stream"},
		{http.MethodGet, "/healthz", 200, "text/plain; charset=utf-8"},
		{"POST", "/", 405, ""},
		{"POST", "/api/state", 405, ""},
		{"DELETE", "/api/events", 405, ""},
		{"OPTIONS", "/healthz", 405, ""},
		{http.MethodGet, "/static/", 404, ""},
		{http.MethodGet, "/page.go", 404, ""},
		{http.MethodGet, "/index.html/../page.js", 307, ""}, // the cleaned path
	}
	for _, test := range tests {
		got := ask(t, page.Config{Listen: "localhost:1"}, test.method, test.path, "localhost")
		if got.StatusCode != test.want || test.kind != "" && got.Header.Get("Content-Type") != test.kind {
			t.Errorf("%s %s: %d %q, want %d %q", test.method, test.path, got.StatusCode, got.Header.Get("Content-Type"), test.want, test.kind)
		}
		csp := got.Header.Get("Content-Security-Policy")
		if got.Header.Get("Cache-Control") != "no-store" || !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") ||
			got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: headers %v", test.method, test.path, got.Header)
		}
	}
}

// The page must work without a network: nothing in it names another place.
func TestNothingComesFromElsewhere(t *testing.T) {
	for _, path := range []string{"/", "/page.js", "/view.js", "/words.js", "/freshness.js", "/style.css", "/icon.svg"} {
		body, err := io.ReadAll(ask(t, page.Config{Listen: "localhost:1"}, http.MethodGet, path, "localhost").Body)
		if err != nil || len(body) == 0 {
			t.Fatalf("%s: %d bytes, %v", path, len(body), err)
		}
		text := strings.ReplaceAll(string(body), "http://www.w3.org/2000/svg", "") // a name, not an address
		for _, wrong := range []string{"http:", "https:", "@import", "url(", "//cdn", "style=\"", "onclick"} {
			if strings.Contains(text, wrong) {
				t.Errorf("%s contains %q", path, wrong)
			}
		}
	}
	index, _ := io.ReadAll(ask(t, page.Config{Listen: "localhost:1"}, http.MethodGet, "/", "localhost").Body)
	for _, want := range []string{`<body data-mode="stale">`, `<output id="score">–</output>`, "No live data", "not a diagnosis"} {
		if !strings.Contains(string(index), want) {
			t.Errorf("without its script the page does not say %q", want)
		}
	}
}

// stream is one browser's side of /api/events.
func stream(ctx context.Context, t *testing.T, url string) (*http.Response, *bufio.Reader) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer, bufio.NewReader(answer.Body)
}

// next is the next message of a stream.
func next(t *testing.T, from *bufio.Reader) (m struct {
	State   string
	Result  *ensemble.Result
	AgeMs   float64 `json:"age_ms"`
	AtMs    int64   `json:"at_ms"`
	Picture string
	Panel   *struct{ Lamps struct{ Score [4]bool } }
	Nets    []string
}) {
	t.Helper()
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(text), &m); err != nil {
				t.Fatal(err)
			}
			return m
		}
	}
}

func TestEventsCarryPictureAndScoreTogether(t *testing.T) {
	b := start(t, nil)
	score := func(i int) ensemble.Score { return ensemble.Score(i % 4) }
	b.set(func(s *scene) {
		s.paint, s.decide = flat(score), func(i int) ensemble.Decision { return agreed(score(i)) }
	})
	_, from := stream(t.Context(), t, b.url)
	pictures, at := 0, int64(-1)
	for pictures < 20 {
		m := next(t, from)
		if m.AtMs < at {
			t.Errorf("the clock went back from %d to %d ms", at, m.AtMs)
		}
		at = m.AtMs
		if (m.Result == nil) != (m.Picture == "") {
			t.Fatalf("a result without its picture or a picture without its result: %+v", m)
		}
		if m.Result == nil {
			continue
		}
		pictures++
		raw, err := base64.StdEncoding.DecodeString(m.Picture)
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		level, _, _, _ := img.At(30, 20).RGBA()
		if got := (int(level>>8) - 40 + 30) / 60; ensemble.Score(got) != m.Result.Score {
			t.Errorf("the picture is of score %d, the result says %v", got, m.Result.Score)
		}
		if m.AgeMs < 0 || m.AgeMs >= 2000 || len(m.Nets) != 3 || m.Panel == nil {
			t.Errorf("message %+v", m)
		}
	}
}

func TestStateAndHealth(t *testing.T) {
	b := start(t, nil)
	get := func(path string) (int, string) {
		answer, err := http.Get(b.url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(body)
	}
	wait := func(path string, code int, want string) {
		t.Helper()
		for range 500 {
			if got, body := get(path); got == code && strings.Contains(body, want) {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		got, body := get(path)
		t.Fatalf("%s never gave %d …%s…, now %d %s", path, code, want, got, body)
	}
	wait("/api/state", 200, `"score": 2`)
	wait("/healthz", 200, "running")
	wait("/readyz", 200, "running")
	if _, body := get("/api/state"); strings.Contains(body, `"picture": "`) || !strings.Contains(body, `"viewers": 0`) || !strings.Contains(body, `"demo": "`+demoText) {
		t.Error(body)
	}
	b.set(func(s *scene) { s.unfit = capture.Frozen })
	wait("/api/state", 200, `"reason": "frozen"`)
	// A score that is no longer fresh is not in the state.
	b.set(func(s *scene) { s.unfit, s.hung = "", true })
	wait("/api/state", 200, `"result": null`)
	wait("/healthz", 503, "fault: the engine has not answered for 5s")
	wait("/readyz", 503, "fault: the engine has not answered for 5s")
}

func TestHealthWithoutPipeline(t *testing.T) {
	now := time.Now()
	p := page.New(page.Config{Listen: "localhost:1", Now: func() time.Time { return now }})
	for _, test := range []struct {
		after time.Duration
		want  int
	}{{0, 200}, {3 * time.Second, 200}, {4 * time.Second, 503}} {
		now = now.Add(test.after)
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		r.Host = "localhost"
		p.Handler().ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("after %v: %d %s", test.after, w.Code, w.Body)
		}
		now = now.Add(-test.after)
	}
}

func TestViewersAreBounded(t *testing.T) {
	b := start(t, func(c *page.Config) { c.Viewers = 2 })
	ctx, leave := context.WithCancel(t.Context())
	for range 2 {
		answer, from := stream(ctx, t, b.url)
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%d %v", answer.StatusCode, answer.Header)
		}
		next(t, from)
	}
	full, from := stream(t.Context(), t, b.url)
	text, _ := from.ReadString('\n')
	if full.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "2 browsers are watching") || full.Header.Get("Retry-After") == "" {
		t.Errorf("%d %q", full.StatusCode, text)
	}
	leave()
	for range 500 { // their places become free
		if again, _ := stream(t.Context(), t, b.url); again.StatusCode == http.StatusOK {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("places of viewers who left were never free again")
}

// A browser that never reads costs nobody else anything, and is sent what is newest
// when it reads again, not what has piled up.
func TestSlowBrowserLosesMessages(t *testing.T) {
	b := start(t, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_, from := stream(t.Context(), t, b.url)
	deadline := time.Now().Add(30 * time.Second)
	for frame := -1; ; {
		m := next(t, from)
		if m.Result != nil {
			if m.Result.Frame <= frame {
				t.Fatalf("frame %d after %d", m.Result.Frame, frame)
			}
			frame = m.Result.Frame
		}
		answer, err := http.Get(b.url + "/api/state")
		if err != nil {
			t.Fatal(err)
		}
		var state struct {
			Dropped int `json:"viewers_dropped"`
		}
		err = json.NewDecoder(answer.Body).Decode(&state)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if state.Dropped > 5 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was ever dropped for a browser that does not read")
		}
	}
}

func TestServeEndsWithOpenStreams(t *testing.T) {
	b := start(t, nil)
	_, from := stream(t.Context(), t, b.url)
	next(t, from)
	ended := make(chan struct{})
	go func() { b.stop(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Fatal("Serve does not end while a browser is watching")
	}
	if _, err := io.ReadAll(from); err != nil {
		t.Errorf("the stream was cut off, not ended: %v", err)
	}
}
