package export

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/litert"
	"lungbox/ensemble/release"
	"lungbox/ensemble/weights"
	"lungbox/tflite/convert"
	"lungbox/tflite/tflitetest"
	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
	"lungbox/training/evaluate"
	"lungbox/training/failures"
	"lungbox/training/fit"
)

// trained is a run of three tiny nets with formula weights.
func trained(t *testing.T) string {
	t.Helper()
	run := t.TempDir()
	for _, name := range arch.Names() {
		net := arch.MustNew(arch.Config{Arch: name, Width: 1.0 / 16, Input: 32, Classes: arch.Scores})
		if err := os.Mkdir(filepath.Join(run, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := fit.SaveWeights(filepath.Join(run, name, fit.WeightsFile), net, weights.Formula(net)); err != nil {
			t.Fatal(err)
		}
	}
	return run
}

// pictures are noise with these scores.
func pictures(scores ...int) []dataset.Picture {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]dataset.Picture, len(scores))
	for i, score := range scores {
		img := image.NewGray(image.Rect(0, 0, 40, 30))
		for k := range img.Pix {
			img.Pix[k] = byte(r.IntN(256))
		}
		out[i] = dataset.Picture{Row: dataset.Row{File: fmt.Sprint(i)}, Score: score, Image: img}
	}
	return out
}

func options(t *testing.T) Options {
	t.Helper()
	return Options{
		Name: "2026.11.23-1", Counter: 7, Created: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Notice: "A test: not for patients", Minimum: "0.1.0",
		Golden: pictures(0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 3, 3), Data: "Noise.",
		LiteRT: tflitetest.Open(t),
	}
}

// A release that was exported can be opened, says what it was asked to, and passes its
// own trial on the engine of a box.
func TestRun(t *testing.T) {
	run, out := trained(t), filepath.Join(t.TempDir(), "release")
	opt := options(t)
	opt.Clips = []clips.Clip{{File: "a|b.mp4", Patient: "p1", Licence: "CC BY 4.0", Source: "somebody"}}
	report := evaluate.Judge([]evaluate.Sample{{Patient: "p1", Source: "x", Clip: "1", Truth: 2, Votes: []ensemble.Vote{
		{Net: "googlenet", Score: 2}, {Net: "resnet50", Score: 2}, {Net: "vgg19", Score: 1},
	}}})
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(run, EvaluationFile), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := failures.Write(filepath.Join(run, failures.File("source")), []failures.Verdict{
		{Clip: "c|d", Score: 0, Vote: 3}, {Clip: "c|d", Score: 0, Vote: 3}, {Clip: "e", Score: 1, Vote: 1},
	}); err != nil {
		t.Fatal(err)
	}
	manifest, err := Run(t.Context(), run, out, opt)
	if err != nil {
		t.Fatal(err)
	}
	made, err := release.Open(os.DirFS(out))
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	if made.Name != opt.Name || made.Counter != 7 || !made.Created.Equal(opt.Created) || made.Notice != opt.Notice ||
		made.MinimumLungbox != opt.Minimum || made.Licence != "CC-BY-4.0" || made.GoldenTolerance != manifest.GoldenTolerance {
		t.Errorf("manifest %+v", made.Manifest)
	}
	if len(made.Golden) != GoldenFrames {
		t.Errorf("%d golden frames, want %d", len(made.Golden), GoldenFrames)
	}
	for _, precision := range []convert.Precision{convert.Float32, convert.Int8} {
		engine, err := litert.New(t.Context(), opt.LiteRT, made.Members(), litert.Options{Threads: 1, Precision: precision, Cache: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		worst, err := made.Try(t.Context(), engine)
		t.Logf("%v: golden frames differ by %.4f, %.4f is allowed", precision, worst, made.GoldenTolerance)
		if err != nil {
			t.Errorf("%v: %v", precision, err)
		}
		engine.Close()
	}
	card := read(t, out, "MODEL_CARD.md")
	for _, want := range []string{
		"## Intended use", "1 of 2 clips have another score", "| c/d | 0 | 3 | 0, 0, 0, 2, 0 |",
		"# Release 2026.11.23-1", "**A test: not for patients**", "Noise.", report.String(),
		"1 patients, 1 sources", "| a/b.mp4 | p1 | CC BY 4.0 | somebody |", "licence is CC-BY-4.0",
	} {
		if !strings.Contains(card, want) {
			t.Errorf("the card does not say %q:\n%s", want, card)
		}
	}
	if strings.Contains(card, "Nothing was measured") {
		t.Error("the card denies what was measured")
	}
	if terms := read(t, out, "LICENSE"); !strings.Contains(terms, "Attribution 4.0") || strings.Contains(terms, "NonCommercial") {
		t.Errorf("licence:\n%s", terms)
	}
	if _, err := Run(t.Context(), run, out, opt); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("over a release: %v", err)
	}
}

// Without an evaluation the card has no figure; a clip that must not be sold makes the
// whole release so.
func TestRunWithoutEvaluation(t *testing.T) {
	run, out := trained(t), filepath.Join(t.TempDir(), "release")
	opt := options(t)
	opt.Notice, opt.Data = "", ""
	opt.Clips = []clips.Clip{{File: "a.mp4", Licence: "CC BY 4.0"}, {File: "b.mp4", Licence: "CC BY-NC 4.0"}}
	manifest, err := Run(t.Context(), run, out, opt)
	if err != nil {
		t.Fatal(err)
	}
	card := read(t, out, "MODEL_CARD.md")
	if !strings.Contains(card, "Nothing was measured") || strings.Contains(card, "accuracy") || strings.Contains(card, "**") {
		t.Errorf("card:\n%s", card)
	}
	if terms := read(t, out, "LICENSE"); manifest.Licence != "CC-BY-NC-SA-4.0" || !strings.Contains(terms, "NonCommercial-ShareAlike") || !strings.Contains(terms, "b.mp4") {
		t.Errorf("%s:\n%s", manifest.Licence, terms)
	}
	if manifest.Training != nil {
		t.Errorf("the manifest has figures: %s", manifest.Training)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(run string, o *Options)
		want   string
	}{
		"no net": {func(run string, _ *Options) { os.Remove(filepath.Join(run, "vgg19", fit.WeightsFile)) }, "vgg19/weights.safetensors: no such file"},
		"another net": {func(run string, _ *Options) {
			os.Rename(filepath.Join(run, "vgg19", fit.WeightsFile), filepath.Join(run, "googlenet", fit.WeightsFile))
		}, "holds vgg19: want googlenet"},
		"torn evaluation": {func(run string, _ *Options) {
			os.WriteFile(filepath.Join(run, EvaluationFile), []byte(`{"patients":`), 0o644)
		}, "evaluation.json: unexpected end"},
		"no golden frames": {func(_ string, o *Options) { o.Golden = nil }, "golden frames"},
		"name":             {func(_ string, o *Options) { o.Name = "first" }, `name "first": want YYYY.MM.DD-N`},
	} {
		t.Run(name, func(t *testing.T) {
			run, parent := trained(t), t.TempDir()
			opt := options(t)
			c.change(run, &opt)
			_, err := Run(t.Context(), run, filepath.Join(parent, "release"), opt)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v: want one line with %q", err, c.want)
			}
			if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, trained(t), filepath.Join(t.TempDir(), "r"), options(t)); err == nil {
		t.Error("exported after the end of the context")
	}
}

// Golden frames are spread over the scores, and over the pictures of each score.
func TestSpread(t *testing.T) {
	for _, c := range []struct {
		scores []int
		n      int
		want   []string // the pictures' numbers
	}{
		{[]int{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3}, 8, []string{"1", "3", "5", "7", "9", "11", "13", "15"}},
		{[]int{0, 0, 0, 0, 0, 0, 3}, 4, []string{"1", "3", "5", "6"}},
		{[]int{2, 1, 0}, 8, []string{"2", "1", "0"}},
		{[]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 1, []string{"5"}},
		{nil, 8, nil},
	} {
		var got []string
		for _, p := range spread(pictures(c.scores...), c.n) {
			got = append(got, p.File)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d of %v: %v, want %v", c.n, c.scores, got, c.want)
		}
	}
}

func TestLicence(t *testing.T) {
	for used, want := range map[string]string{
		"": "CC-BY-4.0", "CC BY 4.0": "CC-BY-4.0", "CC BY 2.0,CC0 1.0 ": "CC-BY-4.0",
		"CC BY-NC 4.0": "CC-BY-NC-SA-4.0", "CC BY 4.0,CC BY-NC -SA 4.0": "CC-BY-NC-SA-4.0",
		"CC BY 4.0,COVID-19 emergency license": "CC-BY-NC-SA-4.0", "CC BY 4.0,": "CC-BY-NC-SA-4.0",
	} {
		var rows []clips.Clip
		if used != "" {
			for licence := range strings.SplitSeq(used, ",") {
				rows = append(rows, clips.Clip{File: "a.mp4", Licence: licence})
			}
		}
		terms := Licence(rows)
		if terms.ID != want {
			t.Errorf("clips under %q: %s, want %s", used, terms.ID, want)
		}
		if strings.Contains(terms.Text, "lists") != (len(rows) > 0) {
			t.Errorf("clips under %q:\n%s", used, terms.Text)
		}
	}
	if text := Licence([]clips.Clip{{File: "a.mp4"}}).Text; !strings.Contains(text, "licence unknown") {
		t.Errorf("a clip without a licence:\n%s", text)
	}
}
