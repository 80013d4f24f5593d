// Package preset reads the recipes of the two-stage pipeline: readable TOML files with
// every setting in them. Three are built in: paper (Table 2 of Xing et al. 2022 to the
// letter), edge (a better recipe for the same nets) and demo (small nets, minutes on a
// CPU). A run keeps the one it used, as run.toml.
package preset

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/tensorflow"
	"lungbox/training/fit"
	"lungbox/training/selection"
	"lungbox/training/split"
)

//go:embed paper.toml edge.toml demo.toml field.toml
var builtIn embed.FS

// Names lists the presets that are built in.
func Names() []string { return []string{"paper", "edge", "demo", "field"} }

// Preset is a recipe.
type Preset struct {
	Name  string `toml:"name"`
	About string `toml:"about"` // one sentence for people
	Seed  uint64 `toml:"seed"`

	Split     Split          `toml:"split"`
	Selection Selection      `toml:"selection"`
	Nets      map[string]Net `toml:"nets"` // by architecture
	Train     Train          `toml:"train"`
	Adapt     Adapt          `toml:"adapt"`
	Evaluate  Evaluate       `toml:"evaluate"`
	Machine   Machine        `toml:"machine"`
}

// Split says how the dataset is divided; see package split.
type Split struct {
	Group           string  `toml:"group"`
	TestShare       float64 `toml:"test_share"`
	TestPerScore    int     `toml:"test_per_score"`
	ValidationShare float64 `toml:"validation_share"`
	Folds           int     `toml:"folds"`
	FoldBy          string  `toml:"fold_by"` // group, or picture as in the paper
}

// Selection says what stage one removes; see package selection.
type Selection struct {
	Filter string  `toml:"filter"`
	Margin float64 `toml:"margin"`
	Cap    float64 `toml:"cap"`
}

// Net is the size of one net and where it starts.
type Net struct {
	Width   float64 `toml:"width"`
	Input   int     `toml:"input"`
	Stride  int     `toml:"stride"`  // 0: torchvision's; 16: heat maps twice as fine each way; see arch.Config
	Tone    string  `toml:"tone"`    // "": ImageNet's statistics; own: each picture's; see arch.Tone
	Rate    float64 `toml:"rate"`    // overrides that of train; 0: does not
	Initial string  `toml:"initial"` // weights to start from; "": random ones
}

// Train are the settings of every training; see fit.Config.
type Train struct {
	Steps        int              `toml:"steps"`
	Batch        int              `toml:"batch"`
	Rate         float64          `toml:"rate"`
	Momentum     float64          `toml:"momentum"`
	L2           float64          `toml:"l2"`
	Schedule     string           `toml:"schedule"`
	Smoothing    float64          `toml:"smoothing"`
	Grades       float64          `toml:"grades"`
	Guide        float64          `toml:"guide"`
	Sampling     string           `toml:"sampling"`
	ClassWeights bool             `toml:"class_weights"`
	Log          int              `toml:"log"`
	Checkpoint   int              `toml:"checkpoint"`
	Augment      fit.Augmentation `toml:"augmentation"`
}

// Adapt says how nets that were trained on simulated pictures are adapted to few real
// ones; see package adapt. Only lungtrain adapt and crossvalidate do that.
type Adapt struct {
	Steps   int     `toml:"steps"`   // of the training on both
	Rate    float64 `toml:"rate"`    // of that, as a share of the first training's
	Share   float64 `toml:"share"`   // of real pictures in it
	Others  float64 `toml:"others"`  // share of pictures that are no lung in both trainings, where there are any
	Guide   float64 `toml:"guide"`   // in the second training, if that is more than in the first
	Between float64 `toml:"between"` // weights that are kept: 0 those of the first, 1 those of the second training
}

// Evaluate says what is measured.
type Evaluate struct {
	Ablation  bool    `toml:"ablation"`  // also train the three nets on all pictures, to compare
	Bootstrap int     `toml:"bootstrap"` // draws of patients
	Precision float64 `toml:"precision"` // most points of accuracy that the shipped precision may lose
}

// Machine says how the trainings use the machine.
type Machine struct {
	Jobs           int    `toml:"jobs"`    // trainings side by side; 0: one for each GPU, or as many as the CPU does best
	Threads        int    `toml:"threads"` // CPU threads of each; 0: the cores divided by the jobs
	Device         string `toml:"device"`  // auto, cpu or gpu:N
	MixedPrecision bool   `toml:"mixed_precision"`
	Deterministic  bool   `toml:"deterministic"`
}

// Load reads a preset that is built in, or a file when the name ends in .toml.
func Load(name string) (*Preset, error) {
	if filepath.Ext(name) == ".toml" {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("preset: %w", err)
		}
		return Parse(name, text)
	}
	text, err := builtIn.ReadFile(name + ".toml")
	if err != nil {
		return nil, fmt.Errorf("preset %q: want %s, or a file that ends in .toml", name, strings.Join(Names(), ", "))
	}
	return Parse(name+".toml", text)
}

// Text is the file of a preset that is built in.
func Text(name string) ([]byte, error) { return builtIn.ReadFile(name + ".toml") }

// Parse reads a preset's text; path is for errors. Every key must be known and all that
// the three nets need must be there.
func Parse(path string, text []byte) (*Preset, error) {
	p := &Preset{}
	err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(p)
	var unknown *toml.StrictMissingError
	var wrong *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		line, _ := unknown.Errors[0].Position()
		return nil, fmt.Errorf("preset %s:%d: unknown key %s: remove it", path, line, strings.Join(unknown.Errors[0].Key(), "."))
	case errors.As(err, &wrong):
		line, _ := wrong.Position()
		return nil, fmt.Errorf("preset %s:%d: %s", path, line, strings.TrimPrefix(wrong.Error(), "toml: "))
	case err != nil:
		return nil, fmt.Errorf("preset %s: %w", path, err)
	}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("preset %s: %w", path, err)
	}
	return p, nil
}

// Marshal writes a preset as TOML.
func (p *Preset) Marshal() ([]byte, error) { return toml.Marshal(p) }

// Check reports the first setting that cannot be used.
func (p *Preset) Check() error {
	for _, name := range arch.Names() {
		net, ok := p.Nets[name]
		if !ok {
			return fmt.Errorf("nets.%s is missing", name)
		}
		if _, err := arch.New(p.Arch(name)); err != nil {
			return fmt.Errorf("nets.%s: %w", name, err)
		}
		c := p.Fit(name, 0)
		if err := c.Check(); err != nil {
			return fmt.Errorf("train: %w", err)
		}
		if net.Rate < 0 {
			return fmt.Errorf("nets.%s: rate %v: want 0 or more", name, net.Rate)
		}
	}
	if len(p.Nets) > len(arch.Names()) {
		return fmt.Errorf("nets: only %s are known", strings.Join(arch.Names(), ", "))
	}
	if err := p.SplitOptions().Check(); err != nil {
		return fmt.Errorf("split: %w", err)
	}
	s, e := p.Split, p.Evaluate
	switch {
	case p.Adapt != (Adapt{}) && (p.Adapt.Steps < 1 || !(p.Adapt.Rate > 0) || !(p.Adapt.Share > 0 && p.Adapt.Share < 1) || !(p.Adapt.Others > 0 && p.Adapt.Others < 1) || !(p.Adapt.Guide >= 0) || !(p.Adapt.Between >= 0 && p.Adapt.Between <= 1)):
		return fmt.Errorf("adapt: steps %d, rate %v, share %v, others %v, guide %v, between %v: want 1 or more, more than 0, twice between 0 and 1, 0 or more, 0 to 1", p.Adapt.Steps, p.Adapt.Rate, p.Adapt.Share, p.Adapt.Others, p.Adapt.Guide, p.Adapt.Between)
	case s.FoldBy != "group" && s.FoldBy != "picture":
		return fmt.Errorf("split.fold_by %q: want group or picture", s.FoldBy)
	case p.Selection.Filter != selection.Paper && p.Selection.Filter != selection.Confident && p.Selection.Filter != selection.None:
		return fmt.Errorf("selection.filter %q: want paper, confident or none", p.Selection.Filter)
	case !(p.Selection.Margin >= 0 && p.Selection.Margin < 1):
		return fmt.Errorf("selection.margin %v: want 0 to below 1", p.Selection.Margin)
	case !(p.Selection.Cap > 0 && p.Selection.Cap <= 1):
		return fmt.Errorf("selection.cap %v: want more than 0, at most 1", p.Selection.Cap)
	case e.Bootstrap < 1 || e.Bootstrap > 1_000_000:
		return fmt.Errorf("evaluate.bootstrap %d: want 1 to 1000000", e.Bootstrap)
	case !(e.Precision > 0):
		return fmt.Errorf("evaluate.precision %v: want more than 0", e.Precision)
	case p.Machine.Jobs < 0 || p.Machine.Threads < 0:
		return fmt.Errorf("machine: jobs %d, threads %d: want 0 or more", p.Machine.Jobs, p.Machine.Threads)
	}
	return nil
}

// Arch is the net of an architecture.
func (p *Preset) Arch(name string) arch.Config {
	c := arch.Full(name)
	c.Width, c.Input, c.Tone, c.Stride = p.Nets[name].Width, p.Nets[name].Input, arch.Tone(p.Nets[name].Tone), p.Nets[name].Stride
	return c
}

// Fit are the settings of training number task.
func (p *Preset) Fit(name string, task int) fit.Config {
	t := p.Train
	rate := t.Rate
	if own := p.Nets[name].Rate; own > 0 {
		rate = own
	}
	return fit.Config{
		Net: p.Arch(name), Steps: t.Steps, Batch: t.Batch, Rate: rate, Momentum: t.Momentum, L2: t.L2,
		Schedule: t.Schedule, Smoothing: t.Smoothing, Grades: t.Grades, Guide: t.Guide, Sampling: t.Sampling, ClassWeights: t.ClassWeights, Augmentation: t.Augment,
		Seed: p.Seed + uint64(task), Log: t.Log, Checkpoint: t.Checkpoint,
		Engine: tensorflow.Options{Threads: p.Machine.Threads, Device: p.Machine.Device, MixedPrecision: p.Machine.MixedPrecision, Deterministic: p.Machine.Deterministic},
	}
}

// SplitOptions are the settings of the division.
func (p *Preset) SplitOptions() split.Options {
	s := p.Split
	return split.Options{
		Group: s.Group, TestShare: s.TestShare, TestPerScore: s.TestPerScore, ValidationShare: s.ValidationShare,
		Folds: s.Folds, ByPicture: s.FoldBy == "picture", Seed: p.Seed,
	}
}
