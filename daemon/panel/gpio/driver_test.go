package gpio

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"lungbox/daemon/panel"
	"lungbox/daemon/panel/paneltest"
)

var config = Config{Chip: "gpiochip0", Score: [4]string{"5", "1", "2", "7"}, Live: "0"}

var offsets = [5]int{5, 1, 2, 7, 0} // of config

func TestDriver(t *testing.T) {
	for _, wiring := range []struct {
		name      string
		activeLow bool
	}{{"lit when high", false}, {"lit when low", true}} {
		t.Run(wiring.name, func(t *testing.T) {
			paneltest.Run(t, func(t *testing.T) paneltest.Fixture {
				b := newBoard()
				c := config
				c.ActiveLow = wiring.activeLow
				d, err := open(b, c)
				if err != nil {
					t.Fatal(err)
				}
				return paneltest.Fixture{
					Driver: panel.Bound(d, answer),
					Lit:    func() panel.Lamps { return lit(b.fakes[0].levels(), offsets, c.ActiveLow) },
					History: func() (all []panel.Lamps) {
						for _, levels := range b.fakes[0].history {
							all = append(all, lit(levels, offsets, c.ActiveLow))
						}
						return all
					},
				}
			})
		})
	}
}

// All five lines change in one call: a bar is never seen half set.
func TestOneCallSetsAllLines(t *testing.T) {
	b := newBoard()
	d, err := open(b, config)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []panel.Lamps{panel.Bar(3), {}, panel.Bar(0)} {
		before := len(b.fakes[0].history)
		if err := d.Show(l); err != nil {
			t.Fatal(err)
		}
		if n := len(b.fakes[0].history) - before; n != 1 {
			t.Errorf("%v took %d calls", l, n)
		}
	}
}

func TestChipsAndLinesAreFound(t *testing.T) {
	b := newBoard()
	b.add("gpiochip1", "tegra234-gpio-aon", 4)
	for i, name := range []string{"PA.00", "PA.01", "PA.02", "PA.03", "PA.04"} {
		b.fakes[0].lines[7-i].name = name
	}
	named := Config{Chip: "tegra234-gpio", Score: [4]string{"PA.00", "PA.01", "PA.02", "PA.03"}, Live: "PA.04"}
	for _, chip := range []string{"tegra234-gpio", "gpiochip0", "/dev/gpiochip0"} {
		named.Chip = chip
		d, err := open(b, named)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Show(panel.Bar(1)); err != nil {
			t.Fatal(err)
		}
		if got := lit(b.fakes[0].levels(), [5]int{7, 6, 5, 4, 3}, false); got != panel.Bar(1) {
			t.Errorf("%s: %v is lit", chip, got)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	tests := []struct {
		name   string
		change func(*board, *Config)
		want   []string
	}{
		{"no such name", func(_ *board, c *Config) { c.Chip = "gpiochip9" }, []string{`"gpiochip9"`, `there are gpiochip0 (label "tegra234-gpio")`}},
		{"no such path", func(_ *board, c *Config) { c.Chip = "/dev/gpiochip9" }, []string{"no GPIO chip /dev/gpiochip9", "there are gpiochip0"}},
		{"no such label", func(b *board, c *Config) { c.Chip = "pl061"; b.add("gpiochip1", "aon", 1) }, []string{`gpiochip0 (label "tegra234-gpio"), gpiochip1 (label "aon")`}},
		{"no chip given", func(_ *board, c *Config) { c.Chip = "" }, []string{"there are gpiochip0"}},
		{"no chips", func(b *board, _ *Config) { b.fakes = nil }, []string{"this machine has none"}},
		{"label twice", func(b *board, c *Config) { c.Chip = "tegra234-gpio"; b.add("gpiochip1", c.Chip, 8) }, []string{"gpiochip0 and gpiochip1"}},
		{"not allowed", func(b *board, _ *Config) { b.fakes[0].noAccess = true }, []string{"permission denied", "group"}},
		{"not allowed to look for a label", func(b *board, c *Config) { c.Chip = "pl061"; b.fakes[0].noAccess = true }, []string{"permission denied", "gpiochip0"}},
		{"no such offset", func(_ *board, c *Config) { c.Live = "8" }, []string{"no line 8", "0 to 7"}},
		{"negative offset", func(_ *board, c *Config) { c.Live = "-1" }, []string{"no line -1"}},
		{"no such line", func(_ *board, c *Config) { c.Live = "PG.06" }, []string{`no line named "PG.06"`}},
		{"a line is missing", func(_ *board, c *Config) { c.Score[2] = "" }, []string{"not given"}},
		{"a line twice", func(b *board, c *Config) { b.fakes[0].lines[5].name = "PA"; c.Live = "PA" }, []string{`"5" and "PA"`, "same line"}},
		{"in use", func(b *board, _ *Config) { b.fakes[0].lines[7].consumer, b.fakes[0].lines[7].name = "gpio-fan", "PX" }, []string{"line 7 (PX)", `used by "gpio-fan"`}},
	}
	for _, test := range tests {
		b, c := newBoard(), config
		test.change(b, &c)
		_, err := open(b, c)
		if err == nil {
			t.Errorf("%s: no error", test.name)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %q does not say %q", test.name, err, want)
			}
		}
	}
}

// A chip that is unplugged gives errors; when it is back, the next Show lights what
// it is asked to at once, with no dark or lit moment before.
func TestChipComesBack(t *testing.T) {
	b := newBoard()
	d, err := open(b, config)
	if err != nil {
		t.Fatal(err)
	}
	chip := b.fakes[0]
	chip.unplug()
	for range 3 {
		if d.Show(panel.Bar(2)) == nil {
			t.Fatal("an unplugged chip is taken for one that shows")
		}
	}
	b.fakes = []*fake{chip}
	before := len(chip.history)
	if err := d.Show(panel.Bar(2)); err != nil {
		t.Fatal(err)
	}
	if way := chip.history[before:]; len(way) != 1 || lit(way[0], offsets, false) != panel.Bar(2) {
		t.Errorf("on the way to it: %v", way)
	}

	chip.fail = unix.EIO
	if err := d.Close(); !errors.Is(err, unix.EIO) {
		t.Errorf("Close of a broken chip: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestBlank(t *testing.T) {
	for _, activeLow := range []bool{false, true} {
		b, c := newBoard(), config
		c.ActiveLow = activeLow
		d, err := open(b, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Show(panel.Bar(3)); err != nil {
			t.Fatal(err)
		}
		if err := blank(b, c); err == nil || !strings.Contains(err.Error(), `used by "lungbox"`) {
			t.Errorf("lines of a process that lives: %v", err)
		}
		d.lines.Close() // what the kernel does when a process is killed
		if got := lit(b.fakes[0].levels(), offsets, activeLow); got != panel.Bar(3) {
			t.Fatalf("the fake forgets: %v", got)
		}
		if err := blank(b, c); err != nil {
			t.Fatal(err)
		}
		if got := lit(b.fakes[0].levels(), offsets, activeLow); got != (panel.Lamps{}) {
			t.Errorf("%v stays lit", got)
		}
		if slices.ContainsFunc(b.fakes[0].lines, func(l *line) bool { return l.consumer != "" }) {
			t.Error("Blank keeps lines")
		}
	}
}
