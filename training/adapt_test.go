package main

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lungbox/ensemble/release"
	"lungbox/training/adapt"
	"lungbox/training/dataset"
	"lungbox/training/preset"
)

// fieldRecipe is the preset field with nets and trainings of seconds.
func fieldRecipe(t *testing.T, dir string) string {
	t.Helper()
	p, err := preset.Load("field")
	if err != nil {
		t.Fatal(err)
	}
	for name, net := range p.Nets {
		net.Width, net.Input = 0.125, 48
		p.Nets[name] = net
	}
	p.Train.Steps, p.Train.Batch, p.Train.Checkpoint, p.Adapt.Steps, p.Evaluate.Bootstrap = 12, 8, 12, 6, 20
	p.Train.Guide = 0.5
	text, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "field.toml")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// elsewhere makes a dataset that stands for real pictures: simulated ones of other
// patients, from three publishers.
func elsewhere(t *testing.T, dir string) {
	t.Helper()
	succeed(t, dir, "data", "simulate", "-o", "real", "--seed", "9", "--patients", "9", "--loops", "6", "--frames", "1")
	d, err := dataset.Read(filepath.Join(dir, "real"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Rows {
		n := int(d.Rows[i].Patient[len(d.Rows[i].Patient)-1]-'0') % 3
		d.Rows[i].Source = []string{"https://a.org/clip", "B Hospital, ward 3", "https://doi.org/10.1000/c"}[n]
		d.Rows[i].Split = []string{"test", "", ""}[n] // which a cross-validation overrules
	}
	if err := d.Write(); err != nil {
		t.Fatal(err)
	}
}

// Nets learn from simulated pictures, then from both; leaving out patients or publishers
// judges every picture once in each repeat; and everything goes on where it was.
func TestAdaptAndCrossvalidate(t *testing.T) {
	dir := t.TempDir()
	recipe := fieldRecipe(t, dir)
	succeed(t, dir, "data", "simulate", "-o", "sim", "--seed", "1", "--patients", "6", "--loops", "8", "--frames", "1")
	elsewhere(t, dir)
	succeed(t, dir, "data", "others", "-o", "others", "--each", "2", "--size", "64")
	common := []string{"--preset", recipe, "--simulated", "sim", "--others", "others", "--deterministic"}
	succeed(t, dir, append([]string{"adapt", "--data", "real", "-o", "run"}, common...)...)
	weights := func(path ...string) string {
		text, err := os.ReadFile(filepath.Join(append(append([]string{dir}, path...), "weights.safetensors")...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	between := weights("run", "resnet50")
	if between == weights("run", "first", "resnet50") || between == weights("run", "second", "resnet50") {
		t.Error("the weights are not between those of the two trainings")
	}
	if err := os.RemoveAll(filepath.Join(dir, "run", "resnet50")); err != nil {
		t.Fatal(err)
	}
	succeed(t, dir, append([]string{"adapt", "--data", "real", "-o", "run"}, common...)...)
	if weights("run", "resnet50") != between {
		t.Error("the same command gave other weights")
	}
	for group, parts := range map[string]int{"patient": 2, "source": 3} {
		args := append([]string{"crossvalidate", "--data", "real", "--group", group, "-o", "cv", "--first", "run"}, common...)
		repeats := 1
		if group == "source" {
			repeats = 2
			args = append(args, "--repeats", "2")
		} else {
			args = append(args, "--folds", "2")
		}
		out, said := succeed(t, dir, args...)
		if !strings.Contains(out, fmt.Sprintf("left out by %s, %d parts, %d times", group, parts, repeats)) || !strings.Contains(out, "AUC 0|123, clips") || strings.Count(said, "repeat ") != repeats*parts {
			t.Errorf("by %s:\n%s\n%s", group, out, said)
		}
		kept, err := adapt.ReadOutcome(filepath.Join(dir, "cv"), group)
		if err != nil {
			t.Fatal(err)
		}
		if n := kept.Report.Vote.Count + kept.Report.Vote.Unscored; kept.Folds != parts || n != repeats*54 || kept.Report.Sources != 3 {
			t.Errorf("by %s: %d parts, %d pictures judged, %d sources", group, kept.Folds, n, kept.Report.Sources)
		}
		again, _ := succeed(t, dir, args...)
		if again != out {
			t.Errorf("by %s the same command prints another report:\n%s\n%s", group, out, again)
		}
	}
	drawn, _ := succeed(t, dir, "failures", "cv", "--data", "real", "-o", "wrong.png")
	if !strings.Contains(drawn, "left out by source: ") || !strings.Contains(drawn, "clips have another score than the readers gave") {
		t.Errorf("failures:\n%s", drawn)
	}
	if file, err := os.Open(filepath.Join(dir, "wrong.png")); err != nil {
		t.Error(err)
	} else {
		if sheet, err := png.Decode(file); err != nil || sheet.Bounds().Dx() < 240 {
			t.Errorf("sheet of failures: %v", err)
		}
		file.Close()
	}
	kept := filepath.Join(dir, "cv", "site-0-0", "logits.csv")
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kept, text[:len(text)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"crossvalidate --group source --data real -o cv --first run --simulated sim --others others --deterministic --preset " + recipe, "remove it to train again"},
		{"adapt -o x", "want --simulated, --data or both"},
		{"adapt -o x --data real --others real", "has a score: want pictures that are no lung"},
		{"adapt -o x --data real --preset edge", "has no [adapt]"},
		{"crossvalidate -o x --data real --group ward", `--group "ward": want patient or source`},
		{"crossvalidate -o x --data real --keep 2", "--keep 2"},
		{"failures run --data real -o x.png", "lungtrain crossvalidate --group source"},
		{"failures cv --data real -o x.png --group ward", `--group "ward": want patient or source`},
		{"failures cv --data sim -o x.png", "give the dataset that was judged"},
	} {
		if _, said, code := run(t, dir, strings.Fields(c.args)...); code == 0 || !strings.Contains(said, c.want) || strings.Count(said[max(0, strings.Index(said, "lungtrain: ")):], "\n") > 1 {
			t.Errorf("%s: exit %d, %q, want %q", c.args, code, said, c.want)
		}
	}
}

// The commands that measure a release's honesty run on a run and on a release, and print
// what they are about; abstain leaves the detector that an export carries.
func TestHonestyCommands(t *testing.T) {
	needLiteRT(t)
	dir := t.TempDir()
	recipe := fieldRecipe(t, dir)
	succeed(t, dir, "data", "simulate", "-o", "sim", "--seed", "1", "--patients", "6", "--loops", "8", "--frames", "1")
	elsewhere(t, dir)
	succeed(t, dir, "adapt", "--preset", recipe, "--simulated", "sim", "-o", "run")
	out, _ := succeed(t, dir, "abstain", "run", "--data", "real", "--simulated", "sim", "--each", "3", "--known", "20")
	if !strings.Contains(out, "heart") || !strings.Contains(out, "of 54 real pictures") {
		t.Errorf("abstain:\n%s", out)
	}
	succeed(t, dir, "export", "run", "-o", "release", "--golden", "sim", "--name", "2026.11.27-1")
	opened, err := release.Open(os.DirFS(filepath.Join(dir, "release")))
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if opened.Novelty == nil || opened.Novelty.Likeness == nil || opened.Novelty.Lost != 0.05 {
		t.Errorf("the release carries the detector %+v", opened.Novelty)
	}
	for _, of := range []string{"run", "release"} {
		if out, _ := succeed(t, dir, "robustness", of, "--data", "real", "--most", "9"); !strings.Contains(out, "gain +6 dB") || !strings.HasPrefix(out, "9 pictures") {
			t.Errorf("robustness of a %s:\n%s", of, out)
		}
		if out, _ := succeed(t, dir, "explain", of, "--data", "sim", "--most", "9"); !strings.Contains(out, "an even map would have") {
			t.Errorf("explain of a %s:\n%s", of, out)
		}
	}
	if out, _ := succeed(t, dir, "realism", "--data", "real", "--simulated", "sim", "--run", "run", "--most", "40"); !strings.Contains(out, "speckle SNR") || !strings.Contains(out, "told apart by googlenet's features") {
		t.Errorf("realism:\n%s", out)
	}
	for _, c := range []struct{ args, want string }{
		{"abstain none --data real", "train the net with lungtrain fit"},
		{"robustness none --data real", "train the net with lungtrain fit"},
		{"robustness run --data real --split test2", "has no scored pictures"},
		{"explain run --data real2", "want a dataset of lungtrain data simulate"},
		{"realism --data real --simulated none", "is no dataset"},
		{"data others -o x --each 0", "--each 0"},
	} {
		if _, said, code := run(t, dir, strings.Fields(c.args)...); code == 0 || !strings.Contains(said, c.want) || strings.Count(said[max(0, strings.Index(said, "lungtrain: ")):], "\n") > 1 {
			t.Errorf("%s: exit %d, %q, want %q", c.args, code, said, c.want)
		}
	}
}
