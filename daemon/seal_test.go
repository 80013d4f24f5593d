package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A box with a key leaves nothing of its results in the clear anywhere in its state folder.
func TestSealedBox(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(strings.Repeat("5a", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := boxConfig(t, dir, "")
	r := startBox(t, config, "LUNGBOX_BOX_KEY="+key)
	until(t, r, "scores", func() bool { return r.state(t).Result != nil })
	if code := r.end(syscall.SIGTERM); code != 0 {
		t.Fatalf("exit code %d\n%s", code, r.words())
	}
	files := 0
	err := filepath.WalkDir(filepath.Join(dir, "state"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, word := range []string{"googlenet", "majority", "confidence", filepath.Base(whiteLung)} {
			if bytes.Contains(text, []byte(word)) {
				t.Errorf("%s has %q in the clear", path, word)
			}
		}
		files++
		return err
	})
	if err != nil || files < 2 {
		t.Fatalf("%d files, %v", files, err)
	}
	out, complaints, code := run(t, "journal", "check", "--config", config)
	if code != 0 || !strings.Contains(out, "sealed and were not read") {
		t.Errorf("without the key: %s%s", out, complaints)
	}
	t.Setenv("LUNGBOX_BOX_KEY", key)
	if out, complaints, code = run(t, "journal", "check", "--config", config); code != 0 || strings.Contains(out, "not read") {
		t.Errorf("with the key: %s%s", out, complaints)
	}
	t.Setenv("LUNGBOX_BOX_KEY", filepath.Join(dir, "nothing"))
	if _, complaints, code = run(t, "journal", "check", "--config", config); code == 0 || strings.Count(complaints, "\n") != 1 {
		t.Errorf("a key that is not there: %d %s", code, complaints)
	}
}

// What a crash leaves holds no secret: no core is dumped, and the stacks name none.
func TestCrashGivesNothingAway(t *testing.T) {
	dir := t.TempDir()
	key, secret := filepath.Join(dir, "key"), strings.Repeat("5a", 32)
	if err := os.WriteFile(key, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := startHub(t)
	config := boxConfig(t, dir, "[centre]\nkeepalive = 3\n")
	code := codes.FindString(h.run("enrol", "--site", "ward-3", "--device", "bedside-7"))
	if out, err := lungbox(t, "enrol", "--config", config, fmt.Sprintf("https://127.0.0.1:%d", h.port), code).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := startBox(t, config, "LUNGBOX_BOX_KEY="+key)
	until(t, r, "results at the centre", func() bool { return r.state(t).Centre == "connected, has everything" })
	secrets := []string{secret, "5a5a5a5a5a5a5a5a", "ZZZZZZZZ"} // as text, and as bytes printed
	for _, state := range []string{filepath.Join(dir, "state"), h.state} {
		err := filepath.WalkDir(state, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.Contains(path, "key") {
				return err
			}
			text, err := os.ReadFile(path)
			for line := range strings.Lines(string(text)) {
				if len(line) > 32 && !strings.Contains(line, "-----") {
					secrets = append(secrets, strings.TrimSpace(line))
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	said := words(t, r, "/metrics") + words(t, r, "/api/state")
	for _, process := range []*os.Process{r.Process, h.command.Process} {
		limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", process.Pid))
		if err != nil || !regexp.MustCompile(`Max core file size +0 +0 `).Match(limits) {
			t.Errorf("a core may be dumped: %v\n%s", err, limits)
		}
		if err := process.Signal(syscall.SIGABRT); err != nil { // as the watchdog does
			t.Fatal(err)
		}
	}
	<-r.ended
	_ = r.Wait()
	_ = h.command.Wait()
	h.command = nil
	time.Sleep(200 * time.Millisecond)
	stacks := r.words() + h.words()
	if strings.Count(stacks, "goroutine ") < 20 || len(secrets) < 5 {
		t.Fatalf("%d secrets; no stacks were printed:\n%.500s", len(secrets), stacks)
	}
	for _, s := range secrets {
		if strings.Contains(stacks+said, s) {
			t.Errorf("a secret is in stacks, figures or state: %.12s…", s)
		}
	}
	t.Logf("%d secrets looked for in %d kB of stacks, log, figures and state", len(secrets), len(stacks+said)>>10)
}
