package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lungbox/ensemble"
	"lungbox/sync/enrol"
	"lungbox/sync/faultstest"
	"lungbox/sync/uplink"
	"lungbox/sync/wire"
)

// One command on one side, one on the other: results arrive and are acknowledged.
func TestResultsArrive(t *testing.T) {
	metrics := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	h := newHub(t, "LUNGHUB_HUB_METRICS="+metrics)
	h.start()
	b := startBox(t, h.enrol("ward-3", "box-1"), t.TempDir(), nil)
	b.record(t, 1234)
	b.drained(t, h)
	if code, text := get(t, http.DefaultClient, "http://"+metrics+"/metrics"); code != http.StatusOK || !strings.Contains(string(text), "lunghub_results_new_total 1234\n") || !strings.Contains(string(text), "lunghub_boxes_connected 1\n") {
		t.Errorf("%d\n%s", code, text)
	}
	if err := b.Audit(t.Context(), "anna", "region", "1,2,3,4"); err != nil {
		t.Fatal(err)
	}
	s := h.database()
	if n, odd, err := s.Totals(t.Context()); n != 1234 || odd != 0 || err != nil {
		t.Errorf("%d results, %d odd, %v", n, odd, err)
	}
	all, err := s.Devices(t.Context())
	if err != nil || len(all) != 1 || !all[0].Online || all[0].Status.Epoch != b.Epoch() {
		t.Errorf("devices %+v, %v", all, err)
	}
	until(t, 20*time.Second, func() string { return "a copy of the audit trail\n" + h.words() }, func() bool {
		return h.sql("SELECT count(*) FROM box_audit WHERE device = 'box-1'") == 1
	})
	b.stop()
	until(t, 5*time.Second, func() string { return h.must("devices") }, func() bool { return strings.Contains(h.must("devices"), " off") })
}

// The hub is killed at any moment, again and again: nothing is lost, nothing is doubled.
func TestHubKilled(t *testing.T) {
	kills := faultstest.Times(t, "LUNGBOX_KILLS", 8)
	h := newHub(t)
	h.start()
	b := startBox(t, h.enrol("ward-3", "box-1"), t.TempDir(), nil)
	for k := range kills {
		b.record(t, 150)
		time.Sleep(time.Duration(k*13%50) * time.Millisecond)
		h.kill()
		b.record(t, 50)
		h.start()
	}
	b.drained(t, h)
	if n, odd, err := h.database().Totals(t.Context()); n != kills*200 || odd != 0 || err != nil {
		t.Errorf("%d results, %d odd, %v; want %d", n, odd, err, kills*200)
	}
	t.Logf("%d kills of the hub, %d results", kills, kills*200)
}

// The hub dies between commit and acknowledgement: what it has committed comes again and is
// kept once.
func TestHubDiesBeforeItAcknowledges(t *testing.T) {
	kills := faultstest.Times(t, "LUNGBOX_KILLS", 10)
	h := newHub(t)
	h.start()
	b := startBox(t, h.enrol("ward-3", "box-1"), t.TempDir(), nil)
	b.drained(t, h)
	h.kill()
	plain := h.environment
	for k := range kills {
		h.environment = append(append([]string{}, plain...), fmt.Sprintf("LUNGHUB_TEST_DIE=%d", k%2)) // at the commit of the state, or of the results
		h.start()
		b.record(t, 20)
		done := h.command
		until(t, 30*time.Second, func() string { return "the hub dies\n" + b.why() }, func() bool { return syscall.Kill(done.Process.Pid, 0) != nil || zombie(done.Process.Pid) })
		h.kill()
	}
	h.environment = plain
	h.start()
	b.record(t, 20)
	b.drained(t, h)
	if n, odd, err := h.database().Totals(t.Context()); n != (kills+1)*20 || odd != 0 || err != nil {
		t.Errorf("%d results, %d odd, %v; want %d", n, odd, err, (kills+1)*20)
	}
	t.Logf("%d deaths between commit and acknowledgement, %d results", kills, (kills+1)*20)
}

// zombie says whether a child has ended and nobody has asked for its exit code.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(text), ") Z ")
}

// What gathered in days without a link goes out at once when there is one.
func TestDrain(t *testing.T) {
	h := newHub(t)
	h.start()
	i := h.enrol("ward-3", "box-1")
	h.kill()
	b := startBox(t, i, t.TempDir(), nil)
	b.record(t, 10_000)
	h.start()
	until(t, 30*time.Second, func() string { return "a link\n" + b.why() }, func() bool { return b.why() == "" })
	began := time.Now()
	b.drained(t, h)
	t.Logf("10,000 results drained in %v", time.Since(began).Round(10*time.Millisecond))
	if n, odd, err := h.database().Totals(t.Context()); n != 10_000 || odd != 0 || err != nil {
		t.Errorf("%d results, %d odd, %v", n, odd, err)
	}
}

// A link on which nothing comes through any more, though nobody has closed it, is found
// dead within 1.5 keep-alives, while idle and while results are under way.
func TestHalfOpenLink(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	h.start()
	for name, busy := range map[string]bool{"idle": false, "busy": true} {
		i := h.enrol("ward-3", "box-"+name)
		way := newHole(t, h.boxes)
		i.Broker = "mqtts://" + way.address
		b := startBox(t, i, t.TempDir(), func(c *uplink.Config) { c.Patience = time.Minute })
		until(t, 20*time.Second, func() string { return b.why() }, func() bool { return b.why() == "" })
		began := time.Now()
		way.swallow.Store(true)
		if busy {
			b.record(t, 10)
		}
		until(t, 20*time.Second, func() string { return "the dead link is found" }, func() bool { return b.why() != "" })
		took := time.Since(began)
		t.Logf("%s: found dead after %v, the keep-alive is 3 s: %s", name, took.Round(10*time.Millisecond), b.why())
		if took > 5*time.Second { // 4.5 s, and half a second for a machine that is busy
			t.Errorf("%s: %v", name, took)
		}
		b.stop()
	}
}

// hole is a way to the broker that can swallow everything.
type hole struct {
	address string
	swallow atomic.Bool
}

func newHole(t *testing.T, port int) *hole {
	t.Helper()
	h := &hole{}
	h.address = relay(t, port, func(to, from net.Conn, _ bool) {
		buffer := make([]byte, 4096)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				if !h.swallow.Load() { // else not even the end comes through
					to.Close()
				}
				return
			}
			if !h.swallow.Load() {
				if _, err := to.Write(buffer[:n]); err != nil {
					return
				}
			}
		}
	})
	return h
}

// The centre loses its disk and is put back from a copy: boxes send what it misses.
func TestCentreLosesItsDisk(t *testing.T) {
	h := newHub(t)
	h.start()
	dir := t.TempDir()
	i := h.enrol("ward-3", "box-1")
	b := startBox(t, i, dir, nil)
	b.record(t, 100)
	b.drained(t, h)
	h.kill()
	h.sql("DELETE FROM result WHERE seq >= 61")
	h.sql("UPDATE mark SET ranges = '1-60'")
	h.start()
	until(t, 30*time.Second, func() string { return "the results that were lost\n" + b.why() + "\n" + h.words() }, func() bool {
		n, _, err := h.database().Totals(t.Context())
		return err == nil && n == 100
	})
}

// A code works once; a revoked box is put out and its results stay on it; another box's
// name is of no use.
func TestEnrolAndRevoke(t *testing.T) {
	h := newHub(t)
	h.start()
	address := "https://127.0.0.1:" + strings.TrimPrefix(h.environment[1], "LUNGHUB_HUB_LISTEN=127.0.0.1:")
	text := groups.FindString(h.must("enrol", "--site", "ward-3", "--device", "box-1"))
	code, err := enrol.ParseCode(strings.ToLower(strings.ReplaceAll(text, "-", " ")))
	if err != nil {
		t.Fatal(err)
	}
	i, err := enrol.Enrol(t.Context(), t.TempDir(), address, code)
	if err != nil || i.Box != (wire.Box{Site: "ward-3", Device: "box-1"}) {
		t.Fatalf("%+v, %v", i.Box, err)
	}
	if _, err := enrol.Enrol(t.Context(), t.TempDir(), address, code); err == nil || !strings.Contains(err.Error(), "not valid") {
		t.Errorf("the code works twice: %v", err)
	}
	other := enrol.NewCode([32]byte{1})
	if _, err := enrol.Enrol(t.Context(), t.TempDir(), address, other); err == nil || !strings.Contains(err.Error(), "not the one") {
		t.Errorf("another hub's code: %v", err)
	}
	if _, err := enrol.ParseCode(text[:len(text)-1] + "="); err == nil {
		t.Error("a wrong code is read")
	}
	if out, err := h.run("enrol", "--site", "Ward 3", "--device", "x"); err == nil || strings.Count(out, "\n") != 1 {
		t.Errorf("a wrong name: %q, %v", out, err)
	}

	b := startBox(t, i, filepath.Join(t.TempDir(), "j"), nil)
	b.record(t, 10)
	b.drained(t, h)
	began := time.Now()
	h.must("revoke", "box-1", "--why", "stolen")
	until(t, time.Minute, func() string { return "the revoked box is put out\n" + h.words() }, func() bool { return b.why() != "" })
	t.Logf("put out after %v", time.Since(began).Round(time.Millisecond))
	b.record(t, 5)
	time.Sleep(time.Second)
	if _, waiting := b.Count(); waiting != 5 {
		t.Errorf("%d results wait on a revoked box", waiting)
	}
	if n, _, err := h.database().Totals(t.Context()); n != 10 || err != nil {
		t.Errorf("%d results of a revoked box, %v", n, err)
	}
}

// A box finds its hub whatever the time is that it believes: without a battery it starts in 1970.
// Another hub, and the same one under another name, it does not take.
func TestBoxWithoutAClock(t *testing.T) {
	h := newHub(t)
	h.start()
	i := h.enrol("ward-3", "box-1")
	secure, err := i.TLS()
	if err != nil {
		t.Fatal(err)
	}
	try := func(c *tls.Config) error {
		d := tls.Dialer{Config: c}
		conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(i.Hub, "https://"))
		if err != nil {
			return err
		}
		return conn.Close()
	}
	for _, years := range []int{-56, -10, 0, 10} {
		c := secure.Clone()
		c.Time = func() time.Time { return time.Now().AddDate(years, 0, 0) }
		if err := try(c); err != nil {
			t.Errorf("%d years off: %v", years, err)
		}
	}
	other := newHub(t)
	other.start()
	j := other.enrol("ward-3", "box-1")
	j.Hub, j.Broker = i.Hub, i.Broker
	if secure, err = j.TLS(); err != nil {
		t.Fatal(err)
	}
	if err := try(secure); err == nil {
		t.Error("another authority's hub is taken")
	}
	i.Hub, i.Broker = "https://hub.example:1", "mqtts://hub.example:2"
	if secure, err = i.TLS(); err != nil {
		t.Fatal(err)
	}
	d := tls.Dialer{Config: secure}
	if conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(h.environment[1], "LUNGHUB_HUB_LISTEN=")); err == nil {
		conn.Close()
		t.Error("a hub of another name is taken")
	}
}

// Results of a box whose clock jumps by years come in their order, all of them, and none is
// taken for old or for another.
func TestClockJumps(t *testing.T) {
	h := newHub(t)
	h.start()
	i := h.enrol("ward-3", "box-1")
	b := startBox(t, i, t.TempDir(), nil)
	var times []time.Time
	for n, years := range []int{0, -10, -56, 10, 0, -10, 10, 0} {
		at := time.Now().AddDate(years, 0, 0).Truncate(time.Microsecond)
		times = append(times, at)
		if err := b.Record(t.Context(), ensemble.Result{
			Device: "box-1", Epoch: b.Epoch(), Seq: uint64(n + 1), Time: at, Score: 1, Reason: ensemble.Majority, Confidence: 0.9,
			Votes: []ensemble.Vote{{Net: "googlenet", Score: 1}}, Release: "2026.11.27-1", File: "live",
		}); err != nil {
			t.Fatal(err)
		}
		if n%3 == 1 {
			b.drained(t, h)
		}
	}
	b.drained(t, h)
	for n, at := range times {
		if got := h.sql(fmt.Sprintf("SELECT time FROM result WHERE seq = %d", n+1)); int64(got) != at.UnixMicro() {
			t.Errorf("result %d has time %d, want %d", n+1, got, at.UnixMicro())
		}
	}
	if n, odd, err := h.database().Totals(t.Context()); n != len(times) || odd != 0 || err != nil {
		t.Errorf("%d results, %d odd, %v", n, odd, err)
	}
}

// A box with a certificate of its own gets neither into another's name nor topics.
func TestOwnTopicsOnly(t *testing.T) {
	h := newHub(t)
	h.start()
	i, victim := h.enrol("ward-3", "box-1"), h.enrol("ward-3", "box-2")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	dial := func(client, filter, will string) error { return tryLink(ctx, i, client, filter, will) }
	if err := dial("box-1", i.Box.Down(), i.Box.Topic(wire.State)); err != nil {
		t.Errorf("its own: %v", err)
	}
	for name, attempt := range map[string]func() error{
		"another's name": func() error { return dial("box-2", i.Box.Down(), "") },
		"another's will": func() error { return dial("box-1", i.Box.Down(), victim.Box.Topic(wire.Ack)) },
		"all topics":     func() error { return dial("box-1", "#", "") },
		"another's acks": func() error { return dial("box-1", victim.Box.Down(), "") },
		"writing elsewhere": func() error {
			return tryPublish(ctx, i, victim.Box.Topic(wire.State), []byte(`{"boot":"x","online":true}`))
		},
		"writing acks": func() error { return tryPublish(ctx, i, i.Box.Topic(wire.Ack), []byte(`{}`)) },
		"another's site": func() error {
			return tryPublish(ctx, i, wire.Box{Site: "ward-4", Device: "box-1"}.Topic(wire.State), []byte(`{}`))
		},
		"no batch at all":   func() error { return tryPublish(ctx, i, i.Box.Topic(wire.Result), []byte("rubbish")) },
		"a bomb of a batch": func() error { return tryPublish(ctx, i, i.Box.Topic(wire.Result), bomb()) },
	} {
		if err := attempt(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if all, err := h.database().Devices(t.Context()); err != nil || all[1].Status.Boot != "" {
		t.Errorf("the other box's state: %+v, %v", all, err)
	}
}
