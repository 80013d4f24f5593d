package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lungbox/sync/faultstest"
	"lungbox/sync/journal"
)

// realHub builds lunghub and starts it.
type realHub struct {
	t           *testing.T
	binary      string
	environment []string
	port        int
	state       string
	command     *exec.Cmd

	mu   sync.Mutex
	said strings.Builder
}

func startHub(t *testing.T) *realHub {
	t.Helper()
	dir := t.TempDir()
	h := &realHub{t: t, binary: filepath.Join(dir, "lunghub"), port: freePort(t), state: filepath.Join(dir, "state")}
	build := exec.Command("go", "build", "-o", h.binary, "lungbox/sync/hub")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	h.environment = append(os.Environ(),
		"LUNGHUB_HUB_STATE="+h.state, fmt.Sprintf("LUNGHUB_HUB_LISTEN=127.0.0.1:%d", h.port),
		"LUNGHUB_HUB_NAMES=127.0.0.1", fmt.Sprintf("LUNGHUB_BROKER_LISTEN=127.0.0.1:%d", freePort(t)))
	h.start()
	t.Cleanup(h.kill)
	return h
}

func (h *realHub) start() {
	h.t.Helper()
	h.command = exec.Command(h.binary, "serve")
	h.command.Env = h.environment
	pipe, err := h.command.StderrPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.command.Start(); err != nil {
		h.t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "the hub is at") {
			go func() {
				for lines.Scan() {
					h.mu.Lock()
					h.said.WriteString(lines.Text() + "\n")
					h.mu.Unlock()
				}
			}()
			return
		}
	}
	h.t.Fatal("the hub does not serve")
}

// words is what the hub has logged.
func (h *realHub) words() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.said.String()
}

func (h *realHub) kill() {
	if h.command != nil {
		_ = h.command.Process.Kill()
		_ = h.command.Wait()
		h.command = nil
	}
}

func (h *realHub) run(args ...string) string {
	h.t.Helper()
	c := exec.Command(h.binary, args...)
	c.Env = h.environment
	out, err := c.CombinedOutput()
	if err != nil {
		h.t.Fatalf("lunghub %v: %v\n%s", args, err, out)
	}
	return string(out)
}

var codes = regexp.MustCompile(`[0-9A-Z]{4}(-[0-9A-Z]{4}){7}`)

// A real box, killed at any moment while it scores and sends, and a real hub, killed too:
// what is in the box's journal is at the centre, once. LUNGBOX_KILLS sets how often.
func TestBoxAndHubKilled(t *testing.T) {
	kills := faultstest.Times(t, "LUNGBOX_KILLS", 4)
	h := startHub(t)
	dir := t.TempDir()
	config := boxConfig(t, dir, "[centre]\nkeepalive = 3\n")
	code := codes.FindString(h.run("enrol", "--site", "ward-3", "--device", "bedside-7"))
	c := lungbox(t, append([]string{"enrol", "--config", config, fmt.Sprintf("https://127.0.0.1:%d", h.port)}, strings.Split(code, "-")...)...)
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "bedside-7 of ward-3") {
		t.Fatalf("%v\n%s", err, out)
	}
	for k := range kills {
		r := startBox(t, config)
		time.Sleep(rand.N(1500 * time.Millisecond)) // while it starts, scores, sends
		if k%2 == 1 {
			h.kill()
			time.Sleep(rand.N(200 * time.Millisecond))
			h.start()
		}
		r.end(syscall.SIGKILL)
	}
	r := startBox(t, config)
	until(t, r, "results", func() bool { return r.state(t).Counters.Judged > 20 })
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	ended := strings.Replace(string(text), "loop = true", "loop = false", 1)
	if err := os.WriteFile(config, []byte(ended), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, r, "the centre has everything", func() bool {
		s := r.state(t)
		return s.State == "ended" && s.Centre == "connected, has everything"
	})
	if out, err := lungbox(t, "doctor", "--json", "--config", config).CombinedOutput(); !strings.Contains(string(out), "lets ward-3/bedside-7 in") {
		t.Errorf("doctor: %v\n%s", err, out)
	}
	r.end(os.Interrupt)
	j := stored(t, dir)
	defer j.Close()
	results, waiting := j.Count()
	if waiting != 0 || results < 20 {
		t.Errorf("%d results, %d wait", results, waiting)
	}
	var device struct {
		Status struct{ Last uint64 }
		Odd    int
	}
	if err := json.Unmarshal([]byte(h.run("devices", "--json")), &device); err != nil || device.Odd != 0 {
		t.Errorf("%+v, %v", device, err)
	}
	at := h.results(t)
	all, err := j.Results(t.Context(), journal.Query{Limit: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	if len(at) != len(all) {
		t.Errorf("%d results at the centre, %d on the box", len(at), len(all))
	}
	for _, e := range all {
		if at[e.Seq] != string(e.Body) {
			t.Fatalf("result %d is at the centre as %q", e.Seq, at[e.Seq])
		}
	}
	t.Logf("%d kills of the box, %d of the hub, %d results", kills, kills/2, len(all))
}

// results are the centre's results by number.
func (h *realHub) results(t *testing.T) map[uint64]string {
	t.Helper()

	out := map[uint64]string{}
	for line := range strings.Lines(h.run("results", "--json")) {
		var r struct{ Seq uint64 }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if _, twice := out[r.Seq]; twice {
			t.Errorf("result %d comes twice", r.Seq)
		}
		out[r.Seq] = strings.TrimSuffix(line, "\n")
	}
	return out
}

// A site that has asked for it sends pictures on which the nets differ; no other does.
func TestPicturesWhereAskedFor(t *testing.T) {
	h := startHub(t)
	for device, asked := range map[string]bool{"asked": true, "silent": false} {
		dir := t.TempDir()
		config := boxConfig(t, dir, fmt.Sprintf("[centre]\nkeepalive = 3\npictures = %t\npicture_every = 0\n", asked))
		text, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		folder, err := filepath.Abs("demo/clips")
		if err != nil {
			t.Fatal(err)
		}
		clip, err := filepath.Abs(whiteLung)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(config, bytes.Replace(text, []byte("clip:"+clip), []byte("clip:"+folder), 1), 0o644); err != nil {
			t.Fatal(err)
		}
		code := codes.FindString(h.run("enrol", "--site", "ward-3", "--device", device))
		if out, err := lungbox(t, "enrol", "--config", config, fmt.Sprintf("https://127.0.0.1:%d", h.port), code).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		r := startBox(t, config)
		taken := func() int {
			found, err := filepath.Glob(filepath.Join(h.state, "pictures", "ward-3", device, "*.png"))
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}
		if asked {
			until(t, r, "pictures at the centre", func() bool { return taken() >= 2 })
		} else {
			until(t, r, "results", func() bool { return r.state(t).Counters.Judged > 200 })
		}
		r.end(os.Interrupt)
		if _, err := os.Stat(filepath.Join(dir, "state", "pictures")); (err == nil) != asked {
			t.Errorf("%s: a folder of pictures: %v", device, err)
		}
		if n := taken(); !asked && n > 0 {
			t.Errorf("%d pictures of a site that has not asked", n)
		}
	}
}
