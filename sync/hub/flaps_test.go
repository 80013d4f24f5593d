package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lungbox/sync/faultstest"
)

// cutter is a way to the broker whose connections can all be cut, with or without a word.
type cutter struct {
	address string
	mu      sync.Mutex
	open    map[*net.TCPConn]bool
}

func newCutter(t *testing.T, port int) *cutter {
	t.Helper()
	c := &cutter{open: map[*net.TCPConn]bool{}}
	keep := func(conn net.Conn, on bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if tcp := conn.(*net.TCPConn); on {
			c.open[tcp] = true
		} else {
			delete(c.open, tcp)
		}
	}
	c.address = relay(t, port, func(to, from net.Conn, _ bool) {
		keep(from, true)
		defer keep(from, false)
		buffer := make([]byte, 16<<10)
		for {
			n, err := from.Read(buffer)
			if err == nil {
				_, err = to.Write(buffer[:n])
			}
			if err != nil {
				to.Close()
				from.Close()
				return
			}
		}
	})
	return c
}

// cut ends all connections; hard: with a reset, so that what is under way is lost.
func (c *cutter) cut(hard bool) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		if hard {
			_ = conn.SetLinger(0)
		}
		conn.Close()
		n++
	}
	return n
}

// A link that comes and goes, a thousand times in a campaign (LUNGBOX_FLAPS), loses nothing,
// and leaves neither box nor hub with more memory, goroutines or files than before.
func TestFlaps(t *testing.T) {
	flaps := faultstest.Times(t, "LUNGBOX_FLAPS", 40)
	h := newHub(t)
	h.start()
	i := h.enrol("ward-3", "box-1")
	way := newCutter(t, h.boxes)
	i.Broker = "mqtts://" + way.address
	b := startBox(t, i, t.TempDir(), nil)
	b.record(t, 20)
	b.drained(t, h)
	type state struct {
		goroutines int
		heap       uint64
		files, hub int // open files of the hub; its memory in kB
		busy       time.Duration
	}
	look := func() (s state) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		s.goroutines, s.heap = runtime.NumGoroutine(), m.HeapAlloc
		proc := fmt.Sprintf("/proc/%d", h.command.Process.Pid)
		fds, err := os.ReadDir(filepath.Join(proc, "fd"))
		if err != nil {
			t.Fatal(err)
		}
		s.files = len(fds)
		status, err := os.ReadFile(filepath.Join(proc, "status"))
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(status), "VmRSS:")
		fmt.Sscan(after, &s.hub)
		var used unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
			t.Fatal(err)
		}
		s.busy = time.Duration(used.Utime.Nano() + used.Stime.Nano())
		return s
	}
	before, began := look(), time.Now()
	cut := 0
	for k := range flaps {
		b.record(t, 3)
		time.Sleep(time.Duration(20+k*37%130) * time.Millisecond)
		cut += way.cut(k%2 == 0)
	}
	lasted := time.Since(began)
	busy := look().busy - before.busy
	b.drained(t, h)
	until(t, 20*time.Second, func() string { return fmt.Sprintf("what was opened is closed: %+v, before %+v", look(), before) }, func() bool {
		now := look()
		return now.goroutines <= before.goroutines+2 && now.files <= before.files+2
	})
	after := look()
	t.Logf("%d flaps in %v, %d connections cut; the box took %.0f %% of a core; goroutines %d to %d, heap %d to %d kB; the hub's files %d to %d, memory %d to %d MB",
		flaps, lasted.Round(time.Second), cut, 100*busy.Seconds()/lasted.Seconds(), before.goroutines, after.goroutines, before.heap>>10, after.heap>>10, before.files, after.files, before.hub>>10, after.hub>>10)
	if after.heap > before.heap+(8<<20) {
		t.Errorf("the box's heap grew from %d to %d kB", before.heap>>10, after.heap>>10)
	}
	if after.hub > before.hub+(64<<10) {
		t.Errorf("the hub grew from %d to %d MB", before.hub>>10, after.hub>>10)
	}
	if n, odd, err := h.database().Totals(t.Context()); n != 20+3*flaps || odd != 0 || err != nil {
		t.Errorf("%d results, %d odd, %v; want %d", n, odd, err, 20+3*flaps)
	}
	if cut < flaps/2 {
		t.Errorf("only %d connections were cut", cut)
	}
}
