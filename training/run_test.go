package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lungbox/ensemble/release"
	"lungbox/training/preset"
	"lungbox/training/twostage"
)

// tiny is a recipe that takes seconds: the demo's with smaller nets and fewer steps.
func tiny(t *testing.T, dir string, change func(p *preset.Preset)) string {
	t.Helper()
	p, err := preset.Load("demo")
	if err != nil {
		t.Fatal(err)
	}
	p.Name = "tiny"
	for name, n := range p.Nets {
		n.Width, n.Input = 1.0/16, 32
		p.Nets[name] = n
	}
	p.Split.Folds, p.Split.TestShare, p.Split.TestPerScore, p.Split.ValidationShare = 3, 0.25, 10, 0.2
	p.Train.Steps, p.Train.Batch, p.Train.Log, p.Train.Checkpoint = 60, 8, 7, 20
	p.Selection.Cap = 0.5
	p.Evaluate.Bootstrap, p.Evaluate.Precision = 50, 100 // nets as small as these know little
	p.Machine.Device, p.Machine.Jobs, p.Machine.Threads = "cpu", 2, 1
	if change != nil {
		change(p)
	}
	text, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "tiny.toml")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return "tiny.toml"
}

func simulated(t *testing.T, dir string) {
	t.Helper()
	succeed(t, dir, "data", "simulate", "-o", "sim", "--look", "convex-study", "--patients", "12", "--loops", "12", "--frames", "2", "--size", "48", "--reader-noise", "0.3")
}

// From a dataset to a report and a release on one command; and the same files, bit for
// bit, when the program is killed again and again at random moments.
func TestRun(t *testing.T) {
	needLiteRT(t)
	dir := t.TempDir()
	simulated(t, dir)
	recipe := tiny(t, dir, nil)
	command := func(out string) []string {
		return []string{"run", "--preset", recipe, "--data", "sim", "--out", out, "--created", "2026-11-24"}
	}
	began := time.Now()
	stdout, stderr := succeed(t, dir, command("whole")...)
	took := time.Since(began)
	for _, want := range []string{"SIMULATED: ", "RANDOM START: vgg19", "stage one, fold 1 begins", "report: whole/report.html"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("said nothing of %q:\n%s", want, stderr)
		}
	}
	if !strings.Contains(stdout, "vote, without selection") || !strings.Contains(stdout, "Selection against no selection") {
		t.Errorf("printed\n%s", stdout)
	}
	t.Run("files", func(t *testing.T) { wholeFiles(t, filepath.Join(dir, "whole")) })
	t.Run("again", func(t *testing.T) {
		again, stderr := succeed(t, dir, command("whole")...)
		if again != stdout || !strings.Contains(stderr, "9 of 9 trainings are done") {
			t.Errorf("a finished run said %s and printed\n%s", stderr, again)
		}
	})
	t.Run("killed", func(t *testing.T) { killedRun(t, dir, command("killed"), "whole", "killed", took) })
	t.Run("compare", func(t *testing.T) {
		table, _ := succeed(t, dir, "compare", "whole", "killed")
		for _, want := range []string{"whole  killed", "vote, with selection − best single net", "wrong labels removed, %", "over 2 runs"} {
			if !strings.Contains(table, want) || strings.Contains(table, "NaN") {
				t.Errorf("printed\n%s: want %q", table, want)
			}
		}
	})
	t.Run("other settings", func(t *testing.T) {
		if _, stderr, code := run(t, dir, append(command("whole"), "--seed", "9")...); code != 1 || !strings.Contains(stderr, "begun with other settings (seed = 1, now seed = 9)") {
			t.Errorf("exit code %d, said %q", code, stderr)
		}
	})
	t.Run("decisions", func(t *testing.T) { decided(t, dir, command("killed"), "killed") })
}

func wholeFiles(t *testing.T, dir string) {
	made, err := release.Open(os.DirFS(filepath.Join(dir, "release")))
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	if made.Notice != "Trained on simulated pictures: not for patients" {
		t.Errorf("notice %q", made.Notice)
	}
	report, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SIMULATED", "The two readers", "Worst mistakes", "data:image/jpeg;base64,", "vote, without selection", "<svg", "paper's Table 6"} {
		if !strings.Contains(string(report), want) {
			t.Errorf("the report has no %q", want)
		}
	}
	if strings.Contains(string(report), "src=\"http") || strings.Contains(string(report), "ZgotmplZ") {
		t.Error("the report asks for other files or holds what its template refused")
	}
	var m twostage.Manifest
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	if len(m.Tasks) != 9 || len(m.DataHash) != 64 || len(m.Split) != 64 || len(m.Selection) != 64 || m.Versions["TensorFlow"] == "" || m.Tasks[8].Memory == 0 {
		t.Errorf("manifest %+v", m)
	}
	events, err := filepath.Glob(filepath.Join(dir, "tensorboard", "*", "events.out.tfevents.*"))
	if err != nil || len(events) != 9 {
		t.Errorf("event files %v", events)
	}
}

// killedRun kills a run with no chance to write anything until it has been killed
// several times, each time after at most a quarter of what a whole run took, then lets
// it end.
func killedRun(t *testing.T, dir string, args []string, whole, folder string, took time.Duration) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed of the moments: %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	kills := 0
	for kills < 6 {
		c := lungtrain(t, dir, args...)
		var said bytes.Buffer
		c.Stderr = &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("after %d kills: %v\n%s", kills, err, said.String())
			}
			if kills < 3 {
				t.Errorf("only killed %d times: the run is too short", kills)
			}
			kills = 6
			continue
		case <-time.After(300*time.Millisecond + time.Duration(r.Int64N(int64(took/4)))):
			if kills%3 == 2 {
				c.Process.Signal(syscall.SIGINT)
			} else {
				c.Process.Kill()
			}
			<-ended
			kills++
			time.Sleep(200 * time.Millisecond) // its children see that it is gone
		}
	}
	succeed(t, dir, args...)
	files := []string{"selection.csv", "split.csv", "evaluation.json", "ablation.json", "calibration.json", "pictures.raw"}
	for _, net := range []string{"stage1/fold0", "stage1/fold1", "stage1/fold2", "googlenet", "resnet50", "vgg19", "unselected/googlenet", "unselected/resnet50", "unselected/vgg19"} {
		files = append(files, net+"/weights.safetensors", net+"/curves.csv", net+"/predictions.csv")
	}
	for _, name := range append(files, "release/manifest.json", "release/vgg19.safetensors") {
		a, err := os.ReadFile(filepath.Join(dir, whole, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs between a run that was killed and one that was not", name)
		}
	}
}

// decided feeds a person's decisions back: stage two is trained again on them, the
// former nets are put aside.
func decided(t *testing.T, dir string, args []string, folder string) {
	table, err := os.ReadFile(filepath.Join(dir, folder, "selection.csv"))
	if err != nil {
		t.Fatal(err)
	}
	var kept, removed string
	for line := range strings.Lines(string(table)) {
		switch fields := strings.Split(line, ","); {
		case fields[11] == "yes" && fields[13] == "net agrees\n":
			kept = fields[0]
		case fields[11] == "no":
			removed = fields[0]
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "mine.csv"), []byte("file,frame,decision,score,note\n"+kept+",,drop,,\n"+removed+",,relabel,2,seen again\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	printed, _ := succeed(t, dir, "select", folder, "--decisions", "mine.csv")
	if !strings.Contains(printed, "fold 3") {
		t.Errorf("printed\n%s", printed)
	}
	before, err := os.ReadFile(filepath.Join(dir, folder, "googlenet", "weights.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	_, stderr := succeed(t, dir, args...)
	if !strings.Contains(stderr, "6 of 9 trainings are done") {
		t.Errorf("said %q", stderr)
	}
	after, err := os.ReadFile(filepath.Join(dir, folder, "googlenet", "weights.safetensors"))
	if err != nil || bytes.Equal(before, after) {
		t.Errorf("decisions changed nothing (%v)", err)
	}
	aside, err := filepath.Glob(filepath.Join(dir, folder, "googlenet.before-*", "weights.safetensors"))
	if err != nil || len(aside) != 1 {
		t.Errorf("former nets %v", aside)
	}
	text, err := os.ReadFile(filepath.Join(dir, folder, "selection.csv"))
	if err != nil || !strings.Contains(string(text), "person decided") {
		t.Errorf("%v: no decision in selection.csv", err)
	}
	sheet, err := os.ReadFile(filepath.Join(dir, folder, "removed.html"))
	if err != nil || !strings.Contains(string(sheet), `value="drop" checked`) {
		t.Errorf("%v: the contact sheet forgot a decision", err)
	}
}
