package clip

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestWalk(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{
		"b.mp4", "notes.txt", "study/10.dcm", "study/2.dcm", "study/IM0001", "study/DICOMDIR", "study/.hidden/x.png",
		"study/a/scores.CSV", "study/a/z.PNG", "last.png", ".dot.png", "texts/only.csv",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, path, nil)
	}
	var paths []string
	var broken []string
	for path, err := range Walk([]string{"b.mp4", "study", "absent", "texts", "notes.txt", "last.png"}) {
		if err != nil {
			broken = append(broken, err.Error())
			path = "error: " + path
		}
		paths = append(paths, path)
	}
	want := []string{"b.mp4", "study/10.dcm", "study/2.dcm", "study/IM0001", "study/a/z.PNG", "error: absent", "error: texts", "notes.txt", "last.png"}
	if !slices.Equal(paths, want) {
		t.Errorf("walked %q\nwant   %q", paths, want)
	}
	if !slices.Equal(broken, []string{"absent: no such file or directory", "texts: the folder holds no clip, picture or DICOM file"}) {
		t.Errorf("errors %q", broken)
	}
}

// A caller may stop at any place.
func TestWalkStops(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"1.png", "2.png", "3.png"} {
		write(t, path, nil)
	}
	for stop := range 6 {
		n := 0
		for range Walk([]string{".", "absent", ".", "1.png"}) {
			if n++; n > stop {
				break
			}
		}
		if n != stop+1 {
			t.Errorf("stopped after %d of %d", n, stop+1)
		}
	}
}
