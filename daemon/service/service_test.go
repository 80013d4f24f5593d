package service

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// said keeps what the manager was told.
type said struct {
	mu  sync.Mutex
	all []string
}

func (s *said) notify(state string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, state)
	return nil
}

func (s *said) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

// The watchdog hears nothing more as soon as one loop hangs, and hears again when it
// turns again.
func TestOneLoopHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		manager := &said{}
		h := New(manager.notify, 3*time.Second, nil)
		panel, page := h.Pulse("panel", 2*time.Second), h.Pulse("page", 2*time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		var late []string
		done := make(chan struct{})
		go func() { defer close(done); h.Run(ctx, func(l string) { late = append(late, l) }) }()
		for range 10 {
			time.Sleep(time.Second)
			panel.Beat()
			page.Beat()
		}
		if got := manager.take(); len(got) < 9 || slices.ContainsFunc(got, func(s string) bool { return s != "WATCHDOG=1" }) || len(late) > 0 {
			t.Errorf("while all is well: %q, late %q", got, late)
		}
		for range 10 {
			time.Sleep(time.Second)
			page.Beat()
		}
		if got := manager.take(); len(got) > 3 {
			t.Errorf("while the panel hangs: %q", got)
		}
		if len(late) != 1 || !strings.HasPrefix(late[0], "panel has hung for 3s") {
			t.Errorf("complaints %q", late)
		}
		panel.BeatWithin(30 * time.Second) // a long step
		for range 20 {
			time.Sleep(time.Second)
			page.Beat()
		}
		if got := manager.take(); len(got) < 18 {
			t.Errorf("during a step that may take long: %q", got)
		}
		panel.Beat()
		for range 10 {
			time.Sleep(time.Second)
			page.Beat()
		}
		if got := manager.take(); len(got) > 3 {
			t.Errorf("after the step the usual limit holds again: %q", got)
		}
		panel.Ending(10 * time.Second)
		panel.Beat()
		for range 8 {
			time.Sleep(time.Second)
			page.Beat()
		}
		if got := manager.take(); len(got) < 7 {
			t.Errorf("while the panel ends: %q", got)
		}
		late = late[:1]
		panel.End()
		for range 5 {
			time.Sleep(time.Second)
			page.Beat()
		}
		if got := manager.take(); len(got) < 4 {
			t.Errorf("after the panel has ended: %q", got)
		}
		cancel()
		<-done
	})
}

func TestStatusIsSentOnce(t *testing.T) {
	manager := &said{}
	h := New(manager.notify, 0, nil)
	h.Status("running")
	h.Status("running")
	h.Status("no signal:\nunplugged")
	h.Ready()
	h.Stopping()
	want := []string{"STATUS=running", "STATUS=no signal: unplugged", "READY=1", "STOPPING=1"}
	if got := manager.take(); !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}

// What systemd's socket really gets.
func TestSystemdSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	New(Systemd, 0, nil).Ready()
	text := make([]byte, 100)
	n, err := l.Read(text)
	if err != nil || string(text[:n]) != "READY=1" {
		t.Errorf("the manager got %q (%v)", text[:n], err)
	}
}

func TestWatchdogInterval(t *testing.T) {
	for _, c := range []struct {
		micros, pid string
		want        time.Duration
	}{
		{"", "", 0}, {"2000000", "", 2 * time.Second}, {"2000000", strconv.Itoa(os.Getpid()), 2 * time.Second},
		{"2000000", "1", 0}, {"soon", "", 0}, {"-5", "", 0},
	} {
		env := map[string]string{"WATCHDOG_USEC": c.micros, "WATCHDOG_PID": c.pid}
		if got := WatchdogInterval(func(k string) string { return env[k] }); got != c.want {
			t.Errorf("%q for process %q: %v, want %v", c.micros, c.pid, got, c.want)
		}
	}
}
