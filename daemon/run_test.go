package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"lungbox/daemon/panel"
	"lungbox/ensemble"
	"lungbox/sync/journal"
)

// service is `lungbox run` as a service manager would start it.
type running struct {
	*exec.Cmd
	address string

	mu    sync.Mutex
	said  bytes.Buffer
	ended chan struct{}
}

func (r *running) words() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

// startBox runs a box with this configuration file and waits for its page.
func startBox(t *testing.T, config string, environment ...string) *running {
	t.Helper()
	r := &running{Cmd: lungbox(t, "run", "--config", config), ended: make(chan struct{})}
	r.Env = append(r.Env, environment...)
	pipe, err := r.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 10)
	go func() {
		defer close(r.ended)
		for scanner := bufio.NewScanner(pipe); scanner.Scan(); {
			r.mu.Lock()
			r.said.WriteString(scanner.Text() + "\n")
			r.mu.Unlock()
			if _, after, ok := strings.Cut(scanner.Text(), "the page is at "); ok {
				found <- strings.TrimSuffix(after, "/")
			}
		}
	}()
	select {
	case r.address = <-found:
	case <-r.ended:
		t.Fatalf("no page:\n%s", r.words())
	}
	return r
}

// state asks the page.
func (r *running) state(t *testing.T) (s struct {
	State, Detail, Notice, Source, Centre string
	Counters                              struct{ Judged, Dropped uint64 }
	Result                                *ensemble.Result
	Panel                                 struct {
		Score ensemble.Score
		State string
		Lamps panel.Lamps
	}
}) {
	t.Helper()
	answer, err := http.Get(r.address + "/api/state")
	if err != nil {
		return s // while one box gives way to the next
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// until waits for something that must come true; the limit is for a broken box.
func until(t *testing.T, r *running, what string, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !true(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s\n%+v\n%s", what, r.state(t), r.words())
		}
	}
}

// end ends the box with a signal and returns its exit code.
func (r *running) end(s os.Signal) int {
	r.Process.Signal(s)
	<-r.ended
	r.Wait()
	return r.ProcessState.ExitCode()
}

// boxConfig writes a configuration that replays a clip.
func boxConfig(t *testing.T, dir, more string) string {
	t.Helper()
	clip, err := filepath.Abs(whiteLung)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "lungbox.toml")
	text := fmt.Sprintf("[box]\nname = 'bedside'\nstate = '%s'\n[source]\nfrom = 'clip:%s'\nloop = true\n[page]\nlisten = '127.0.0.1:%d'\n[journal]\nreserve = 1\n%s",
		filepath.Join(dir, "state"), clip, freePort(t), more)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
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

// stored opens the results that a box left.
func stored(t *testing.T, dir string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(dir, "state", "journal"), journal.Options{Reserve: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// A box that is killed at any moment has kept every result that its page showed, and
// goes on with the next number.
func TestKilledBoxKeepsWhatItShowed(t *testing.T) {
	dir := t.TempDir()
	config := boxConfig(t, dir, "")
	shown := uint64(0)
	for round := range 3 {
		r := startBox(t, config)
		first := uint64(0)
		until(t, r, "ten results", func() bool {
			if s := r.state(t); s.Result != nil {
				if first == 0 {
					first = s.Result.Seq
				}
				shown = s.Result.Seq
				if s.Result.Device != "bedside" || s.Result.Epoch == "" || len(s.Result.Votes) == 0 {
					t.Fatalf("result %+v", s.Result)
				}
			}
			return first != 0 && shown >= first+10
		})
		if round > 0 && first <= 10 {
			t.Errorf("round %d begins with result %d again", round, first)
		}
		r.end(syscall.SIGKILL)
		j := stored(t, dir)
		if j.LastSeq() < shown {
			t.Errorf("round %d: result %d was shown, the last on disk is %d", round, shown, j.LastSeq())
		}
		if aside := j.SetAside(); aside != "" {
			t.Errorf("round %d: the store was set aside: %s", round, aside)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What systemd hears, SIGHUP with a faulty and with a changed configuration, metrics,
// and an end as told.
func TestService(t *testing.T) {
	dir := t.TempDir()
	config := boxConfig(t, dir, "")
	socket := filepath.Join(dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	heard := map[string]int{}
	go func() {
		text := make([]byte, 4096)
		for {
			n, err := l.Read(text)
			if err != nil {
				return
			}
			mu.Lock()
			heard[string(text[:n])]++
			mu.Unlock()
		}
	}()
	defer l.Close()
	count := func(what string) int {
		mu.Lock()
		defer mu.Unlock()
		return heard[what]
	}
	r := startBox(t, config, "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=3000000")
	until(t, r, "running, and systemd knows", func() bool {
		return count("READY=1") == 1 && count("WATCHDOG=1") >= 2 && count("STATUS=running") >= 1
	})
	answer, err := http.Get(r.address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || !strings.Contains(string(text), `lungbox_state{state="running"} 1`) || !strings.Contains(string(text), "lungbox_journal_results ") {
		t.Errorf("metrics: %v\n%s", err, text)
	}

	good, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	rewrite := func(text string) {
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		r.Process.Signal(syscall.SIGHUP)
	}
	rewrite(string(good) + "[panel]\nagreee = 5\n")
	until(t, r, "the page tells of the faulty configuration", func() bool {
		s := r.state(t)
		return strings.Contains(s.Notice, "unknown key panel.agreee: did you mean panel.agree?") && s.State == "running"
	})
	rewrite(strings.Replace(string(good), "listen = '127.0.0.1:", "open = true\nlisten = '192.0.2.1:", 1))
	until(t, r, "the box goes on with the former configuration", func() bool {
		s := r.state(t)
		return strings.Contains(s.Notice, "page.listen") && s.State == "running"
	})
	rewrite(strings.Replace(string(good), "bedside", "ward-3", 1))
	until(t, r, "the box runs with the changed configuration", func() bool {
		s := r.state(t)
		return s.Result != nil && s.Result.Device == "ward-3" && s.Notice == ""
	})
	if !strings.Contains(r.words(), "box.name") {
		t.Errorf("the log does not say what has changed:\n%s", r.words())
	}
	if count("READY=1") != 3 { // at start, with the former and with the changed configuration
		t.Errorf("ready %d times, want 3", count("READY=1"))
	}
	if code := r.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.words())
	}
	if count("STOPPING=1") != 1 {
		t.Error("systemd does not hear that the box stops")
	}
}

// A clip that is not looped is scored to its last frame, none dropped, and the box
// says that it has ended.
func TestClipOnce(t *testing.T) {
	dir := t.TempDir()
	config := boxConfig(t, dir, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, bytes.Replace(text, []byte("loop = true"), []byte("loop = false"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	r := startBox(t, config)
	until(t, r, "the end", func() bool { return r.state(t).State == "ended" })
	if s := r.state(t); s.Counters.Judged != 123 || s.Counters.Dropped != 0 {
		t.Errorf("counters %+v, want 123 judged", s.Counters)
	}
	r.end(syscall.SIGTERM)
	j := stored(t, dir)
	defer j.Close()
	if j.LastSeq() != 123 {
		t.Errorf("%d results on disk, want 123", j.LastSeq())
	}
}

// A box without a grabber waits for one, and says so.
func TestNoGrabber(t *testing.T) {
	dir := t.TempDir()
	config := boxConfig(t, dir, "")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	from := bytes.Index(text, []byte("from = "))
	end := from + bytes.IndexByte(text[from:], '\n')
	text = slices.Replace(text, from, end, []byte("from = 'v4l2:/dev/video-none'")...)
	if err := os.WriteFile(config, text, 0o644); err != nil {
		t.Fatal(err)
	}
	r := startBox(t, config)
	until(t, r, "no signal, in words", func() bool {
		s := r.state(t)
		return s.State == "no-signal" && strings.HasSuffix(s.Detail, "the grabber /dev/video-none is not there: plug it in, it is found by itself") && s.Source == "no grabber"
	})
	if code := r.end(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// What cannot work is one line and an exit code.
func TestRunRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text, want string
		code       int
	}{
		"unknown key": {"[source]\nform = 'x'\n", "unknown key source.form: did you mean source.from?", 2},
		"no clip":     {"[source]\nfrom = 'clip:/no/such/file'\n", "/no/such/file", 2},
		"driver":      {"[panel]\ndriver = 'gpio:'\n", "panel.driver", 2},
		"address":     {"[page]\nlisten = 'nowhere'\n", "page.listen", 1},
	} {
		path := filepath.Join(dir, "c.toml")
		if err := os.WriteFile(path, []byte("[box]\nstate = '"+filepath.Join(dir, "state")+"'\n"+c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, complaint, code := run(t, "run", "--config", path)
		if code != c.code || out != "" || len(lines(complaint)) != 1 || !strings.Contains(complaint, c.want) {
			t.Errorf("%s: exit code %d, %q, want %q", name, code, complaint, c.want)
		}
	}
}
