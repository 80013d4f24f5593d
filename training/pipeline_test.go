package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/release"
	"lungbox/ensemble/weights"
	"lungbox/training/evaluate"
)

// From nothing to a release with the commands alone; the training of one net is killed
// on the way.
func TestFromPhantomToRelease(t *testing.T) {
	needLiteRT(t)
	dir := t.TempDir()
	succeed(t, dir, "data", "simulate", "-o", "sim", "--patients", "4", "--loops", "8", "--frames", "2", "--size", "64", "--test", "0.5")

	fit := func(net, out string) []string {
		return []string{"fit", "--arch", net, "--width", "0.0625", "--input", "32", "--steps", "80", "--checkpoint", "5",
			"--rate", "0.01", "--schedule", "cosine", "--seed", "3", "--deterministic", "--device", "cpu", "--data", "sim", "-o", out}
	}
	for _, net := range arch.Names() {
		succeed(t, dir, fit(net, "run/"+net)...)
	}
	// VGG-19 has dropout, whose draws must go on as well.
	t.Run("killed", func(t *testing.T) { killed(t, dir, fit("vgg19", "again"), "run/vgg19", "again") })
	t.Run("interrupted", func(t *testing.T) { interrupted(t, dir, fit("resnet50", "stopped"), "run/resnet50", "stopped") })
	t.Run("finished", func(t *testing.T) {
		if _, stderr := succeed(t, dir, fit("vgg19", "run/vgg19")...); !strings.Contains(stderr, "run/vgg19 is trained already") {
			t.Errorf("said %q", stderr)
		}
		other := append(fit("vgg19", "run/vgg19"), "--momentum", "0.5")
		if _, stderr, code := run(t, dir, other...); code != 1 || !strings.Contains(stderr, "run/vgg19 holds a run with other settings") {
			t.Errorf("exit code %d, said %q", code, stderr)
		}
		// The folder's name on the command line is no setting.
		if err := os.Rename(filepath.Join(dir, "sim"), filepath.Join(dir, "moved")); err != nil {
			t.Fatal(err)
		}
		defer os.Rename(filepath.Join(dir, "moved"), filepath.Join(dir, "sim"))
		moved := fit("vgg19", "run/vgg19")
		moved[slices.Index(moved, "sim")] = "moved"
		succeed(t, dir, moved...)
	})
	t.Run("predict", func(t *testing.T) { predicts(t, dir) })

	table, _ := succeed(t, dir, "evaluate", "run", "--data", "sim")
	text, err := os.ReadFile(filepath.Join(dir, "run", "evaluation.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report evaluate.Report
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	if report.String() != table || report.Patients != 2 || report.Vote.Count+report.Vote.Unscored != 32 {
		t.Errorf("%d patients, %d pictures; printed\n%s\nkept\n%s", report.Patients, report.Vote.Count, table, report)
	}

	_, stderr := succeed(t, dir, "export", "run", "-o", "release", "--golden", "sim", "--created", "2026-11-23", "--notice", "A test")
	if !strings.Contains(stderr, "release 2026.11.23-1 in release: ") {
		t.Errorf("said %q", stderr)
	}
	made, err := release.Open(os.DirFS(filepath.Join(dir, "release")))
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	card, err := os.ReadFile(filepath.Join(dir, "release", "MODEL_CARD.md"))
	if err != nil || !strings.Contains(string(card), table) || made.Notice != "A test" {
		t.Errorf("%v, notice %q, card\n%s", err, made.Notice, card)
	}
	if _, stderr, code := run(t, dir, "export", "run", "-o", "release", "--golden", "sim"); code != 1 || !strings.Contains(stderr, "release exists already") {
		t.Errorf("over a release: exit code %d, said %q", code, stderr)
	}
}

// killed ends a training at once, with no chance to write anything, and starts it
// again: the weights are those of the whole run, bit for bit.
func killed(t *testing.T, dir string, args []string, whole, folder string) {
	c := lungtrain(t, dir, args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, filepath.Join(dir, folder, "checkpoint.safetensors"))
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	if _, err := os.Stat(filepath.Join(dir, folder, "weights.safetensors")); err == nil {
		t.Fatal("the training ended before it was killed")
	}
	_, stderr := succeed(t, dir, args...)
	if !strings.Contains(stderr, folder+" goes on from step ") {
		t.Errorf("said %q", stderr)
	}
	same(t, dir, whole, folder)
}

// interrupted ends a training as Ctrl-C does.
func interrupted(t *testing.T, dir string, args []string, whole, folder string) {
	c := lungtrain(t, dir, args...)
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, filepath.Join(dir, folder, "checkpoint.safetensors"))
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	step := 0
	lines := strings.Split(said.String(), "\n")
	for _, line := range lines {
		fmt.Sscanf(line, "interrupted after step %d: the same command goes on from there", &step)
	}
	if c.ProcessState.ExitCode() != 1 || step == 0 || !strings.HasSuffix(said.String(), "\nlungtrain: stopped\n") {
		t.Fatalf("exit code %d, said %q", c.ProcessState.ExitCode(), said.String())
	}
	if _, stderr := succeed(t, dir, args...); !strings.Contains(stderr, fmt.Sprintf("%s goes on from step %d\n", folder, step)) {
		t.Errorf("after step %d said %q", step, stderr)
	}
	same(t, dir, whole, folder)
}

func await(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
	t.Fatalf("%s did not come", path)
}

func same(t *testing.T, dir, a, b string) {
	t.Helper()
	for _, name := range []string{"weights.safetensors", "curves.csv"} {
		first, err := os.ReadFile(filepath.Join(dir, a, name))
		if err != nil {
			t.Fatal(err)
		}
		second, err := os.ReadFile(filepath.Join(dir, b, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "curves.csv" {
			// Loss and accuracy are means over the steps since the start of the process;
			// steps and rates must be there.
			first, second = firstColumns(first), firstColumns(second)
		}
		if !bytes.Equal(first, second) {
			t.Errorf("%s of a training that was ended half-way differs from one that was not", name)
		}
	}
}

func firstColumns(table []byte) []byte {
	var out []byte
	for line := range bytes.Lines(table) {
		fields := bytes.Split(line, []byte(","))
		out = append(append(append(append(out, fields[0]...), ','), fields[1]...), '\n')
	}
	return out
}

// predicts checks the table against softmax and the dataset's order.
func predicts(t *testing.T, dir string) {
	printed, _ := succeed(t, dir, "predict", "--arch", "resnet50", "--weights", "run/resnet50/weights.safetensors", "--data", "sim", "--deterministic")
	rows, err := csv.NewReader(strings.NewReader(printed)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 65 || strings.Join(rows[0], ",") != "file,frame,p0,p1,p2,p3,l0,l1,l2,l3" {
		t.Fatalf("%d rows, head %v", len(rows), rows[0])
	}
	for _, row := range rows[1:] {
		var v [8]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[2+i], 64); err != nil {
				t.Fatal(err)
			}
		}
		sum := math.Exp(v[4]) + math.Exp(v[5]) + math.Exp(v[6]) + math.Exp(v[7])
		for s := range 4 {
			if math.Abs(v[s]-math.Exp(v[4+s])/sum) > 1e-6 {
				t.Fatalf("row %v: p%d is not the softmax", row, s)
			}
		}
	}
	succeed(t, dir, "predict", "--arch", "resnet50", "--weights", "run/resnet50/weights.safetensors", "--data", "sim", "--deterministic", "-o", "probs.csv")
	if kept, err := os.ReadFile(filepath.Join(dir, "probs.csv")); err != nil || string(kept) != printed {
		t.Errorf("the file differs from what was printed: %v", err)
	}
}

func TestImportWeights(t *testing.T) {
	dir := t.TempDir()
	config := arch.Config{Arch: arch.ResNet50, Width: 1.0 / 16, Input: 32, Classes: 1000}
	set := weights.Formula(arch.MustNew(config))
	save := func(name string) {
		if err := weights.SaveFile(filepath.Join(dir, name), set, weights.F32, nil); err != nil {
			t.Fatal(err)
		}
	}
	save("foreign.safetensors")
	args := []string{"weights", "import", "--arch", "resnet50", "--width", "0.0625", "--input", "32"}
	_, stderr := succeed(t, dir, append(args, "foreign.safetensors", "-o", "initial.safetensors")...)
	if !strings.Contains(stderr, "last layer (fc) has 1000 classes: replaced by fresh weights for 4") || strings.HasSuffix(stderr, "\n\n") {
		t.Errorf("said %q", stderr)
	}
	got, _, err := weights.LoadFile(filepath.Join(dir, "initial.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	config.Classes = 4
	if err := weights.Check(arch.MustNew(config), got); err != nil {
		t.Error(err)
	}
	// What was imported is what a training starts from.
	succeed(t, dir, "data", "simulate", "-o", "sim", "--patients", "1", "--loops", "4", "--frames", "1", "--size", "64")
	fit := []string{"fit", "--arch", "resnet50", "--input", "32", "--steps", "1", "--data", "sim", "--device", "cpu", "--init", "initial.safetensors"}
	if _, stderr := succeed(t, dir, append(fit, "--width", "0.0625", "-o", "r")...); strings.Contains(stderr, "random weights") {
		t.Errorf("said %q", stderr)
	}
	if _, stderr, code := run(t, dir, append(fit, "--width", "0.125", "-o", "r2")...); code != 1 || !strings.Contains(stderr, "initial.safetensors: ") || !strings.Contains(stderr, "conv1.weight has shape [4 3 7 7], want [8 3 7 7]") {
		t.Errorf("another width: exit code %d, said %q", code, stderr)
	}

	tensor := set["layer2.0.conv1.weight"]
	tensor.Shape = []int{tensor.Shape[0], tensor.Shape[1] / 2, 2, 1}
	set["layer2.0.conv1.weight"] = tensor
	save("wrong.safetensors")
	_, stderr, code := run(t, dir, append(args, "wrong.safetensors", "-o", "none.safetensors")...)
	if code != 1 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "wrong.safetensors: ") || !strings.Contains(stderr, "layer2.0.conv1.weight has shape [8 8 2 1], want [8 16 1 1]") {
		t.Errorf("exit code %d, said %q", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "none.safetensors")); err == nil {
		t.Error("refused weights were written")
	}
}
