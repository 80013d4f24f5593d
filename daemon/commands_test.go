package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What `lungbox panel test` lights and says, and a panel that is not there.
func TestPanelCommands(t *testing.T) {
	out, complaint, code := run(t, "panel", "test", "--pause", "1ms")
	if code != 0 || complaint != "" || len(lines(out)) != 6 || !strings.Contains(lines(out)[3], "score 3") {
		t.Errorf("exit code %d, %q:\n%s", code, complaint, out)
	}
	if _, complaint, code = run(t, "panel", "blank"); code != 0 || complaint != "" {
		t.Errorf("blank: exit code %d, %q", code, complaint)
	}
	for driver, want := range map[string]struct {
		text string
		code int
	}{
		"gpio:none:0,1,2,3,4":         {"the lamp panel", 1},
		"gpio:none:0,1,2":             {"want gpio:CHIP:LINES with five lines", 2},
		"serial:/dev/no-tower:relay":  {"the lamp panel", 1},
		"serial:/dev/no-tower":        {"want serial:PORT:PROTOCOL", 2},
		"serial:/dev/no-tower:custom": {"tower.on and tower.off", 2},
		"tm1637:chip:4":               {"want tm1637:CHIP:CLOCK,DATA", 2},
		"max7219:/dev/no-spi":         {"the lamp panel", 1},
		"candles":                     {"panel.driver", 2},
	} {
		t.Setenv("LUNGBOX_PANEL_DRIVER", driver)
		for _, command := range []string{"test", "blank"} {
			_, complaint, code := run(t, "panel", command)
			if code != want.code || len(lines(complaint)) != 1 || !strings.Contains(complaint, want.text) {
				t.Errorf("%s %s: exit code %d, %q, want %d, %q", command, driver, code, complaint, want.code, want.text)
			}
		}
	}
}

// What is kept can be looked at while the box runs and after it.
func TestJournalCheck(t *testing.T) {
	dir := t.TempDir()
	config := boxConfig(t, dir, "")
	if _, complaint, code := run(t, "journal", "check", "--config", config); code != 1 || len(lines(complaint)) != 1 || !strings.Contains(complaint, "box.state") {
		t.Errorf("nothing is there: exit code %d, %q", code, complaint)
	}
	r := startBox(t, config)
	until(t, r, "results", func() bool { s := r.state(t); return s.Result != nil && s.Result.Seq > 5 })
	shown := r.state(t).Counters.Judged
	r.end(syscall.SIGKILL)
	out, complaint, code := run(t, "journal", "check", "--json", "--config", config)
	var found struct {
		Epoch   string
		Results uint64
		LastSeq uint64 `json:"last_seq"`
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil || code != 0 || complaint != "" || found.Results < shown || found.LastSeq != found.Results || found.Epoch == "" {
		t.Errorf("exit code %d, %q, %v: %s; %d were shown", code, complaint, err, out, shown)
	}
	file := filepath.Join(dir, "state", "journal", "journal.db")
	if err := os.WriteFile(file, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Remove(file + "-wal") // which could mend it
	if _, complaint, code := run(t, "journal", "check", "--config", config); code != 1 || len(lines(complaint)) != 1 {
		t.Errorf("damaged: exit code %d, %q", code, complaint)
	}
	// The box sets it aside, says so, and goes on.
	r = startBox(t, config)
	until(t, r, "results in a new store", func() bool {
		s := r.state(t)
		return s.Result != nil && s.Result.Epoch != found.Epoch && strings.Contains(s.Notice, "damaged and set aside")
	})
	r.end(syscall.SIGTERM)
}

// A manual page for every command that people see.
func TestMan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	if _, complaint, code := run(t, "man", dir); code != 0 {
		t.Fatal(complaint)
	}
	text, err := os.ReadFile(filepath.Join(dir, "lungbox-run.1"))
	if err != nil || !strings.Contains(string(text), "SIGHUP") {
		t.Errorf("%v: %s", err, text)
	}
}

// A bench of no frames or of no rate is none.
func TestBenchRefuses(t *testing.T) {
	for _, args := range [][]string{{"--live", "-3"}, {"--live", "3", "--rate", "-1"}, {"--live", "3", "--rate", "NaN"}} {
		if out, complaint, code := run(t, append([]string{"bench"}, args...)...); code != 2 || out != "" || len(lines(complaint)) != 1 {
			t.Errorf("%v: exit code %d, %q", args, code, complaint)
		}
	}
}
