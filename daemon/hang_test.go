package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hangs makes one loop of the box hang at its next beat, once a file is there, but not where a step
// begins that may take longer, such as an engine's with a frame: that is found when its own bound
// is over. For good: only an end of the program helps.
func hangs(loop, file string) func(name string, within time.Duration) {
	return func(name string, within time.Duration) {
		if name != loop || within > 6*usualLimit {
			return
		}
		if _, err := os.Stat(file); err == nil {
			_ = os.WriteFile(file+".hangs", nil, 0o600)
			select {}
		}
	}
}

// manager is the service manager's end of the notify socket.
type manager struct {
	*net.UnixConn
	last time.Time // when the box last said that it is well
}

func newManager(t *testing.T) (m *manager, environment []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &manager{UnixConn: c}, []string{"NOTIFY_SOCKET=" + path, fmt.Sprintf("WATCHDOG_USEC=%d", watchdog.Microseconds())}
}

// watchdog is the WatchdogSec of lungbox.service.
const watchdog = 5 * time.Second

// silent says whether the box has said nothing for so long that the manager ends it.
func (m *manager) silent(t *testing.T) bool {
	t.Helper()
	buffer := make([]byte, 4096)
	for {
		if err := m.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := m.Read(buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return time.Since(m.last) > watchdog
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(buffer[:n]), "WATCHDOG=1") {
			m.last = time.Now()
		}
	}
}

// Whatever loop hangs, the service manager hears no more that the box is well, and ends it
// (that it does, and starts another, `make vm-test SCENARIO=lamps` shows with systemd).
func TestEveryLoopIsWatched(t *testing.T) {
	text, err := os.ReadFile("../systemd/lungbox.service")
	if err != nil || !strings.Contains(string(text), fmt.Sprintf("WatchdogSec=%.0f\n", watchdog.Seconds())) {
		t.Errorf("%v: lungbox.service has another WatchdogSec", err)
	}
	loops := []string{"the link to the centre", "scoring"}
	if os.Getenv("LUNGBOX_FAULTS") == "all" {
		loops = []string{
			"the panel", "the page", "the pipeline", "the source", "scoring", "the figures", "the engine's keeper", "the installing of releases", "the updater",
			"the link to the centre", "the collecting of pictures", "the sending of pictures", "the buttons", "the recording of clips", "the receiver of DICOM files", "the sending of reports",
		}
	}
	h := startHub(t)
	online := strings.TrimSpace(h.run("repository", "key"))
	newReleases(t, filepath.Join(filepath.Dir(online), "releases"), online) // there is no updater before a hub has releases
	for _, loop := range loops {
		t.Run(loop, func(t *testing.T) {
			dir := t.TempDir()
			config := boxConfig(t, dir, "[centre]\nkeepalive = 3\npictures = true\n[buttons]\nchip = 'gpiochip9'\nnext_zone = '5'\nnew_patient = '6'\n[archive]\naddress = '127.0.0.1:1'\ntitle = 'A'\n")
			if loop == "the receiver of DICOM files" {
				edit(t, config, "from = 'clip:", "from = 'dicom:127.0.0.1:"+fmt.Sprint(freePort(t))+"'\n# '")
			}
			code := codes.FindString(h.run("enrol", "--site", "ward-3", "--device", strings.NewReplacer(" ", "-", "'", "").Replace(strings.ToLower(loop))))
			if out, err := lungbox(t, "enrol", "--config", config, fmt.Sprintf("https://127.0.0.1:%d", h.port), code).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			m, environment := newManager(t)
			trigger := filepath.Join(dir, "hang")
			r := startBox(t, config, append(environment, "LUNGBOX_TEST_HANG="+loop+"\n"+trigger)...)
			m.last = time.Now()
			for until := time.Now().Add(8 * time.Second); time.Now().Before(until); { // it runs well
				if m.silent(t) {
					t.Fatalf("the box is not well before anything hangs:\n%s", r.words())
				}
			}
			if err := os.WriteFile(trigger, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			for hung := false; !m.silent(t); {
				if _, err := os.Stat(trigger + ".hangs"); err == nil && !hung {
					hung, began = true, time.Now()
				}
				if time.Since(began) > time.Minute {
					t.Fatalf("nobody notices that %s hangs:\n%s", loop, r.words())
				}
			}
			t.Logf("%s: the manager ends the box %.1f s after it hangs", loop, time.Since(began).Seconds())
			if !strings.Contains(r.words(), loop+" has hung") {
				t.Errorf("the log does not say what hangs:\n%s", r.words())
			}
			r.end(os.Kill)
		})
	}
}

// edit replaces the first place of a file.
func edit(t *testing.T, path, from, to string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), from) {
		t.Fatalf("%s has no %q, %v", path, from, err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
