package clips

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzClips reads tables of clips as spreadsheets leave them: taken, or a line that says what
// is wrong.
func FuzzClips(f *testing.F) {
	const head = "file,patient,reader_a,reader_b,probe,findings,license,source\n"
	f.Add([]byte(head + "a.mp4,p1,0,1,convex,\"b-lines,a-lines\",CC BY 4.0,here\n"))
	f.Add([]byte("\xef\xbb\xbf" + head + "../a.mp4,p1,9,,,,,\r\n"))
	f.Add([]byte("file;patient\n\"a"))
	dir, err := os.MkdirTemp("/dev/shm", "lungbox")
	if err != nil {
		dir = f.TempDir()
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, TableFile), text, 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := Read(dir)
		if err != nil {
			return
		}
		for _, c := range all {
			if !filepath.IsLocal(c.File) || c.Patient == "" || strings.Contains(c.File, "..") && !filepath.IsLocal(c.File) || c.ReaderA < -1 || c.ReaderA > 3 {
				t.Fatalf("clip %+v", c)
			}
		}
	})
}
