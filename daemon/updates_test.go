package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lungbox/sync/journal"
	"lungbox/sync/ota"
	"lungbox/sync/repository"
)

// variant copies the demo release under another name and counter; change may spoil it.
func variant(t *testing.T, name string, counter uint64, change func(manifest map[string]any)) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS("demo/release")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "manifest.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if err := numbers.Decode(&m); err != nil {
		t.Fatal(err)
	}
	m["name"], m["counter"] = name, counter
	if change != nil {
		change(m)
	}
	if text, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// releases is a repository with two holders, of which both must sign.
type releases struct {
	*repository.Repository
	dir     string
	holders [2]ed25519.PrivateKey
}

func newReleases(t *testing.T, dir, online string) *releases {
	t.Helper()
	r := &releases{Repository: repository.Open(dir), dir: dir}
	var public []ed25519.PublicKey
	for i := range r.holders {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		r.holders[i] = key
		public = append(public, key.Public().(ed25519.PublicKey))
	}
	hub, err := repository.ReadPublic(online)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Create(public, 2, hub); err != nil {
		t.Fatal(err)
	}
	r.sign(t)
	return r
}

func (r *releases) sign(t *testing.T) {
	t.Helper()
	for _, k := range r.holders {
		if _, err := r.Sign(k); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *releases) publish(t *testing.T, folder string, counter uint64) {
	t.Helper()
	if err := r.Add(os.DirFS(folder), ota.Custom{Name: filepath.Base(folder), Counter: counter}, ota.Pieces{}); err != nil {
		t.Fatal(err)
	}
	r.sign(t)
}

// A release goes from two signatures to a box that scores with it; one that fails its golden
// frames is refused, one whose engine dies is rolled back, and the rollout stops.
func TestOverTheAir(t *testing.T) {
	h := startHub(t)
	online := strings.TrimSpace(h.run("repository", "key"))
	published := newReleases(t, filepath.Join(filepath.Dir(online), "releases"), online)
	dir := t.TempDir()
	config := boxConfig(t, dir, "[centre]\nkeepalive = 3\n[updates]\nprobation = 6\n")
	code := codes.FindString(h.run("enrol", "--site", "ward-3", "--device", "bedside-7"))
	if out, err := lungbox(t, "enrol", "--config", config, fmt.Sprintf("https://127.0.0.1:%d", h.port), code).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := startBox(t, config)
	release := func() string {
		if s := r.state(t); s.Result != nil {
			return s.Result.Release
		}
		return ""
	}
	until(t, r, "results", func() bool { return release() != "" })
	builtIn := release()
	start := func(name string) {
		t.Helper()
		until(t, r, "the hub knows the box", func() bool { return strings.Contains(h.run("devices"), "online") })
		h.run("rollout", "start", name, "--canary", "1", "--soak", "1s")
	}
	status := func() string { return h.run("rollout", "status") }

	published.publish(t, variant(t, "2026.11.28-1", 100, nil), 100)
	start("2026.11.28-1")
	until(t, r, "the new release scores", func() bool { return release() == "2026.11.28-1" })
	until(t, r, "the rollout is done", func() bool { return strings.Contains(status(), ": done") })

	published.publish(t, variant(t, "2026.11.28-2", 101, func(m map[string]any) {
		first := m["golden"].([]any)[0].(map[string]any)["probs"].(map[string]any)
		first["resnet50"] = []float64{0.97, 0.01, 0.01, 0.01}
		first["googlenet"] = []float64{0.01, 0.01, 0.01, 0.97}
	}), 101)
	start("2026.11.28-2")
	until(t, r, "the release with other golden frames is refused", func() bool { s := status(); return strings.Contains(s, ": stopped") && strings.Contains(s, "golden") })
	if got := release(); got != "2026.11.28-1" {
		t.Errorf("release %s scores", got)
	}
	if got := r.state(t).Centre; !strings.Contains(got, "release 2026.11.28-2: refused") {
		t.Errorf("the page says %q", got)
	}

	h.run("rollout", "abort", "--why", "golden frames")
	published.publish(t, variant(t, "2026.11.28-3", 102, nil), 102)
	start("2026.11.28-3")
	until(t, r, "the third release scores", func() bool { return release() == "2026.11.28-3" })
	for range 5 { // its engine dies again and again
		killWorkers(t, r)
		time.Sleep(300 * time.Millisecond)
	}
	began := time.Now()
	until(t, r, "it is rolled back", func() bool { return release() == "2026.11.28-1" && strings.Contains(status(), "engine") })
	t.Logf("rolled back %v after the engine's fifth death", time.Since(began).Round(100*time.Millisecond))

	if out, err := lungbox(t, "release", "list", "--config", config).CombinedOutput(); err != nil || !strings.Contains(string(out), "release 2026.11.28-1 scores") || strings.Count(string(out), "failed ") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := lungbox(t, "release", "rollback", "--config", config).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	until(t, r, "the release that came with the program scores", func() bool { return release() == builtIn })
	// From a stick: the same tree.
	published.publish(t, variant(t, "2026.11.28-4", 103, nil), 103)
	until(t, r, "the hub has signed it", func() bool {
		out, err := lungbox(t, "release", "install", "--config", config, published.dir).CombinedOutput()
		return err == nil && strings.Contains(string(out), "2026.11.28-4 is installed")
	})
	until(t, r, "the release from the stick scores", func() bool { return release() == "2026.11.28-4" })
	if out, err := lungbox(t, "release", "install", "--config", config, published.dir).CombinedOutput(); err == nil || strings.Count(string(out), "\n") != 1 {
		t.Errorf("the same again: %v\n%s", err, out)
	}
	until(t, r, "what was done by hand is in the audit trail", func() bool {
		_, err := os.Stat(filepath.Join(dir, "state", "ota", "by-hand.jsonl"))
		return err != nil
	})
	r.end(os.Interrupt)
	j := stored(t, dir)
	defer j.Close()
	all, err := j.AuditAfter(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range all {
		actions = append(actions, e.Action)
	}
	// A box takes what was done by hand into its journal when it comes to it: enrolment may
	// stand after the first release.
	enrolled := slices.Index(actions, "enrol")
	want := "release installed, release refused, release rolled back, release rollback, release install"
	if got := strings.Join(actions, ", "); enrolled < 0 || strings.Join(slices.Delete(actions, enrolled, enrolled+1), ", ") != want {
		t.Errorf("audit trail: %s", got)
	}
	gap(t, j)
}

// gap says how long nothing was scored while a release took over.
func gap(t *testing.T, j *journal.Journal) {
	t.Helper()
	all, err := j.Results(t.Context(), journal.Query{Limit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var last time.Time
	release := ""
	for _, e := range all {
		r, err := e.Result()
		if err != nil {
			t.Fatal(err)
		}
		if release != "" && r.Release != release {
			t.Logf("%s takes over from %s: %v between two frames", r.Release, release, r.Time.Sub(last).Round(time.Millisecond))
		}
		last, release = r.Time, r.Release
	}
}

// killWorkers kills the box's engines.
func killWorkers(t *testing.T, r *running) {
	t.Helper()
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(r.Process.Pid)).Output()
	if err != nil {
		return // there is none just now
	}
	for pid := range strings.FieldsSeq(string(out)) {
		line, err := os.ReadFile("/proc/" + pid + "/cmdline")
		if err != nil || !bytes.Contains(line, []byte(workerCommand)) {
			continue
		}
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(n, syscall.SIGKILL) // it may have gone
	}
}

// What root does to a box belongs to the box's user.
func TestRootBecomesTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can try it")
	}
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o755); err != nil {
		t.Fatal(err)
	}
	for d := dir; d != "/"; d = filepath.Dir(d) { // others may go there
		if err := os.Chmod(d, 0o755); err != nil && d != filepath.Dir(d) {
			break
		}
		if d == os.TempDir() {
			break
		}
	}
	if err := os.Chmod(os.TempDir(), 0o1777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(state, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	config := boxConfig(t, dir, "")
	if out, err := lungbox(t, "release", "pin", "--config", config).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(filepath.Join(state, "ota", "slots.json"))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != 12345 {
		t.Errorf("%+v, %v", info, err)
	}
}
