package fit

import (
	"context"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/ensemble/weights"
	"lungbox/training/dataset"
)

// pictures draws an easy task: the score is the number of bright stripes.
func pictures(n int, patient string) []dataset.Picture {
	r := rand.New(rand.NewPCG(1, uint64(len(patient))))
	var out []dataset.Picture
	for i := range n {
		img := image.NewGray(image.Rect(0, 0, 40, 40))
		for k := range img.Pix {
			img.Pix[k] = byte(30 + r.IntN(30))
		}
		score := i % 4
		for s := range score {
			for y := range 40 {
				for x := range 5 {
					img.Pix[y*img.Stride+5+12*s+x] = 220
				}
			}
		}
		out = append(out, dataset.Picture{Row: dataset.Row{Patient: patient, Clip: string(rune('a' + i%8))}, Score: score, Image: img})
	}
	return out
}

func task(t *testing.T) Task {
	c := Paper(arch.Config{Arch: arch.ResNet50, Width: 1.0 / 16, Input: 32, Classes: 4})
	c.Steps, c.Batch, c.Rate, c.Seed, c.Checkpoint = 30, 8, 0.02, 7, 10
	c.Augmentation = Augmentation{Zoom: 0.05, Gain: 0.1, Noise: 3}
	c.Engine = tensorflow.Options{Device: "cpu", Deterministic: true}
	return Task{Config: c, Dir: filepath.Join(t.TempDir(), "run"), Pools: []Pool{{Name: "stripes", Share: 1, Pictures: pictures(64, "p1")}}, Validation: pictures(16, "p22")}
}

// The paper's Table 2 is what a training has without further settings.
func TestPaperDefaults(t *testing.T) {
	c := Paper(arch.Full(arch.VGG19))
	if c.Steps != 2000 || c.Batch != 4 || c.Rate != 0.001 || c.L2 != 0.0001 || c.Momentum != 0.9 || c.Schedule != Constant || c.Smoothing != 0 {
		t.Errorf("%+v", c)
	}
}

func TestLearns(t *testing.T) {
	job := task(t)
	job.Steps, job.Schedule = 150, Cosine
	var last Progress
	job.Progress = func(p Progress) { last = p }
	set, err := Run(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	if last.Step != 150 || last.Accuracy < 0.6 {
		t.Errorf("at the end: %+v", last)
	}
	if err := weights.Check(arch.MustNew(job.Net), set); err != nil {
		t.Error(err)
	}
	curves, err := os.ReadFile(filepath.Join(job.Dir, CurvesFile))
	if err != nil || strings.Count(string(curves), "\n") != 16 {
		t.Errorf("curves %v:\n%s", err, curves)
	}
	if _, err := os.Stat(filepath.Join(job.Dir, checkpointFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the checkpoint is still there: %v", err)
	}
	// Run again: the finished run is returned, not trained again.
	job.Progress = func(Progress) { t.Error("a finished run went on") }
	again, err := Run(t.Context(), job)
	if err != nil || !reflect.DeepEqual(again, set) {
		t.Errorf("a finished run: %v", err)
	}
}

// An interrupted run ends with the weights of one that was not, bit for bit.
func TestGoesOnBitForBit(t *testing.T) {
	whole := task(t)
	want, err := Run(t.Context(), whole)
	if err != nil {
		t.Fatal(err)
	}
	broken := task(t)
	for _, until := range []int{4, 13} {
		ctx, cancel := context.WithCancel(t.Context())
		broken.Progress = func(p Progress) {
			if p.Step >= until {
				cancel()
			}
		}
		if _, err := Run(ctx, broken); !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted run: %v", err)
		}
	}
	first, from := 0, 0
	broken.Resumed = func(step int) { from = step }
	broken.Progress = func(p Progress) {
		if first == 0 {
			first = p.Step
		}
	}
	got, err := Run(t.Context(), broken)
	if err != nil {
		t.Fatal(err)
	}
	if first < 13 || from != first-1 {
		t.Errorf("the run went on with step %d, and said after step %d", first, from)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("weights after two interruptions differ from those without")
	}
}

func TestOtherSettingsDoNotGoOn(t *testing.T) {
	job := task(t)
	job.Steps = 5
	if _, err := Run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	job.Rate *= 2
	if _, err := Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "other settings") {
		t.Errorf("another rate: %v", err)
	}
	job.Rate /= 2
	job.Pools[0].Pictures[0].Image.Pix[0]++
	if _, err := Run(t.Context(), job); err == nil || !strings.Contains(err.Error(), "other settings or pictures") {
		t.Errorf("another picture: %v", err)
	}
}

// What cannot be read is said by name, with what to do; nothing is trained over it.
func TestDamagedRun(t *testing.T) {
	for file, want := range map[string]string{
		settingsFile:   "holds a run with other settings",
		checkpointFile: "remove it to train from the start",
		WeightsFile:    "remove it to train again",
	} {
		job := task(t)
		job.Steps = 5
		if file == checkpointFile {
			ctx, cancel := context.WithCancel(t.Context())
			job.Progress = func(Progress) { cancel() }
			if _, err := Run(ctx, job); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		} else if _, err := Run(t.Context(), job); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(job.Dir, file)
		if err := os.Truncate(path, 100); err != nil {
			t.Fatal(err)
		}
		job.Progress = func(Progress) { t.Errorf("damaged %s: trained on", file) }
		_, err := Run(t.Context(), job)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), job.Dir) || strings.Contains(err.Error(), "\n") {
			t.Errorf("damaged %s: %v, want one line with %q", file, err, want)
		}
	}
}

// Without validation pictures the curves have no figures for them.
func TestCurvesWithoutValidation(t *testing.T) {
	job := task(t)
	job.Steps, job.Checkpoint, job.Validation = 4, 2, nil
	if _, err := Run(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	curves, err := os.ReadFile(filepath.Join(job.Dir, CurvesFile))
	if lines := strings.Split(string(curves), "\n"); err != nil || len(lines) != 4 || !strings.HasPrefix(lines[1], "2,0.02,") || !strings.HasSuffix(lines[1], ",,") {
		t.Errorf("%v\n%s", err, curves)
	}
}

// A loss that is no number ends the run and keeps the last checkpoint.
func TestDivergence(t *testing.T) {
	job := task(t)
	job.Steps, job.Checkpoint, job.Net.Arch = 200, 1, arch.VGG19
	job.Rate, job.Momentum = 10, 0.99
	_, err := Run(t.Context(), job)
	if !errors.Is(err, ErrDiverged) {
		t.Fatalf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(job.Dir, WeightsFile)); err == nil {
		t.Error("a diverged net was written")
	}
	if _, err := os.Stat(filepath.Join(job.Dir, checkpointFile)); err != nil {
		t.Errorf("no checkpoint was kept: %v", err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*Task){
		"steps": func(c *Task) { c.Steps = 0 }, "batch": func(c *Task) { c.Batch = 0 }, "rate": func(c *Task) { c.Rate = math.NaN() },
		"momentum": func(c *Task) { c.Momentum = 1 }, "schedule": func(c *Task) { c.Schedule = "linear" },
		"architecture": func(c *Task) { c.Net.Arch = "alexnet" }, "no pictures": func(c *Task) { c.Pools = nil },
		"empty pool": func(c *Task) { c.Pools[0].Pictures = nil }, "share": func(c *Task) { c.Pools[0].Share = 0 },
	} {
		job := task(t)
		change(&job)
		if _, err := Run(t.Context(), job); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSchedules(t *testing.T) {
	c := Config{Steps: 100, Rate: 1, Schedule: Constant}
	if c.rate(0) != 1 || c.rate(99) != 1 {
		t.Error("a constant rate changes")
	}
	c.Schedule = Cosine
	if c.rate(0) > 0.3 || c.rate(5) < 0.99 || c.rate(99) > 0.01 || c.rate(50) < c.rate(60) {
		t.Errorf("cosine: %v %v %v", c.rate(0), c.rate(5), c.rate(99))
	}
}

// A weights file says which net it is for.
func TestWeightsFile(t *testing.T) {
	net := arch.MustNew(arch.Config{Arch: arch.GoogLeNet, Width: 0.125, Input: 64, Classes: 4})
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := SaveWeights(path, net, weights.Random(net, 1)); err != nil {
		t.Fatal(err)
	}
	got, set, err := LoadWeights(path, arch.GoogLeNet)
	if err != nil || got.Digest() != net.Digest() || !reflect.DeepEqual(set, weights.Random(net, 1)) {
		t.Errorf("read back: %v", err)
	}
	if _, _, err := LoadWeights(path, arch.VGG19); err == nil || !strings.Contains(err.Error(), "holds googlenet") {
		t.Errorf("as another net: %v", err)
	}
}
