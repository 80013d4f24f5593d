package layout

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
)

func TestFolders(t *testing.T) {
	root := t.TempDir()
	put(t, alines, root, "Score 0", "anna", "a.mp4")
	put(t, alines, root, "Score 0", "anna", "day 2", "b.mp4")
	put(t, linear, root, "score_1", "p7_left.mp4")
	put(t, linear, root, "score_1", "odd.mp4")
	put(t, linear, root, "LUS3", "p7.mp4")
	write(t, filepath.Join(root, "LUS3", "notes.doc"), "beside")
	write(t, filepath.Join(root, "LUS3", "sheet.bin"), "no picture")
	write(t, filepath.Join(root, "LUS3", ".hidden.png"), "")
	set, err := Find(t.Context(), root, Options{Layout: Auto, Pattern: regexp.MustCompile(`^(p\d+)`)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range set.Clips {
		got = append(got, strings.Join([]string{filepath.ToSlash(c.File), c.Patient, dataset.FormatScore(c.ReaderA), dataset.FormatScore(c.ReaderB)}, " "))
	}
	want := []string{"LUS3/p7.mp4 p7 3 ", "Score 0/anna/a.mp4 anna 0 ", "Score 0/anna/day 2/b.mp4 anna 0 ", "score_1/odd.mp4 score_1/odd 1 ", "score_1/p7_left.mp4 p7 1 "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(set.Warnings) != 1 || !strings.Contains(set.Warnings[0], "LEAK: 1 clips") {
		t.Errorf("warnings %q", set.Warnings)
	}
	if len(set.Skipped) != 1 || set.Skipped[0].File != filepath.Join("LUS3", "sheet.bin") {
		t.Errorf("skipped %v", set.Skipped)
	}
	report, err := clips.Take(t.Context(), set, filepath.Join(t.TempDir(), "d"), clips.Options{Every: 10, Most: 2}, nil)
	if err != nil || report.Pictures != 10 || report.ByScore != [4]int{4, 4, 0, 2} {
		t.Errorf("%+v, %v", report, err)
	}
}

// Folders of splits may lie above; files of one name and two endings stay apart; the
// same name in two folders is two patients.
func TestFoldersOfSplits(t *testing.T) {
	root := t.TempDir()
	put(t, alines, root, "train", "0", "1.mp4")
	put(t, alines, root, "train", "2", "1.mp4")
	program(t, "ffmpeg", "-v", "error", "-i", filepath.Join(demo, alines), "-frames:v", "1", filepath.Join(root, "train", "2", "1.png"))
	put(t, linear, root, "val", "3", "9.mp4")
	set, err := Find(t.Context(), root, Options{Layout: Auto})
	if err != nil || len(set.Clips) != 4 {
		t.Fatalf("%+v, %v", set, err)
	}
	patients := map[string]bool{}
	for _, c := range set.Clips {
		patients[c.Patient] = true
	}
	if len(patients) != 3 || set.Clips[3].Split != dataset.Validation || set.Clips[0].Split != dataset.Train {
		t.Errorf("%+v", set.Clips)
	}
	dir := filepath.Join(t.TempDir(), "d")
	if _, err := clips.Take(t.Context(), set, dir, clips.Options{Every: 40, Most: 50}, nil); err != nil {
		t.Fatal(err)
	}
	d, err := dataset.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{}
	for _, r := range d.Rows {
		files[r.File] = true
	}
	if len(files) != len(d.Rows) || !files["images/train/2/1_png/00000.png"] && !files["images/train/2/1_mp4/00000.png"] {
		t.Errorf("files %v", files)
	}
}
