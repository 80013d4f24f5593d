package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzConfig reads configurations as people and scripts leave them: taken, or one line that
// names the file.
func FuzzConfig(f *testing.F) {
	text, err := Default().Text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("[source]\nfrom = 'v4l2:'\nregion = '1,2,3,4'\n[page]\nlisten = ':1'\n"))
	f.Add([]byte("[panel]\nagree = nan\nfade = 1e999\n"))
	f.Add([]byte("[box\nname = \"\\uD800\"\n"))
	dir := f.TempDir()
	if _, err := os.Stat("/dev/shm"); err == nil { // a file for each: in memory, if possible
		if dir, err = os.MkdirTemp("/dev/shm", "lungbox"); err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() { os.RemoveAll(dir) })
	}
	path := filepath.Join(dir, "lungbox.toml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, nil)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "config: ") {
				t.Fatalf("error %q", err)
			}
			return
		}
		again, err := c.Text()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, again, 0o600); err != nil {
			t.Fatal(err)
		}
		if same, err := Load(path, nil); err != nil || len(Changed(c, same)) > 0 {
			t.Fatalf("what was taken is written as %s\nand read as other than it was: %v %v", again, Changed(c, same), err)
		}
	})
}
