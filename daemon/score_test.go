package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"lungbox/ensemble"
)

const (
	aLines    = "demo/clips/reg_recommendations_alines_mov1.mp4" // 90 frames
	whiteLung = "demo/clips/vir_whitelung_h1n1.mp4"              // 123 frames
)

// tool runs a program that makes test files, and skips the test where it is missing.
func tool(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("skipped: no %s: run the tests with `make test`", name)
	}
	if out, err := exec.CommandContext(t.Context(), name, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, arguments, err, out)
	}
}

// results reads what `score --json` printed; a line that is no result fails the test.
func results(t *testing.T, out string) map[string][]ensemble.Result {
	t.Helper()
	byFile := map[string][]ensemble.Result{}
	for i, line := range lines(out) {
		var r ensemble.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("line %d is no result: %v: %s", i, err, line)
		}
		if r.Seq != uint64(i+1) || r.Release == "" || r.Device == "" || r.Epoch == "" || r.Time.IsZero() {
			t.Errorf("line %d: %+v", i, r)
		}
		byFile[filepath.Base(r.File)] = append(byFile[filepath.Base(r.File)], r)
	}
	return byFile
}

// multiFrame writes a DICOM file of several uncompressed monochrome frames of a clip.
func multiFrame(t *testing.T, path, from string) {
	t.Helper()
	dir := t.TempDir()
	raw := filepath.Join(dir, "pixels")
	tool(t, "ffmpeg", "-v", "error", "-i", from, "-frames:v", "5", "-vf", "scale=640:480", "-pix_fmt", "gray", "-f", "rawvideo", raw)
	dump := filepath.Join(dir, "dump")
	text := fmt.Sprintf(`(0008,0016) UI =UltrasoundMultiframeImageStorage
(0008,0018) UI [2.25.1]
(0008,0060) CS [US]
(0018,1063) DS [33.3]
(0028,0002) US 1
(0028,0004) CS [MONOCHROME2]
(0028,0008) IS [5]
(0028,0010) US 480
(0028,0011) US 640
(0028,0100) US 8
(0028,0101) US 8
(0028,0102) US 7
(0028,0103) US 0
(7fe0,0010) OW =%s
`, raw)
	if err := os.WriteFile(dump, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	tool(t, "dump2dcm", "+te", dump, path)
}

// One scene in every format gives one score, whatever carries it.
func TestScoreFormats(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	tool(t, "ffmpeg", "-v", "error", "-i", whiteLung, "-frames:v", "6", "-c:v", "mjpeg", "-q:v", "2", in("a.avi"))
	tool(t, "ffmpeg", "-v", "error", "-i", whiteLung, "-frames:v", "6", "-vf", "split[a][b];[a]palettegen[p];[b][p]paletteuse", in("b.gif"))
	tool(t, "ffmpeg", "-v", "error", "-i", whiteLung, "-frames:v", "1", in("c.png"))
	tool(t, "ffmpeg", "-v", "error", "-i", whiteLung, "-frames:v", "1", "-q:v", "2", in("d.jpg"))
	tool(t, "img2dcm", in("d.jpg"), in("e.dcm"))                  // JPEG baseline, YBR
	tool(t, "dcmdjpeg", in("e.dcm"), in("f.dcm"))                 // uncompressed, RGB
	multiFrame(t, in("g.dcm"), whiteLung)                         // uncompressed, grey, five frames
	tool(t, "dcmcjpeg", "+eb", "+cy", in("f.dcm"), in("h-noext")) // found by its content
	out, complaint, code := run(t, "score", "--json", dir, whiteLung)
	if code != 0 || len(lines(complaint)) != 1 || !strings.Contains(complaint, "simulated") { // the release's notice
		t.Errorf("exit code %d: %s", code, complaint)
	}
	byFile := results(t, out)
	for name, frames := range map[string]int{"a.avi": 6, "b.gif": 6, "c.png": 1, "d.jpg": 1, "e.dcm": 1, "f.dcm": 1, "g.dcm": 5, "h-noext": 1, filepath.Base(whiteLung): 123} {
		got := byFile[name]
		if len(got) != frames {
			t.Errorf("%s: %d results, want %d", name, len(got), frames)
			continue
		}
		want := byFile[filepath.Base(whiteLung)][0]
		if got[0].Score != want.Score || got[0].Score == ensemble.None {
			t.Errorf("%s: score %v (%s), as mp4 %v (%s)", name, got[0].Score, got[0].Reason, want.Score, want.Reason)
		}
		for i, r := range got {
			if r.Frame != i || len(r.Votes) < 2 || r.Simulated {
				t.Errorf("%s frame %d: %+v", name, i, r)
			}
		}
	}
}

// What cannot be read gets one line that names it; everything else is scored.
func TestScoreGoesOnPastBrokenFiles(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile(aLines)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"1-text.mp4": []byte("this is no video\n"), "2-empty.mp4": nil, "3-cut.mp4": whole[:1000],
		"4-damaged.png": []byte("\x89PNG\r\n\x1a\nnonsense"), "5-damaged.dcm": append(make([]byte, 128), "DICM and nothing more"...),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	paths := []string{filepath.Join(dir, "1-text.mp4"), filepath.Join(dir, "2-empty.mp4"), filepath.Join(dir, "3-cut.mp4"),
		filepath.Join(dir, "4-damaged.png"), filepath.Join(dir, "5-damaged.dcm"), filepath.Join(dir, "6-absent.mp4"), t.TempDir(), aLines}
	out, complaint, code := run(t, append([]string{"score", "--json", "--every", "30"}, paths...)...)
	if code != 1 {
		t.Errorf("exit code %d", code)
	}
	if got := results(t, out)[filepath.Base(aLines)]; len(got) != 3 || got[1].Frame != 30 {
		t.Errorf("the clip behind the broken files gave %+v", got)
	}
	all := lines(complaint)
	for _, path := range paths[:7] {
		named := 0
		for _, line := range all {
			if strings.Contains(line, path) {
				named++
			}
		}
		if named != 1 {
			t.Errorf("%d lines name %s", named, path)
		}
	}
	if len(all) != 8 { // the notice and a line for each
		t.Errorf("%d lines:\n%s", len(all), complaint)
	}
}

// What is no ultrasound has no score, and says why.
func TestScoreOfWhatIsNoUltrasound(t *testing.T) {
	dir := t.TempDir()
	bars, dark := filepath.Join(dir, "bars.mp4"), filepath.Join(dir, "dark.png")
	tool(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "smptebars=size=640x480:rate=10:duration=1", "-pix_fmt", "yuv420p", bars)
	tool(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=black:size=640x480:duration=1", "-frames:v", "1", dark)
	out, _, code := run(t, "score", "--json", bars, dark)
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	byFile := results(t, out)
	for name, want := range map[string]int{"bars.mp4": 10, "dark.png": 1} {
		if len(byFile[name]) != want {
			t.Errorf("%s: %d results, want %d", name, len(byFile[name]), want)
		}
		for _, r := range byFile[name] {
			if r.Score != ensemble.None || r.Reason != ensemble.NotLung && r.Reason != ensemble.PoorImage || len(r.Votes) != 0 {
				t.Errorf("%s frame %d: %+v", name, r.Frame, r)
			}
		}
	}
}

func TestScoreTable(t *testing.T) {
	out, _, code := run(t, "score", aLines, whiteLung)
	rows := lines(out)
	if code != 0 || len(rows) != 3 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	for i, frames := range []string{"90", "123"} {
		row := rows[i+1]
		if !regexp.MustCompile(`^demo/clips/\S+\.mp4 +[0-3–] +\d+ % +` + frames + `( +\d+){4} +[\d.]+( |$)`).MatchString(row) {
			t.Errorf("row %q", row)
		}
	}
	full, _, _ := run(t, "score", "--vote", "full", aLines, whiteLung)
	for i, row := range lines(full) {
		// Name, score and counts; confidence and times may differ.
		before, after := regexp.MustCompile(`\S+`).FindAllString(rows[i], -1), regexp.MustCompile(`\S+`).FindAllString(row, -1)
		if i > 0 && (before[0] != after[0] || before[1] != after[1] || fmt.Sprint(before[4:9]) != fmt.Sprint(after[4:9])) {
			t.Errorf("lazy %q, full %q", rows[i], row)
		}
	}
}

// The gate's thresholds come with the release.
func TestReleaseHasTheGate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "release")
	if err := os.CopyFS(dir, os.DirFS("demo/release")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "manifest.json")
	plain, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	score := func(gate string) (reasons map[string]int, complaint string, code int) {
		t.Helper()
		var manifest map[string]any
		if err := json.Unmarshal(plain, &manifest); err != nil {
			t.Fatal(err)
		}
		manifest["gate"] = json.RawMessage("{" + gate + "}")
		text, err := json.Marshal(manifest)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		out, complaint, code := run(t, "score", "--json", "--every", "20", "--release", dir, whiteLung)
		reasons = map[string]int{}
		for _, line := range lines(out) {
			var r ensemble.Result
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			reasons[string(r.Reason)]++
		}
		return reasons, complaint, code
	}
	if got, complaint, _ := score(`"least_lit": 0.05`); got["majority"] == 0 || got["poor-image"] > 0 {
		t.Errorf("the usual threshold: %v %s", got, complaint)
	}
	if got, complaint, _ := score(`"least_lit": 0.99`); got["majority"] > 0 || got["poor-image"] == 0 {
		t.Errorf("a threshold that nothing passes: %v %s", got, complaint)
	}
	if _, complaint, code := score(`"least_light": 1`); code != 1 || !strings.Contains(complaint, "least_light = 1, which this program does not know") {
		t.Errorf("a threshold of a later program: exit code %d, %s", code, complaint)
	}
}
