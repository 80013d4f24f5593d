package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"crypto/ed25519"
	"os"
	"path/filepath"

	"lungbox/sync/faultstest"
	"lungbox/sync/ota"
	"lungbox/sync/repository"
	"lungbox/sync/uplink"
)

// thin is a way of so many bytes a second with a queue of 64 kB, as radio links have, that all
// connections of a box share in each direction.
type thin struct {
	t        *testing.T
	rate     int
	up, down chan packet
}

type packet struct {
	to    net.Conn
	bytes []byte // nil: the end
}

// Rates in bytes a second: a slow mobile network, and the slowest that is spoken of (64 kbit/s).
const (
	mobile  = 64 << 10
	slowest = 64_000 / 8
)

func newThin(t *testing.T, rate int) *thin {
	w := &thin{t: t, rate: rate, up: make(chan packet, 16), down: make(chan packet, 16)}
	for _, way := range []chan packet{w.up, w.down} {
		go func() {
			for p := range way {
				if p.bytes == nil {
					p.to.Close()
					continue
				}
				time.Sleep(time.Duration(len(p.bytes)) * time.Second / time.Duration(w.rate))
				_, _ = p.to.Write(p.bytes) // who has gone hears nothing
			}
		}()
	}
	return w
}

// door is an address at the box's end of the way, for a port at the hub's.
func (w *thin) door(port int) string {
	return relay(w.t, port, func(to, from net.Conn, toHub bool) {
		way := w.down
		if toHub {
			way = w.up
		}
		for {
			buffer := make([]byte, 4096)
			n, err := from.Read(buffer)
			if err != nil {
				way <- packet{to, nil}
				return
			}
			way <- packet{to, buffer[:n]}
		}
	})
}

// While a release comes over a thin link, results go on being acknowledged, and giving way
// to them is worth it.
func TestResultsOvertakeDownloads(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	online := strings.TrimSpace(h.must("repository", "key"))
	repo := repository.Open(filepath.Join(h.state, "releases"))
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	hubKey, err := repository.ReadPublic(online)
	if err != nil {
		t.Fatal(err)
	}
	if err := repo.Create([]ed25519.PublicKey{key.Public().(ed25519.PublicKey)}, 1, hubKey); err != nil {
		t.Fatal(err)
	}
	if err := repo.Add(fstest.MapFS{"net.bin": {Data: make([]byte, 64<<20)}}, ota.Custom{Name: "r", Counter: 1}, ota.Pieces{}); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Sign(key); err != nil {
		t.Fatal(err)
	}
	h.start()
	root, err := os.ReadFile(filepath.Join(h.state, "releases", "metadata", "1.root.json"))
	if err != nil {
		t.Fatal(err)
	}
	median := map[bool]time.Duration{}
	for _, gives := range []bool{false, true} {
		i := h.enrol("ward-3", fmt.Sprintf("box-%t", gives))
		secure, err := i.TLS()
		if err != nil {
			t.Fatal(err)
		}
		secure.ServerName = "127.0.0.1"
		way := newThin(t, mobile)
		i.Broker = "mqtts://" + way.door(h.boxes)
		target := way.door(h.port)
		b := startBox(t, i, t.TempDir(), func(c *uplink.Config) { c.Patience = time.Minute })
		until(t, 30*time.Second, func() string { return b.why() }, func() bool { return b.why() == "" })
		source := ota.HTTP{Base: "https://" + target + "/tuf", Client: &http.Client{Transport: &http.Transport{TLSClientConfig: secure}}}
		dir := t.TempDir()
		trust, err := ota.OpenTrust(dir, root, time.Time{}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]ota.Release
		until(t, 30*time.Second, func() string { return fmt.Sprint("the release: ", err) }, func() bool {
			all, err = trust.Refresh(t.Context(), source)
			return err == nil && len(all) == 1
		})
		ctx, cancel := context.WithCancel(t.Context())
		var loaded atomic.Int64
		f := &ota.Fetcher{Source: source, Dir: dir, Tell: func(p ota.Progress) { loaded.Store(p.Loaded) }}
		if gives {
			f.Yield = func(ctx context.Context) (bool, error) {
				for b.up.Busy() && ctx.Err() == nil {
					time.Sleep(20 * time.Millisecond)
				}
				return b.up.Quiet() < 10*time.Second, ctx.Err()
			}
		}
		done := make(chan struct{})
		go func() { defer close(done); _, _ = f.Fetch(ctx, all["r"]) }()
		b.record(t, 1)
		time.Sleep(3 * time.Second) // the link is full
		var took []time.Duration
		for range 10 {
			began := time.Now()
			b.record(t, 3)
			b.drained(t, h)
			took = append(took, time.Since(began))
			time.Sleep(300 * time.Millisecond)
		}
		cancel()
		<-done
		b.stop()
		slices.Sort(took)
		median[gives] = took[5]
		t.Logf("giving way %t: results acknowledged after %v (median), %v (longest), while %d kB of a release came over a link of 64 kB/s",
			gives, took[5].Round(time.Millisecond), took[9].Round(time.Millisecond), loaded.Load()>>10)
		if loaded.Load() < 200<<10 {
			t.Error("the download stood still")
		}
	}
	if median[true] > median[false] {
		t.Errorf("giving way costs time: %v", median)
	}
}

// Over 64 kbit/s a box that scores ten frames a second is never far behind: minutes of it in a
// campaign (LUNGBOX_SECONDS).
func TestSlowestLink(t *testing.T) {
	seconds := faultstest.Times(t, "LUNGBOX_SECONDS", 8)
	h := newHub(t)
	h.start()
	way := newThin(t, slowest)
	i := h.enrol("ward-3", "box-1")
	i.Broker = "mqtts://" + way.door(h.boxes)
	b := startBox(t, i, t.TempDir(), func(c *uplink.Config) { c.Patience, c.Gather = 30*time.Second, 500*time.Millisecond })
	b.record(t, 2000) // of an hour without a link
	began := time.Now()
	b.drained(t, h)
	caught := time.Since(began)
	most := uint64(0)
	for range 10 * seconds {
		b.record(t, 1)
		time.Sleep(100 * time.Millisecond)
		_, waiting := b.Count()
		most = max(most, waiting)
	}
	b.drained(t, h)
	t.Logf("2000 results over 64 kbit/s in %v; then ten a second for %d s: at most %d waited", caught.Round(100*time.Millisecond), seconds, most)
	if most > 100 {
		t.Errorf("%d results waited", most)
	}
	if n, odd, err := h.database().Totals(t.Context()); n != 2000+10*seconds || odd != 0 || err != nil {
		t.Errorf("%d results, %d odd, %v", n, odd, err)
	}
}
