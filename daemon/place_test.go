package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lungbox/daemon/page/browsertest"
)

// film serves a clip as an endless stream, as a network camera would.
func film(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := exec.CommandContext(r.Context(), "ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", whiteLung, "-c:v", "mpeg4", "-q:v", "3", "-f", "mpegts", "-")
		c.Stdout = w
		_ = c.Run() // the box has gone
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// place asks where the picture lies.
// liveConfig is boxConfig with a live source: one that has a region and a gate.
func liveConfig(t *testing.T, dir string) (config string) {
	t.Helper()
	config = boxConfig(t, dir, "")
	edit(t, config, "from = 'clip:", "from = '"+film(t)+"' # ")
	return config
}

func (r *running) place(t *testing.T) (at struct {
	Size   [2]int
	Bounds [4]int
	Set    bool
}) {
	t.Helper()
	answer, err := http.Get(r.address + "/api/region")
	if err != nil {
		return at
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&at); err != nil {
		t.Fatal(err)
	}
	return at
}

// A person draws a rectangle on the page: from then on it is what the box looks at, over
// restarts, until they take it back; the audit trail says so.
func TestRegionFromThePage(t *testing.T) {
	dir := t.TempDir()
	config := liveConfig(t, dir)
	r := startBox(t, config)
	until(t, r, "a region", func() bool { at := r.place(t); return at.Size[0] > 0 && at.Bounds[2] > 0 && !at.Set })
	found := r.place(t)

	tab := browsertest.Open(t, r.address+"/", 1280, 800)
	tab.Until(`!document.querySelector("#region").hidden`)
	tab.Do(chromedp.Click("#region"))
	tab.Until(`document.querySelector("#how")?.textContent === "Found automatically" && document.querySelectorAll("#screen img").length === 1`)
	tab.Screenshot("region-found")
	type rect struct{ X, Y, Width, Height float64 }
	at := browsertest.Eval[rect](tab, `(() => { const r = document.querySelector("#screen").getBoundingClientRect(); return {X: r.x, Y: r.y, Width: r.width, Height: r.height} })()`)
	drag := func(from, to [2]float64) {
		p := func(f [2]float64) (x, y float64) { return at.X + f[0]*at.Width, at.Y + f[1]*at.Height }
		x, y := p(from)
		tab.Do(chromedp.MouseEvent("mousePressed", x, y, chromedp.ButtonLeft))
		x, y = p(to)
		tab.Do(chromedp.MouseEvent("mouseMoved", x, y, chromedp.ButtonLeft), chromedp.MouseEvent("mouseReleased", x, y, chromedp.ButtonLeft))
	}
	drag([2]float64{0.25, 0.25}, [2]float64{0.75, 0.75})
	tab.Until(`!document.querySelector("#keep").disabled`)
	tab.Screenshot("region-drawn")
	tab.Do(chromedp.Click("#keep"))
	tab.Until(`document.querySelector("#how").textContent === "Set by a person"`)
	tab.Screenshot("region-kept")
	set := r.place(t)
	for i, want := range [4]int{set.Size[0] / 4, set.Size[1] / 4, set.Size[0] * 3 / 4, set.Size[1] * 3 / 4} {
		if got := set.Bounds[i]; got < want-3 || got > want+3 {
			t.Errorf("drawn to the middle half of %v, kept %v", set.Size, set.Bounds)
		}
	}
	for name, body := range map[string]string{
		"outside": `{"bounds":[0,0,9999,100]}`, "tiny": `{"bounds":[10,10,20,20]}`, "turned": `{"bounds":[300,300,100,100]}`, "no JSON": `region`, "long": strings.Repeat(" ", 2000),
	} {
		if code, said := post(t, r.address+"/api/region", body, ""); code != http.StatusBadRequest || strings.Count(said, "\n") > 1 {
			t.Errorf("%s: %d %s", name, code, said)
		}
	}
	if code, _ := post(t, r.address+"/api/region", `{"bounds":[0,0,0,0]}`, "http://evil.example"); code != http.StatusForbidden {
		t.Errorf("another site could set the region: %d", code)
	}
	r.end(syscall.SIGKILL)

	r = startBox(t, config)
	until(t, r, "the region that was kept", func() bool { return r.place(t) == set })
	if code, said := post(t, r.address+"/api/region", `{"bounds":[0,0,0,0]}`, ""); code != http.StatusNoContent {
		t.Errorf("take back: %d %s", code, said)
	}
	until(t, r, "the region is found again", func() bool { at := r.place(t); return !at.Set && at.Bounds != set.Bounds && at.Bounds[2] > 0 })
	if again := r.place(t); again.Size != found.Size {
		t.Errorf("found %v, then %v", found, again)
	}
	if err := os.WriteFile(filepath.Join(dir, "state", placeFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.end(os.Interrupt)
	r = startBox(t, config)
	until(t, r, "a damaged file is told", func() bool { return strings.Contains(r.state(t).Notice, "set it again") })
	r.end(os.Interrupt)

	j := stored(t, dir)
	defer j.Close()
	if n, err := j.VerifyAudit(t.Context()); err != nil || n != 2 {
		t.Errorf("the audit trail has %d entries, %v", n, err)
	}
}

// post sends a body as a browser on a page of this origin would, or as no browser.
func post(t *testing.T, url, body, origin string) (code int, said string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		request.Header.Set("Origin", origin)
	}
	answer, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}
