package atomicfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "table.csv")
	for _, content := range []string{"first, and longer", "second"} {
		if err := Write(name, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != content {
			t.Errorf("%q, %v: want %q", got, err, content)
		}
	}
	// A folder cannot be replaced by a file: what is there stays, and nothing beside it.
	taken := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(taken, "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Write(taken, nil); err == nil || !strings.HasPrefix(err.Error(), "write "+taken) {
		t.Errorf("in place of a folder: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("%v, %v: want table.csv and folder only", left, err)
	}
	if err := Write(filepath.Join(dir, "none", "x"), nil); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("into no folder: %v", err)
	}
}
