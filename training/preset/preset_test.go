package preset

import (
	"strings"
	"testing"

	"lungbox/ensemble/arch"
	"lungbox/training/fit"
)

// Every preset is complete; the paper's is Table 2 to the letter.
func TestBuiltIn(t *testing.T) {
	for _, name := range Names() {
		p, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != name {
			t.Errorf("%s calls itself %q", name, p.Name)
		}
		text, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Parse("again", text); err != nil || back.Train != p.Train || back.Split != p.Split {
			t.Errorf("%s does not come back: %v", name, err)
		}
	}
	p, err := Load("paper")
	if err != nil {
		t.Fatal(err)
	}
	table := fit.Paper(arch.Full(arch.VGG19))
	c := p.Fit(arch.VGG19, 0)
	if c.Net != table.Net || c.Steps != table.Steps || c.Batch != table.Batch || c.Rate != table.Rate || c.Momentum != table.Momentum || c.L2 != table.L2 || c.Schedule != table.Schedule || c.Smoothing != 0 || c.Augmentation != (fit.Augmentation{}) {
		t.Errorf("paper trains with %+v", c)
	}
	if s := p.SplitOptions(); s.Folds != 5 || s.TestPerScore != 250 || s.ByPicture {
		t.Errorf("paper divides with %+v", s)
	}
}

func TestParseRefuses(t *testing.T) {
	good, err := Text("paper")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"steps = 2000", "stepps = 2000", "unknown key train.stepps: remove it"},
		{"steps = 2000", "steps = \"many\"", "p.toml:"},
		{"steps = 2000", "steps = 0", "train: steps 0"},
		{"[nets.vgg19]", "[nets.alexnet]", "nets.vgg19 is missing"},
		{"cap = 1.0", "cap = 2.0", "selection.cap 2"},
		{`filter = "paper"`, `filter = "best"`, `selection.filter "best"`},
		{`fold_by = "group"`, `fold_by = "luck"`, `split.fold_by "luck"`},
		{"bootstrap = 2000", "bootstrap = 0", "evaluate.bootstrap 0"},
		{"width = 1.0", "width = -1.0", "nets.googlenet"},
	} {
		if !strings.Contains(string(good), c.old) {
			t.Fatalf("the preset has no %q", c.old)
		}
		_, err := Parse("p.toml", []byte(strings.Replace(string(good), c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", c.new, err, c.want)
		}
	}
	if _, err := Load("best"); err == nil || !strings.Contains(err.Error(), "want paper, edge, demo, field, or a file") {
		t.Errorf("unknown preset: %v", err)
	}
}
