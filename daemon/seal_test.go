package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
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
