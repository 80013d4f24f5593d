package release

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// FuzzManifest opens releases whose manifest somebody has written who wants to do harm: refused
// before anything of what it says of files, sizes and nets is believed.
func FuzzManifest(f *testing.F) {
	text, err := os.ReadFile(filepath.Join(write(f), ManifestFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"nets":[{"file":"../../etc/passwd","bytes":-1,"width":1e308,"input":99999999}]}`))
	f.Fuzz(func(t *testing.T, manifest []byte) {
		// No weights: what is said of them is checked first, and takes the time otherwise.
		r, err := Open(fstest.MapFS{ManifestFile: {Data: manifest}, "MODEL_CARD.md": {Data: []byte("# A test\n")}})
		if err != nil {
			return
		}
		defer r.Close()
		t.Fatalf("a release without weights was opened: %s", manifest)
	})
}
