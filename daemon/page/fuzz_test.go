package page_test

import (
	"context"
	"image"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lungbox/daemon/page"
	"lungbox/docs"
)

// counting takes any exam and any setup, and counts.
type counting struct{ times int }

func (c *counting) Exam(context.Context) (e page.Exam, _ error)              { return e, c.did() }
func (c *counting) BeginExam(_ context.Context, _, _, _, _ string) error     { return c.did() }
func (c *counting) EndExam(context.Context, string) error                    { return c.did() }
func (c *counting) GoTo(context.Context, string) error                       { return c.did() }
func (c *counting) RecordClip(context.Context) error                         { return c.did() }
func (c *counting) Override(context.Context, int, page.Human, string) error  { return c.did() }
func (c *counting) ClipPicture(context.Context, string, int) ([]byte, error) { return nil, c.did() }
func (c *counting) Setup(context.Context) (s page.SetupState, _ error)       { return s, c.did() }
func (c *counting) ChooseSource(_ context.Context, _, _ string) error        { return c.did() }
func (c *counting) ChoosePanel(_ context.Context, _, _ string) error         { return c.did() }
func (c *counting) Light(context.Context, int) error                         { return c.did() }
func (c *counting) Order(context.Context, []int, string) (bool, error)       { return false, c.did() }
func (c *counting) Enrol(_ context.Context, _, _, _ string) error            { return c.did() }
func (c *counting) Check(context.Context) ([]page.SetupFinding, error)       { return nil, c.did() }
func (c *counting) TestClip(context.Context) (s page.SetupClip, _ error)     { return s, c.did() }
func (c *counting) Finish(context.Context, string) error                     { return c.did() }
func (c *counting) Finished() bool                                           { return false }
func (c *counting) Report(_ context.Context, _, _, _ string) (string, []byte, error) {
	return "x", nil, c.did()
}

func (c *counting) did() error {
	c.times++
	return nil
}

// FuzzRequests asks the page for anything, as anybody in the network may: it does not panic,
// says nothing of the box to who has no password, and keeps its headers.
func FuzzRequests(f *testing.F) {
	f.Add("GET", "/api/state", "127.0.0.1:1", "Cookie", "__Host-lungbox=1.x", "")
	f.Add("POST", "/api/login", "10.0.0.9:1", "Authorization", "Basic !!!", `{"password":`)
	f.Add("POST", "/api/region", "127.0.0.1:1", "Sec-Fetch-Site", "same-origin", `{"bounds":[0,0,100,100]}`)
	f.Add("GET", "/..%2f", "", "Host", "evil", "")
	f.Add("HEAD", "//page.js?x=/../", "::1", "X-Forwarded-For", "1", "\x00")
	f.Add("POST", "/api/exam/begin", "127.0.0.1:1", "Sec-Fetch-Site", "same-origin", `{"scheme":"blue12","label":"x"}`)
	f.Add("POST", "/api/setup/order", "127.0.0.1:1", "Sec-Fetch-Site", "none", `{"seen":[0,1,2,3,4]}`)
	f.Add("GET", "/api/exam/0a/report/pdf", "127.0.0.1:1", "X", "1", "")
	f.Add("POST", "/api/setup/order", "10.0.0.9:1", "X", "1", `{"seen":[0,1,2,3,4]}`)
	f.Add("GET", "/api/exam", "10.0.0.9:1", "X", "1", "")
	f.Add("GET", "/help/../../go.mod", "127.0.0.1:1", "X", "1", "")
	done := &counting{}
	p := page.New(page.Config{
		Listen: ":8080", Access: &page.Access{Hash: "none"}, Places: places{}, Exams: done, Setup: done, Help: docs.Files,
		Also: map[string]http.Handler{"GET /metrics": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "figures of the box") })},
	}).Handler()
	f.Fuzz(func(t *testing.T, method, path, from, header, value, body string) {
		if strings.Contains(path, "/api/events") || strings.Contains(path, "/api/login") && method == http.MethodPost && strings.Contains(body, "assword") {
			return // one has no end, the other is slow on purpose
		}
		r, err := http.NewRequestWithContext(t.Context(), method, "http://10.0.0.7:8080/", strings.NewReader(body))
		if err != nil {
			return
		}
		if r.URL, err = r.URL.Parse(path); err != nil {
			return
		}
		r.RemoteAddr = from
		r.Header.Set(header, value)
		if _, _, ok := r.BasicAuth(); ok {
			return // slow on purpose
		}
		w := httptest.NewRecorder()
		done.times = 0
		began := time.Now()
		p.ServeHTTP(w, r)
		if time.Since(began) > 5*time.Second {
			t.Errorf("%s %s takes %v", method, path, time.Since(began))
		}
		answer := w.Result()
		answer.Body.Close()
		if answer.Header.Get("X-Content-Type-Options") != "nosniff" || answer.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s %s: headers %v", method, path, answer.Header)
		}
		local := strings.HasPrefix(from, "127.") || strings.Contains(from, "::1") || strings.Contains(from, "::ffff:127.") || strings.Contains(from, "::ffff:7f")
		if !local && done.times > 0 {
			t.Errorf("%s %s from %q does something", method, path, from)
		}
		if !local && (strings.Contains(w.Body.String(), "figures of the box") || strings.Contains(w.Body.String(), "viewers")) {
			t.Errorf("%s %s from %q says %s", method, path, from, w.Body)
		}
	})
}

// places are those of a picture of 640×480.
type places struct{ page.Places }

func (places) Place() page.Place                                       { return page.Place{Size: image.Pt(640, 480)} }
func (places) SetPlace(context.Context, image.Rectangle, string) error { return nil }
