package updater_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"lungbox/daemon/updater"
	"lungbox/sync/ota"
	"lungbox/sync/repository"
)

// engine is what a box's engine does, as a test says.
type engine struct {
	mu     sync.Mutex
	fails  string        // why the next engine does not start
	tried  []string      // first letters of manifests of the releases that were tried
	after  func(*engine) // happens when a release takes over
	health updater.Health
}

func (e *engine) Try(_ context.Context, folder string) (start updater.Health, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	start = e.health
	name := "built-in"
	if folder != "" {
		text, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
		if err != nil {
			return start, err
		}
		name = string(text)
	}
	e.tried = append(e.tried, name)
	if e.fails != "" && folder != "" {
		return start, errors.New(e.fails)
	}
	if e.after != nil && folder != "" {
		e.after(e)
	}
	return start, nil
}

func (e *engine) Health() updater.Health {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.health
}

func (e *engine) set(change func(*engine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

// rig is a box's updater and a repository with one release after the other.
type rig struct {
	*testing.T
	*engine
	dir     string
	repo    *repository.Repository
	key     ed25519.PrivateKey
	up      *updater.Updater
	clock   func() time.Time
	open    func(time.Time) bool
	mu      sync.Mutex
	records []string
	stop    func()
	source  ota.Source
	root    []byte
	counter uint64
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, engine: &engine{health: updater.Health{Median: 50 * time.Millisecond}}, dir: t.TempDir(), clock: time.Now}
	var err error
	if _, r.key, err = ed25519.GenerateKey(nil); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	r.repo = repository.Open(folder)
	public := r.key.Public().(ed25519.PublicKey)
	if err := r.repo.Create([]ed25519.PublicKey{public}, 1, public); err != nil {
		t.Fatal(err)
	}
	if _, err := r.repo.Sign(r.key); err != nil {
		t.Fatal(err)
	}
	if r.root, err = os.ReadFile(filepath.Join(folder, "metadata", "1.root.json")); err != nil {
		t.Fatal(err)
	}
	if r.source, err = ota.OpenFolder(folder); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) publish(name string) {
	r.Helper()
	r.counter++
	if err := r.repo.Add(fstest.MapFS{"manifest.json": {Data: []byte(name)}}, ota.Custom{Name: name, Counter: r.counter}, ota.Pieces{}); err != nil {
		r.Fatal(err)
	}
	if _, err := r.repo.Sign(r.key); err != nil {
		r.Fatal(err)
	}
	if _, err := r.repo.Online(r.key); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) start() {
	r.Helper()
	trust, err := ota.OpenTrust(r.dir, r.root, time.Time{}, func() time.Time { return r.clock() })
	if err != nil {
		r.Fatal(err)
	}
	r.up = updater.New(updater.Config{
		Dir: r.dir, Trust: trust, Source: r.source, Engine: r.engine, Open: func(now time.Time) bool { return r.open == nil || r.open(now) },
		Record: func(_ context.Context, action, detail string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.records = append(r.records, action+": "+detail)
		},
		Probation: 200 * time.Millisecond, Retry: 20 * time.Millisecond,
	})
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.up.Run(ctx) }()
	r.stop = sync.OnceFunc(func() { cancel(); <-done })
	r.Cleanup(r.stop)
}

// until waits for a step.
func (r *rig) until(step updater.Step, reason string) {
	r.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		s := r.up.Status()
		if s.Step == step && strings.Contains(s.Reason, reason) {
			return
		}
		if time.Now().After(deadline) {
			r.Fatalf("never %s %q: %+v", step, reason, s)
		}
	}
}

func (r *rig) current() string {
	r.Helper()
	s, err := ota.OpenSlots(r.dir)
	if err != nil {
		r.Fatal(err)
	}
	if s.Current == nil {
		return "built-in"
	}
	return s.Current.Name
}

func (r *rig) check(current, tried string) {
	r.Helper()
	r.engine.mu.Lock()
	defer r.engine.mu.Unlock()
	if got := strings.Join(r.tried, " "); r.current() != current || got != tried {
		r.Errorf("%s scores, tried %q; want %s and %q; %q", r.current(), got, current, tried, r.records)
	}
}

func TestInstalls(t *testing.T) {
	r := newRig(t)
	r.publish("a")
	r.start()
	r.up.Want(updater.Wish{Generation: 1, Release: "a"})
	r.until(updater.Finished, "")
	r.up.Want(updater.Wish{Generation: 1, Release: "a"}) // heard again with every connection
	r.publish("b")
	r.up.Want(updater.Wish{Generation: 2}) // the newest
	r.until(updater.Finished, "")
	for deadline := time.Now().Add(5 * time.Second); r.current() != "b" && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	r.check("b", "a b")
	r.up.Want(updater.Wish{Generation: 3, Release: "a"}) // a counter that is too low
	r.until(updater.Refused, "counter")
	r.check("b", "a b")
}

func TestRollsBack(t *testing.T) {
	for name, test := range map[string]struct {
		after  func(*engine)
		reason string
	}{
		"dies":   {func(e *engine) { e.health.GaveUp++ }, "gave up"},
		"faults": {func(e *engine) { e.health.Faults += 3 }, "engine fault"},
		"slow":   {func(e *engine) { e.health.Median = 400 * time.Millisecond }, "before it took 50ms"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.publish("good")
			r.start()
			r.up.Want(updater.Wish{Generation: 1, Release: "good"})
			r.until(updater.Finished, "")
			r.publish("bad")
			r.set(func(e *engine) { e.after = test.after })
			r.up.Want(updater.Wish{Generation: 2, Release: "bad"})
			r.until(updater.RolledBack, test.reason)
			r.check("good", "good bad good")
			r.up.Want(updater.Wish{Generation: 3, Release: "bad"})
			r.until(updater.Refused, "not tried again")
			r.check("good", "good bad good")
		})
	}
}

func TestGoldenFrames(t *testing.T) {
	r := newRig(t)
	r.publish("bad")
	r.set(func(e *engine) { e.fails = "golden frame 000.png: 0.3 off" })
	r.start()
	r.up.Want(updater.Wish{Generation: 1})
	r.until(updater.Refused, "golden frame")
	r.check("built-in", "bad")
}

// Outside its window a release is downloaded and waits; what has expired is not installed.
func TestWaits(t *testing.T) {
	r := newRig(t)
	var mu sync.Mutex
	opened, later := false, time.Duration(0)
	r.open = func(time.Time) bool { mu.Lock(); defer mu.Unlock(); return opened }
	r.clock = func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(later) }
	r.publish("a")
	r.start()
	r.up.Want(updater.Wish{Generation: 1})
	r.until(updater.Waiting, "maintenance window")
	r.check("built-in", "")
	mu.Lock()
	opened = true
	mu.Unlock()
	r.until(updater.Finished, "")
	r.check("a", "a")
	mu.Lock()
	later = 15 * 24 * time.Hour
	mu.Unlock()
	r.up.Want(updater.Wish{Generation: 2})
	r.until(updater.Waiting, "expired")
	r.check("a", "a")
}

// A box that stops while a release is on trial goes on with it once; the second time the
// release is not tried again.
func TestTrialThatIsCutOff(t *testing.T) {
	r := newRig(t)
	r.publish("a")
	cut := make(chan struct{})
	r.set(func(e *engine) { e.after = func(*engine) { close(cut) } })
	r.start()
	r.up.Want(updater.Wish{Generation: 1})
	<-cut
	r.stop()
	r.check("built-in", "a")

	cut = make(chan struct{})
	r.set(func(e *engine) { e.after = func(*engine) { close(cut) } })
	r.start() // the mains are back: the trial goes on by itself
	<-cut
	r.stop()
	r.set(func(e *engine) { e.after = nil })
	r.start()
	time.Sleep(100 * time.Millisecond)
	r.up.Want(updater.Wish{Generation: 1})
	r.until(updater.Refused, "stopped twice")
	r.check("built-in", "a a")
}

// A pinned box installs nothing, and what is still desired once it is unpinned.
func TestPinned(t *testing.T) {
	r := newRig(t)
	r.publish("a")
	pin := func(on bool) {
		t.Helper()
		s, err := ota.OpenSlots(r.dir)
		if err == nil {
			err = s.Pin(on)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	pin(true)
	r.start()
	r.up.Want(updater.Wish{Generation: 1})
	r.until(updater.Waiting, "pinned")
	r.check("built-in", "")
	pin(false)
	r.until(updater.Finished, "")
	r.check("a", "a")
}
