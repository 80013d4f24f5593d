package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lungbox/daemon/commandline"
	"lungbox/ensemble"
	"lungbox/sync/enrol"
	"lungbox/sync/hub/store"
	"lungbox/sync/journal"
	"lungbox/sync/mqtt"
	"lungbox/sync/uplink"
)

// The test binary is the program, too.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LUNGHUB_TEST_BOX"); dir != "" {
		useBox(dir)
	}
	if os.Getenv("LUNGHUB_TEST_PROGRAM") == "1" {
		root := newRoot()
		if n, err := strconv.Atoi(os.Getenv("LUNGHUB_TEST_DIE")); err == nil {
			for _, c := range root.Commands() {
				if c.Name() == "serve" {
					root.RemoveCommand(c)
				}
			}
			root.AddCommand(newServe(func() {
				if n--; n < 0 {
					_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
					select {}
				}
			}))
		}
		os.Exit(commandline.Main(root, os.Args[1:], os.Stderr))
	}
	os.Exit(m.Run())
}

// hub is lunghub in a folder, with its settings in the environment.
type hub struct {
	*testing.T
	state       string
	port, boxes int
	environment []string

	command *exec.Cmd
	mu      sync.Mutex
	said    bytes.Buffer
}

func newHub(t *testing.T, environment ...string) *hub {
	h := &hub{T: t, state: t.TempDir(), port: freePort(t), boxes: freePort(t)}
	h.environment = append([]string{
		"LUNGHUB_HUB_STATE=" + h.state, fmt.Sprintf("LUNGHUB_HUB_LISTEN=127.0.0.1:%d", h.port),
		"LUNGHUB_HUB_NAMES=127.0.0.1", fmt.Sprintf("LUNGHUB_BROKER_LISTEN=127.0.0.1:%d", h.boxes),
	}, environment...)
	return h
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (h *hub) program(args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(append(os.Environ(), "LUNGHUB_TEST_PROGRAM=1"), h.environment...)
	return c
}

// run runs a command to its end.
func (h *hub) run(args ...string) (string, error) {
	out, err := h.program(args...).CombinedOutput()
	return string(out), err
}

func (h *hub) must(args ...string) string {
	h.Helper()
	out, err := h.run(args...)
	if err != nil {
		h.Fatalf("lunghub %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// start starts lunghub serve and waits until it serves.
func (h *hub) start() {
	h.Helper()
	h.command = h.program("serve")
	pipe, err := h.command.StderrPipe()
	if err != nil {
		h.Fatal(err)
	}
	if err := h.command.Start(); err != nil {
		h.Fatal(err)
	}
	up := make(chan bool, 1)
	go func() {
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			h.mu.Lock()
			h.said.WriteString(lines.Text() + "\n")
			h.mu.Unlock()
			if strings.Contains(lines.Text(), "the hub is at") {
				up <- true
			}
		}
		close(up)
	}()
	h.Cleanup(h.kill)
	select {
	case ok := <-up:
		if !ok {
			h.Fatalf("the hub has ended:\n%s", h.words())
		}
	case <-time.After(30 * time.Second):
		h.Fatalf("the hub does not serve:\n%s", h.words())
	}
}

func (h *hub) words() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.said.String()
}

// kill kills it with SIGKILL.
func (h *hub) kill() {
	if h.command != nil && h.command.Process != nil {
		_ = h.command.Process.Kill()
		_ = h.command.Wait()
		h.command = nil
	}
}

func (h *hub) database() *store.Store {
	h.Helper()
	s, err := store.Open(h.Context(), filepath.Join(h.state, "hub.db"))
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { s.Close() })
	return s
}

// sql runs a statement on the hub's database and returns the number that it gives, if any.
func (h *hub) sql(statement string) (n int) {
	h.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(h.state, "hub.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		h.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(h.Context(), statement).Scan(&n); err != nil && !errors.Is(err, sql.ErrNoRows) {
		h.Fatal(err)
	}
	return n
}

var groups = regexp.MustCompile(`[0-9A-Z]{4}(-[0-9A-Z]{4}){7}`)

// enrol makes a box.
func (h *hub) enrol(site, device string) enrol.Identity {
	h.Helper()
	return h.enrolIn(h.TempDir(), site, device)
}

// enrolIn makes a box whose identity lies in a folder.
func (h *hub) enrolIn(folder, site, device string) enrol.Identity {
	h.Helper()
	code, err := enrol.ParseCode(groups.FindString(h.must("enrol", "--site", site, "--device", device)))
	if err != nil {
		h.Fatal(err)
	}
	i, err := enrol.Enrol(h.Context(), folder, fmt.Sprintf("https://127.0.0.1:%d", h.port), code)
	if err != nil {
		h.Fatal(err)
	}
	return i
}

// box is an uplink and its journal.
type box struct {
	*journal.Journal
	identity enrol.Identity
	up       *uplink.Uplink
	stop     func()

	mu      sync.Mutex
	trouble string
}

// start runs a box's uplink until the test ends.
func startBox(t *testing.T, i enrol.Identity, dir string, change func(*uplink.Config)) *box {
	t.Helper()
	j, err := journal.Open(t.Context(), dir, journal.Options{Reserve: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	b := &box{Journal: j, identity: i, trouble: "not connected yet"}
	secure, err := i.TLS()
	if err != nil {
		t.Fatal(err)
	}
	way, err := mqtt.New(mqtt.Config{Broker: i.Broker, Client: i.Box.Device, TLS: secure, KeepAlive: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	c := uplink.Config{
		Box: i.Box, Journal: j, Transport: way, RetryMin: 50 * time.Millisecond, RetryMax: 500 * time.Millisecond, Gather: 5 * time.Millisecond, Patience: 3 * time.Second,
		Changed: func(trouble string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.trouble = trouble
		},
	}
	if change != nil {
		change(&c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	b.up = uplink.New(c, fmt.Sprint(time.Now().UnixNano()))
	go func() {
		defer close(ended)
		_ = b.up.Run(ctx)
	}()
	b.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(b.stop)
	return b
}

func (b *box) why() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.trouble
}

// record keeps n more results.
func (b *box) record(t *testing.T, n int) {
	t.Helper()
	var all sync.WaitGroup
	first := b.LastSeq()
	for i := range n {
		all.Go(func() {
			err := b.Record(t.Context(), ensemble.Result{
				Device: b.identity.Box.Device, Epoch: b.Epoch(), Seq: first + uint64(i) + 1, Time: time.Now(), Score: ensemble.Score(i % 4), Reason: ensemble.Majority,
				Confidence: 0.9, Votes: []ensemble.Vote{{Net: "googlenet", Score: ensemble.Score(i % 4)}}, Release: "2026.11.27-1", File: "live",
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// until waits for something that must come true; the limit is for a broken program.
func until(t *testing.T, limit time.Duration, what func() string, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !true(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what())
		}
	}
}

// drained waits until the centre has acknowledged everything.
func (b *box) drained(t *testing.T, h *hub) {
	t.Helper()
	until(t, time.Minute, func() string {
		_, waiting := b.Count()
		return fmt.Sprintf("%d results wait; link: %s; the hub says\n%s", waiting, b.why(), h.words())
	}, func() bool { _, waiting := b.Count(); return waiting == 0 })
}
