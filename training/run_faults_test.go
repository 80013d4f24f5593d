package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lungbox/ensemble/release"
	"lungbox/training/preset"
)

// A disk that runs full again and again, later every time: every time the run stops
// with one line, and the same command goes on when there is room; in the end its files
// are those of a run that had room enough.
func TestFullDisk(t *testing.T) {
	needLiteRT(t)
	dir := t.TempDir()
	simulated(t, dir)
	recipe := tiny(t, dir, func(p *preset.Preset) {
		p.Train.Steps, p.Train.Checkpoint, p.Evaluate.Ablation = 20, 5, false
	})
	args := []string{"run", "--preset", recipe, "--data", "sim", "--created", "2026-11-24", "--out"}
	succeed(t, dir, append(args, "whole")...)
	room := kilobytes(t, filepath.Join(dir, "whole"))
	const disks = 10
	script := "set -u; mkdir full; mount -t tmpfs -o size=64k none full || exit 99\n"
	for i := range disks {
		size := room * (i + 1) / disks
		if i == disks-1 {
			size = 4 * room // what is replaced lies there twice for a moment
		}
		script += fmt.Sprintf("mount -o remount,size=%dk full; \"$0\" \"$@\" full >/dev/null 2>said || echo \"%d kB: $? $(tail -n 1 said)\"\n", size, size)
	}
	script += "cp -r full after\n"
	flags := "-rm"
	if os.Getuid() == 0 {
		flags = "-m"
	}
	program := lungtrain(t, dir, args...)
	c := exec.Command("unshare", append([]string{flags, "sh", "-c", script}, program.Args...)...)
	c.Dir, c.Env = dir, program.Env
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if c.ProcessState != nil && c.ProcessState.ExitCode() == 99 || strings.HasPrefix(said.String(), "unshare: ") {
		t.Skipf("no small disk can be mounted here: %s", said.String())
	}
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	t.Logf("%d kB of files; stopped by\n%s", room, out)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) < 4 {
		t.Errorf("the disk was full only %d times", len(lines))
	}
	for _, line := range lines {
		if !strings.Contains(line, ": 1 lungtrain: ") || !strings.Contains(line, "no space left on device") {
			t.Errorf("a full disk ended it with %q", line)
		}
	}
	sameRun(t, filepath.Join(dir, "whole"), filepath.Join(dir, "after"))
}

// kilobytes is what the files of a folder take.
func kilobytes(t *testing.T, dir string) (sum int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += int(info.Size()+4095) / 4096 * 4
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// sameRun compares all that a run computes.
func sameRun(t *testing.T, a, b string) {
	t.Helper()
	var names []string
	for _, pattern := range []string{"*.csv", "*.raw", "[ace][abv]*.json", "*/curves.csv", "*/predictions.csv", "*/weights.safetensors", "*/*/curves.csv", "*/*/predictions.csv", "*/*/weights.safetensors", "release/*"} {
		found, err := filepath.Glob(filepath.Join(a, pattern))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, found...)
	}
	if len(names) < 30 {
		t.Errorf("only %d files to compare", len(names))
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			continue
		}
		local, err := filepath.Rel(a, name)
		if err != nil {
			t.Fatal(err)
		}
		first, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := os.ReadFile(filepath.Join(b, local)); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s is not the same (%v)", local, err)
		}
	}
}

// A loss that is no number ends the run with the pictures of that batch; what was
// learnt before stays.
func TestDivergedRun(t *testing.T) {
	needLiteRT(t)
	dir := t.TempDir()
	simulated(t, dir)
	recipe := tiny(t, dir, func(p *preset.Preset) {
		p.Train.Rate, p.Train.Momentum, p.Train.Checkpoint = 10, 0.99, 1
		for name, n := range p.Nets {
			n.Rate = 10
			p.Nets[name] = n
		}
		p.Train.L2 = 0.9
	})
	_, stderr, code := run(t, dir, "run", "--preset", recipe, "--data", "sim", "--out", "r")
	last := stderr[strings.LastIndex(strings.TrimSuffix(stderr, "\n"), "\n")+1:]
	for _, want := range []string{"lungtrain: task ", "diverged", "the batch images/", "try a lower rate"} {
		if code != 1 || !strings.Contains(last, want) {
			t.Errorf("exit code %d, said %q: want %q", code, last, want)
		}
	}
	kept, err := filepath.Glob(filepath.Join(dir, "r", "*", "*", "checkpoint.safetensors"))
	if err != nil || len(kept) == 0 {
		t.Errorf("no checkpoint was left (%v)", err)
	}
}

// A dry run goes through all stages, to a release that says what it is.
func TestDryRun(t *testing.T) {
	needLiteRT(t)
	dir := t.TempDir()
	simulated(t, dir)
	recipe := tiny(t, dir, nil)
	succeed(t, dir, "run", "--preset", recipe, "--data", "sim", "--out", "dry", "--dry-run")
	made, err := release.Open(os.DirFS(filepath.Join(dir, "dry", "release")))
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	if !strings.HasPrefix(made.Notice, "Dry run") {
		t.Errorf("the release's notice is %q", made.Notice)
	}
	report, err := os.ReadFile(filepath.Join(dir, "dry", "report.html"))
	if err != nil || !strings.Contains(string(report), "DRY RUN") {
		t.Errorf("the report does not say that the run was dry (%v)", err)
	}
	if _, stderr, code := run(t, dir, "run", "--preset", recipe, "--data", "sim", "--out", "dry"); code != 1 || !strings.Contains(stderr, "begun with other settings") {
		t.Errorf("going on in earnest: exit code %d, %s", code, stderr)
	}
}
