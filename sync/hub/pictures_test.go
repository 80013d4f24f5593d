package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

	"lungbox/capture/clip"
	"lungbox/capture/replay"
	"lungbox/sync/enrol"
	"lungbox/sync/frames"
	"lungbox/training/dataset"
)

// masked is frames of a real clip as a box has them.
func masked(t *testing.T, n int) (out []*image.Gray) {
	t.Helper()
	source, err := replay.Open(t.Context(), "../../daemon/demo/clips/vir_whitelung_h1n1.mp4", clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for len(out) < n {
		f, err := source.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if f.Unfit == "" {
			out = append(out, f.Image)
		}
	}
	return out
}

// named writes a name beside the fan, as a region that was set by hand may let in.
func named(p *image.Gray) *image.Gray {
	wide := image.NewGray(image.Rect(0, 0, p.Rect.Dx()+160, p.Rect.Dy()+60))
	for y := range p.Rect.Dy() {
		copy(wide.Pix[(y+60)*wide.Stride:], p.Pix[y*p.Stride:][:p.Rect.Dx()])
	}
	d := font.Drawer{Dst: wide, Src: image.NewUniform(color.White), Face: basicfont.Face7x13, Dot: fixed.P(p.Rect.Dx()+10, 30)}
	d.DrawString("MUELLER, HANS 1951")
	return wide
}

// Pictures go up over links that break, after their results and with nothing beside the
// fan, and land as a dataset that training reads.
func TestPictures(t *testing.T) {
	h := newHub(t)
	h.start()
	i := h.enrol("ward-3", "box-1")
	dir := t.TempDir()
	var idle atomic.Bool
	var records []string
	var mu sync.Mutex
	breaking := breakingProxy(t, i.Hub, secureClient(i, t))
	p, err := frames.New(frames.Config{
		Dir: dir, Quota: 2 << 20, Hub: breaking, Client: http.DefaultClient, Idle: idle.Load, Pause: 20 * time.Millisecond,
		Record: func(_ context.Context, detail string) {
			mu.Lock()
			defer mu.Unlock()
			records = append(records, detail)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	pictures := masked(t, 4)
	pictures[3] = named(pictures[3])
	b := startBox(t, i, t.TempDir(), nil)
	for n, picture := range pictures {
		if err := p.Add(b.Epoch(), uint64(n+1), picture, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "half.png.tmp"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Run(ctx) }()
	time.Sleep(200 * time.Millisecond)
	if p.Waiting() != 4 {
		t.Error("pictures were sent on a link that is not idle")
	}
	idle.Store(true)
	time.Sleep(300 * time.Millisecond)
	if p.Waiting() != 4 {
		t.Error("a picture was taken before its result")
	}
	b.record(t, 4)
	until(t, 30*time.Second, func() string { return h.words() }, func() bool { return p.Waiting() == 0 })
	cancel()
	<-done
	mu.Lock()
	said := strings.Join(records, "\n")
	mu.Unlock()
	if strings.Count(said, "picture of result") != 4 || !strings.Contains(said, "does not take the picture of result 4") || !strings.Contains(said, "look like writing") {
		t.Errorf("audit trail:\n%s", said)
	}
	folder := filepath.Join(h.state, "pictures")
	until(t, 20*time.Second, func() string { return "images.csv" }, func() bool {
		d, err := dataset.Read(folder)
		return err == nil && len(d.Rows) == 3
	})
	d, err := dataset.Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	for n, row := range d.Rows {
		text, err := os.ReadFile(filepath.Join(folder, row.File))
		if err != nil {
			t.Fatal(err)
		}
		got, err := png.Decode(bytes.NewReader(text))
		if err != nil || !bytes.Equal(got.(*image.Gray).Pix, pictures[n].Pix) {
			t.Errorf("%s: %v", row.File, err)
		}
		if _, scored := row.Label(); scored || row.Source != "ward-3" || row.Patient == "" {
			t.Errorf("row %+v", row)
		}
	}
	if left, err := os.ReadDir(filepath.Join(folder, "incoming")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	// A quota: the oldest go first.
	for n := range 200 {
		noise := image.NewGray(image.Rect(0, 0, 300, 300))
		for k := range noise.Pix {
			noise.Pix[k] = byte(rand.Uint32())
		}
		if err := p.Add(b.Epoch(), uint64(100+n), noise, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	var sum int64
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
	}
	if sum > 2<<20+10 || p.Waiting() < 10 {
		t.Errorf("%d bytes in %d pictures", sum, p.Waiting())
	}
	if _, err := os.Stat(filepath.Join(dir, b.Epoch()+"-100.png")); err == nil {
		t.Error("the oldest is still there")
	}
	s := h.database()
	all, err := s.Entries(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, e := range all {
		if e.Action == "picture" {
			taken++
		}
	}
	if taken != 3 {
		t.Errorf("%d pictures in the hub's audit trail", taken)
	}
}

func secureClient(i enrol.Identity, t *testing.T) *http.Client {
	t.Helper()
	secure, err := i.TLS()
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: secure}}
}

// breakingProxy is a way to the hub that breaks every second transfer in its middle.
func breakingProxy(t *testing.T, hub string, client *http.Client) string {
	t.Helper()
	target, err := url.Parse(hub)
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		half := count.Add(1)%2 == 1
		content := body.Bytes()
		if half {
			content = content[:len(content)/2]
		}
		u := *r.URL
		u.Scheme, u.Host = target.Scheme, target.Host
		ask, err := http.NewRequestWithContext(r.Context(), r.Method, u.String(), bytes.NewReader(content))
		if err != nil {
			panic(err)
		}
		got, err := client.Do(ask)
		if err != nil || half {
			panic(http.ErrAbortHandler) // the answer is lost, too
		}
		defer got.Body.Close()
		w.WriteHeader(got.StatusCode)
		var answer bytes.Buffer
		_, _ = answer.ReadFrom(got.Body)
		_, _ = w.Write(answer.Bytes())
	}))
	t.Cleanup(server.Close)
	return server.URL
}
