package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is wrong with a run's input is one line that says what and where. A run that was
// refused leaves no folder, or one in which a run with other settings can begin.
func TestRunErrors(t *testing.T) {
	needLiteRT(t)
	dir := t.TempDir()
	simulated(t, dir)
	recipe := tiny(t, dir, nil)
	table, err := os.ReadFile(filepath.Join(dir, "sim", "images.csv"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, recipe))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"unknown.toml":      strings.Replace(string(text), "[train]", "[train]\nepochs = 3", 1),
		"syntax.toml":       "seed = = 1\n",
		"short.toml":        "name = \"short\"\n",
		"grades/images.csv": imagesHead + "a.png,,p1,,,,7,,,x\n",
		"gone/images.csv":   string(table),
		"torn/images.csv":   withColumn(string(table), 8, func(row int) string { return []string{"test", "train"}[row%2] }),
		"three/images.csv":  withoutScore(string(table), "3"),
		"nobody/images.csv": imagesHead + "a.png,,p1,,,,,,,x\nb.png,,p2,,,,1,2,,x\n",
		"full/file":         "",
		"text.safetensors":  "no weights, and no safetensors file",
		"columns.csv":       "file,decision\nx,keep\n",
		"word.csv":          "file,frame,decision,score,note\nimages/none.png,,perhaps,,\n",
		"none.csv":          "file,frame,decision,score,note\nimages/none.png,,keep,,\n",
	} {
		write(t, filepath.Join(dir, name), content)
	}
	for _, name := range []string{"torn", "three"} {
		if err := os.Symlink(filepath.Join(dir, "sim", "images"), filepath.Join(dir, name, "images")); err != nil {
			t.Fatal(err)
		}
	}
	succeed(t, dir, "run", "--preset", recipe, "--data", "sim", "--out", "prepared", "--prepare")
	for _, c := range []struct {
		line string
		code int
		want string
	}{
		{"run", 2, "--data and --out are needed"},
		{"run --data sim --out r --preset best", 2, `preset "best": want paper, edge, demo, field, or a file that ends in .toml`},
		{"run --preset best --show", 2, `preset "best"`},
		{"run --data sim --out r --preset gone.toml", 2, "gone.toml: no such file"},
		{"run --data sim --out r --preset unknown.toml", 2, "unknown key train.epochs: remove it"},
		{"run --data sim --out r --preset syntax.toml", 2, "preset syntax.toml:1: "},
		{"run --data sim --out r --preset short.toml", 2, "preset short.toml: nets.googlenet is missing"},
		{"run --data sim --out r --preset tiny.toml --filter best", 2, `selection.filter "best": want paper, confident or none`},
		{"run --data sim --out r --preset tiny.toml --folds many", 2, `--folds "many": want a number or paper`},
		{"run --data sim --out r --preset tiny.toml --folds 1", 2, "folds 1: want 2 to 100"},
		{"run --data sim --out r --preset tiny.toml --folds 40", 1, "12 patients are too few for test, and 40 folds"},
		{"run --data sim --out r --preset tiny.toml --group village", 2, `group "village": want patient, source or site`},
		{"run --data sim --out r --preset tiny.toml --init vgg19", 2, "--init vgg19: want ARCH=FILE"},
		{"run --data sim --out r --preset tiny.toml --init alexnet=a", 2, "--init alexnet=a: want ARCH=FILE"},
		{"run --data sim --out r --preset tiny.toml --init vgg19=none.safetensors", 1, "initial weights of vgg19: open"},
		{"run --data sim --out r --preset tiny.toml --init vgg19=text.safetensors", 1, "lungtrain weights import --arch vgg19"},
		{"run --data sim --out r --preset tiny.toml --device toaster", 2, `device "toaster"`},
		{"run --data none --out r --preset tiny.toml", 1, "none/images.csv: no such file or directory: none is no dataset"},
		{"run --data grades --out r --preset tiny.toml", 1, `grades/images.csv: row 2: score "7": want 0, 1, 2, 3 or nothing`},
		{"run --data gone --out r --preset tiny.toml", 1, "row 2: dataset gone: gone/images/s0000/"},
		{"run --data torn --out r --preset tiny.toml", 1, `has pictures with split "test" and with split "train": a patient belongs to one`},
		{"run --data three --out r --preset tiny.toml", 1, "no picture has score 3"},
		{"run --data nobody --out r --preset tiny.toml", 1, "no picture has a score on which the readers agree (1 discarded, 1 without a score)"},
		{"run --data sim --out full --preset tiny.toml", 1, "full: the folder holds other files"},
		{"run --data sim --out r --preset tiny.toml --name first", 2, `--name "first"`},
		{"run --data sim --out prepared --preset tiny.toml --decisions none.csv", 1, `images/none.png`},
		{"run --data sim --out prepared --preset tiny.toml --seed 3", 1, "begun with other settings"},
		{"run --data three --out prepared --preset tiny.toml", 1, "give another folder for the run"},
		{"task 0", 2, `"of" not set`},
		{"task 0 --of none", 1, "run none: "},
		{"task 0 --of full", 1, "it is no run"},
		{"task --of prepared", 2, "which task? --list shows them"},
		{"task one --of prepared", 2, `task "one": want a number`},
		{"task 99 --of prepared", 1, "task 99"},
		{"task 4 --of prepared", 1, "stage one"},
		{"select none", 1, "run none: "},
		{"select prepared", 1, "stage one"},
		{"select prepared --decisions gone.csv", 1, "gone.csv: no such file"},
		{"select prepared --decisions columns.csv", 1, "columns.csv: row 1: the columns are file,decision"},
		{"select prepared --decisions word.csv", 1, `word.csv: row 2: decision "perhaps": want keep, drop or relabel`},
		{"report none", 1, "run none: "},
		{"report prepared", 1, "is not done: lungtrain run goes on with it"},
		{"compare", 2, "requires at least 1 arg"},
		{"compare none", 1, "run none: "},
		{"compare prepared", 1, "is not done: lungtrain run goes on with it"},
	} {
		before := names(t, dir)
		stdout, stderr, code := run(t, dir, strings.Fields(c.line)...)
		if code != c.code {
			t.Errorf("lungtrain %s: exit code %d, want %d: %s", c.line, code, c.code, stderr)
		}
		last := stderr[strings.LastIndex(strings.TrimSuffix(stderr, "\n"), "\n")+1:]
		if !strings.HasPrefix(last, "lungtrain: ") || !strings.Contains(last, c.want) || stdout != "" {
			t.Errorf("lungtrain %s: said %q and wrote %q, want a last line with %q", c.line, stderr, stdout, c.want)
		}
		if after := names(t, dir); after != before && !strings.Contains(c.line, "gone --out r") && !strings.Contains(c.line, "nobody") {
			t.Errorf("lungtrain %s: left %s where %s was", c.line, after, before)
		}
	}
	write(t, filepath.Join(dir, "r", ".run.toml.123.tmp"), "name") // killed as it wrote
	succeed(t, dir, "run", "--data", "sim", "--out", "r", "--preset", recipe, "--seed", "7", "--prepare")
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// names lists a folder.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// withColumn writes another text into a column of a table of pictures.
func withColumn(table string, column int, text func(row int) string) string {
	lines := strings.Split(strings.TrimSpace(table), "\n")
	for i, line := range lines[1:] {
		fields := strings.Split(line, ",")
		fields[column] = text(i)
		lines[i+1] = strings.Join(fields, ",")
	}
	return strings.Join(lines, "\n") + "\n"
}

// withoutScore leaves out the rows in which a reader gave this score.
func withoutScore(table, score string) string {
	lines := strings.Split(strings.TrimSpace(table), "\n")
	kept := lines[:1]
	for _, line := range lines[1:] {
		if fields := strings.Split(line, ","); fields[6] != score && fields[7] != score {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n") + "\n"
}
