package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lungbox/training/dataset"
)

const demoClips = "../daemon/demo/clips"

// copyClip puts a committed clip somewhere.
func copyClip(t *testing.T, name string, to ...string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(demoClips, name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(to...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Folders of scores with a broken file become a dataset that the check finds sound, but
// for the scores that have no picture; with --strict the file ends the import.
func TestImportFoldersAndCheck(t *testing.T) {
	dir := t.TempDir()
	copyClip(t, "reg_recommendations_alines_mov1.mp4", dir, "in", "0", "anna", "a.mp4")
	copyClip(t, "vir_prospective_file2.mp4", dir, "in", "1", "bert", "b.mp4")
	copyClip(t, "vir_whitelung_h1n1.mp4", dir, "in", "3", "p9-c.mp4")
	if err := os.WriteFile(filepath.Join(dir, "in", "1", "bert", "broken.mp4"), []byte("no film"), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"data", "import", "in", "-o", "d", "--most", "3", "--patient-pattern", "^(p[0-9]+)-", "--test-patients", "p9"}
	if _, stderr, code := run(t, dir, append(args, "--strict")...); code != 1 || !strings.Contains(stderr, "broken.mp4") {
		t.Errorf("--strict: exit code %d, %s", code, stderr)
	}
	_, stderr := succeed(t, dir, args...)
	for _, want := range []string{"took 9 pictures from 3 clips of 3 patients; by score:  0: 3  1: 3  2: 0  3: 3", "3 of the pictures are for the test", "skipped in/1/bert/broken.mp4: not a video", "WARNING: 1 files were SKIPPED"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in\n%s", want, stderr)
		}
	}
	stdout, _, code := run(t, dir, "data", "check", "d")
	if code != 1 || !strings.Contains(stdout, "class: no picture has score 2") || !strings.Contains(stdout, "1 faults in 9 pictures") || !strings.Contains(stdout, `patient "anna"`) {
		t.Errorf("check: exit code %d\n%s", code, stdout)
	}
	// As JSON there is nothing but JSON lines.
	stdout, _, code = run(t, dir, "data", "check", "--json", "d")
	kinds := map[string]int{}
	for line := range strings.Lines(stdout) {
		var entry struct{ Kind string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		kinds[entry.Kind]++
	}
	if code != 1 || kinds["class"] != 1 || kinds["counts"] != 7 || len(kinds) != 2 { // all, 2 splits, 1 source, 3 patients
		t.Errorf("exit code %d, kinds %v", code, kinds)
	}
}

// A check of a sound dataset ends with 0, of one with faults with 1, whatever they are.
func TestCheckExitCode(t *testing.T) {
	dir := t.TempDir()
	succeed(t, dir, "data", "simulate", "-o", "sim", "--patients", "6", "--loops", "6", "--frames", "1", "--size", "64", "--seed", "3")
	if stdout, stderr, code := run(t, dir, "data", "check", "sim"); code != 0 || !strings.Contains(stdout, "nothing wrong with 36 pictures") {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	table := filepath.Join(dir, "sim", "images.csv")
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	lines[4] = strings.Replace(lines[4], ",simulated", ",7,simulated", 1)
	if err := os.WriteFile(table, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	if stdout, _, code := run(t, dir, "data", "check", "sim"); code != 1 || !strings.Contains(stdout, "table: row 5, images.csv: wrong number of fields") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}

// DICOM files are read by lungtrain's own guarded child, and their patients get
// pseudonyms that a key keeps the same.
func TestImportDICOM(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "lungtrain") // a program of its own, because the child is called without our environment
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for i, name := range []string{"reg_recommendations_alines_mov1.mp4", "vir_prospective_file2.mp4"} {
		picture, scan := filepath.Join(dir, fmt.Sprint(i, ".jpg")), filepath.Join(dir, "in", "DOE", fmt.Sprint("IM", i))
		if err := os.MkdirAll(filepath.Dir(scan), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, c := range [][]string{
			{"ffmpeg", "-v", "error", "-i", filepath.Join(demoClips, name), "-frames:v", "1", "-pix_fmt", "yuvj420p", picture},
			{"img2dcm", picture, scan, "-k", "PatientID=4711", "-k", fmt.Sprint("SOPInstanceUID=1.2.", i)},
		} {
			if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", c, err, out)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "scores.csv"), []byte("sop,reader_a,reader_b\n1.2.0,0,0\n1.2.1,1,1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	var patients []string
	for _, out := range []string{"d1", "d2", "d3"} {
		args := []string{"data", "import", "in", "-o", out, "--scores", "scores.csv", "--layout", "dicom"}
		if out != "d3" {
			args = append(args, "--pseudonym-key", "key")
		}
		c := exec.Command(program, args...)
		c.Dir = dir
		if said, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		d, err := dataset.Read(filepath.Join(dir, out))
		if err != nil || len(d.Rows) != 2 || d.Rows[0].ReaderB != 0 || d.Rows[0].Patient != d.Rows[1].Patient || strings.Contains(fmt.Sprint(d.Rows), "4711") {
			t.Fatalf("%+v, %v", d, err)
		}
		patients = append(patients, d.Rows[0].Patient)
	}
	if patients[0] != patients[1] || patients[0] == patients[2] {
		t.Errorf("pseudonyms %v: want the same for one key, another without", patients)
	}
}
