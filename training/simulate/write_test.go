package simulate_test

import (
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"lungbox/training/simulate"
)

func small() simulate.Options {
	return simulate.Options{Seed: 11, Patients: 4, Loops: 3, Frames: 2, Side: 64, Test: 0.25, ReaderNoise: 0.2}
}

func write(t *testing.T, dir string, options simulate.Options) (calls int) {
	t.Helper()
	err := simulate.Write(t.Context(), dir, options, func(done, total int) {
		if calls++; done > total {
			t.Errorf("%d of %d done", done, total)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// contents reads all files of a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func same(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name, data := range want {
		if got[name] != data {
			t.Errorf("%s: %s differs (%d and %d bytes)", what, name, len(got[name]), len(data))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d files, want %d", what, len(got), len(want))
	}
}

func TestWrittenDataSet(t *testing.T) {
	dir := t.TempDir()
	options := small()
	options.Screens = true
	write(t, dir, options)
	files := contents(t, dir)

	rows, err := csv.NewReader(strings.NewReader(files["images.csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rows[0], ","); got != "file,frame,patient,exam,zone,clip,reader_a,reader_b,split,source" {
		t.Errorf("the table starts with %s", got)
	}
	if len(rows) != 1+4*3*2 {
		t.Errorf("the table has %d rows, want 25", len(rows))
	}
	splits := map[string]string{}
	for _, row := range rows[1:] {
		if before, seen := splits[row[2]]; seen && before != row[8] {
			t.Errorf("patient %s is in split %s and %s", row[2], before, row[8])
		}
		splits[row[2]] = row[8]
		if row[1] != "" || !strings.HasPrefix(row[9], "simulated:") {
			t.Errorf("row %v: frame must be empty and the source simulated", row)
		}
		checkPNG(t, row[0], files[row[0]], image.Pt(64, 64))
		screen := strings.Replace(row[0], "images/", "screens/", 1)
		checkPNG(t, screen, files[screen], image.Point{})
	}
	test := 0
	for _, split := range splits {
		if split == "test" {
			test++
		}
	}
	if test != 1 || len(splits) != 4 {
		t.Errorf("%d of %d patients are test patients, want 1 of 4", test, len(splits))
	}

	lines := strings.Split(strings.TrimSpace(files["truth.jsonl"]), "\n")
	for i, line := range lines {
		var r struct {
			File  string
			Truth simulate.Truth
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.File != rows[i+1][0] || len(r.Truth.Pleura) == 0 {
			t.Errorf("line %d is about %s with %d points of pleura, the row about %s", i, r.File, len(r.Truth.Pleura), rows[i+1][0])
		}
	}
	if len(lines) != len(rows)-1 || !strings.Contains(files["simulated.json"], `"simulated": true`) {
		t.Errorf("%d lines of truth; parameters %s", len(lines), files["simulated.json"])
	}
	if want := 2*24 + 3; len(files) != want {
		t.Errorf("%d files, want %d", len(files), want)
	}
}

// checkPNG decodes a file and looks for its mark as any reader of PNG would.
func checkPNG(t *testing.T, name, data string, size image.Point) {
	t.Helper()
	picture, err := png.Decode(strings.NewReader(data))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if _, grey := picture.(*image.Gray); !grey || size.X > 0 && picture.Bounds().Size() != size {
		t.Errorf("%s is a %T of %v", name, picture, picture.Bounds().Size())
	}
	for at := 8; at+12 <= len(data); {
		length := int(binary.BigEndian.Uint32([]byte(data[at:])))
		body := data[at+4 : at+8+length]
		if sum := binary.BigEndian.Uint32([]byte(data[at+8+length:])); sum != crc32.ChecksumIEEE([]byte(body)) {
			t.Errorf("%s: chunk %s has a wrong checksum", name, body[:4])
		}
		if body == "tEXtLungbox\x00simulated" {
			return
		}
		at += 12 + length
	}
	t.Errorf("%s is not marked as simulated", name)
}

func TestWriteIsDeterministicAndResumes(t *testing.T) {
	first := t.TempDir()
	write(t, first, small())
	want := contents(t, first)

	second := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	err := simulate.Write(ctx, second, small(), func(done, total int) {
		if done == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: error %v", err)
	}
	half := contents(t, second)
	if half["images.csv"] != "" || len(half) < 5 || len(half) >= len(want)-2 {
		t.Errorf("cancelled after 5 of 24: %d files, a table of %d bytes", len(half), len(half["images.csv"]))
	}
	// What a run that was killed leaves behind must not get into the set.
	if err := os.WriteFile(filepath.Join(second, "simulated.json.part"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	write(t, second, small())
	os.Remove(filepath.Join(second, "simulated.json.part"))
	same(t, "completed", contents(t, second), want)

	if calls := write(t, second, small()); calls != 1 {
		t.Errorf("writing a complete set again reported progress %d times, want once", calls)
	}
	same(t, "written twice", contents(t, second), want)
}

func TestWriteRefusesForeignFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, small())
	other := small()
	other.Seed++
	if err := simulate.Write(t.Context(), dir, other, nil); !errors.Is(err, simulate.ErrOtherContents) {
		t.Errorf("another seed into the same folder: %v", err)
	}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "images.csv"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := simulate.Write(t.Context(), foreign, small(), nil); !errors.Is(err, simulate.ErrOtherContents) {
		t.Errorf("into a folder with a table: %v", err)
	}
	if left := contents(t, foreign); len(left) != 1 {
		t.Errorf("the foreign folder now has %d files", len(left))
	}
}

func TestWriteReportsWhatIsWrong(t *testing.T) {
	for name, change := range map[string]func(*simulate.Options){
		"patients": func(o *simulate.Options) { o.Patients = -1 },
		"every":    func(o *simulate.Options) { o.Every = -1 },
		"test":     func(o *simulate.Options) { o.Test = 1 },
		"look":     func(o *simulate.Options) { o.Looks = []string{"x-ray"} },
	} {
		options := small()
		change(&options)
		if err := simulate.Write(t.Context(), t.TempDir(), options, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v does not say so", name, err)
		}
	}
	// A file where a folder must be: the error names it and nothing hangs.
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = simulate.Write(ctx, dir, small(), nil)
	if err := os.WriteFile(filepath.Join(dir, "images"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := simulate.Write(t.Context(), dir, small(), nil); err == nil || !strings.Contains(err.Error(), "images") {
		t.Errorf("images is a file: error %v", err)
	}
}

func TestAllScoresAndManyLooksAreWritten(t *testing.T) {
	dir := t.TempDir()
	var last atomic.Int64
	options := simulate.Options{Seed: 2, Patients: 20, Loops: 6, Frames: 1, Side: 16}
	if err := simulate.Write(t.Context(), dir, options, func(done, _ int) { last.Store(int64(done)) }); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(contents(t, dir)["images.csv"])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	scores, looks := map[string]int{}, []string{}
	for _, row := range rows[1:] {
		scores[row[6]]++
		if row[6] != row[7] || row[8] != "" {
			t.Errorf("row %v: readers without noise differ, or a split nobody asked for", row)
		}
		if !slices.Contains(looks, row[9]) {
			looks = append(looks, row[9])
		}
	}
	for _, score := range []string{"0", "1", "2", "3"} {
		if share := float64(scores[score]) / 120; share < 0.1 || share > 0.45 {
			t.Errorf("score %s has a share of %.2f", score, share)
		}
	}
	if len(looks) < 5 || last.Load() != 120 {
		t.Errorf("%d looks among 20 patients; progress ended at %d of 120", len(looks), last.Load())
	}
}
