package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	clipsHead  = "file,patient,reader_a,reader_b,probe,findings,license,source\n"
	imagesHead = "file,frame,patient,exam,zone,clip,reader_a,reader_b,split,source\n"
)

// Whatever goes wrong is one line that says what and where; 2 is the user's mistake on
// the command line, 1 all else.
func TestOneLineErrors(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"broken/images.csv": imagesHead + "a.png,,p1,,,,7,,,x\nb.png,,p1,,,,0,,none,x\n",
		"gone/images.csv":   imagesHead + "a.png,,p1,,,,0,,,x\n",
		"clips/clips.csv":   clipsHead + "a.mp4,p1,0,,,,,x\n",
		"clips/a.mp4":       "no film",
		"rows/clips.csv":    clipsHead + "a.mp4,p1,0,,,,,x\nb.mp4,,0,,,,,x\n",
		"full/file":         "",
		"text.pth":          "no weights",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		line string // the command
		code int
		want string
	}{
		{"train", 2, `no command "train"`},
		{"data", 0, ""},
		{"data copy", 2, `no command "copy"`},
		{"fit", 2, `"arch", "data", "output" not set`},
		{"fit --arch alexnet --data gone -o r", 2, `unknown architecture "alexnet"`},
		{"fit --arch vgg19 --data gone -o r --steps 0", 2, "steps 0: want at least 1"},
		{"fit --arch vgg19 --data gone -o r --rate -1", 2, "rate -1"},
		{"fit --arch vgg19 --data gone -o r --schedule linear", 2, `schedule "linear": want constant or cosine`},
		{"fit --arch vgg19 --data gone -o r --checkpoint 0", 2, "checkpoint"},
		{"fit --arch vgg19 --data gone=much -o r", 2, "--data gone=much: the share after ="},
		{"fit --arch vgg19 --data gone -o r --wrong", 2, "unknown flag: --wrong"},
		{"fit --arch vgg19 --data gone -o r extra", 2, "extra"},
		{"fit --arch vgg19 --data none -o r", 1, "none/images.csv: no such file or directory: none is no dataset"},
		{"fit --arch vgg19 --data broken -o r", 1, `broken/images.csv: row 2: score "7": want 0, 1, 2, 3 or nothing; row 3: split "none"`},
		{"fit --arch vgg19 --data gone -o r", 1, "gone/a.png: no such file"},
		{"data simulate -o s --patients 0", 2, "--patients 0: want at least 1"},
		{"data simulate -o s --test 1.5", 2, "--test 1.5"},
		{"data simulate -o full --patients 1 --loops 1 --frames 1", 1, "full: the folder holds other files"},
		{"data import clips -o d --every 0", 2, "--every and --most: want at least 1"},
		{"data import -o d", 2, "accepts 1 arg"},
		{"data import none -o d", 1, "none: no such file or folder"},
		{"data import none -o d --layout clips", 1, "none: no such file or folder"},
		{"data import broken -o d --layout clips", 1, "broken/clips.csv: no such file"},
		{"data import full -o d", 2, "full: no layout is known by its files"},
		{"data import clips/a.mp4 -o d", 2, "clips/a.mp4 is no folder and no CSV file"},
		{"data import clips -o d --layout heap", 2, `layout "heap": want one of auto, clips`},
		{"data import clips -o d --columns file=path", 2, "--columns has no effect on layout clips"},
		{"data import clips -o d --patient-pattern (", 2, "--patient-pattern: "},
		{"data import clips -o d --layout folders --patient-pattern p", 2, "want one group in parentheses"},
		{"data import clips -o d --layout folders", 1, "clips: no folder is named by a score"},
		{"data import clips/clips.csv -o d --columns file=path", 2, `no column "path": it has file, patient, reader_a`},
		{"data import clips/clips.csv -o d --columns fil=file", 2, `there is no column "fil": ours are file, frame`},
		{"data import clips/clips.csv -o d --columns patient=patient", 2, "has no column file: say which of file, patient, reader_a"},
		{"data import full -o d --layout dicom", 1, "full: none of 1 files is a DICOM file"},
		{"data import full -o d --layout covidx", 1, "full/utils/video_metadata.csv: no such file"},
		{"data import full -o d --layout pocovid", 1, "full/dataset_metadata.csv: no such file"},
		{"data import clips -o d", 1, "clips/a.mp4: "},
		{"data import clips -o d --strict", 1, "clips/a.mp4: "},
		{"data import clips -o full", 1, "full: the folder is not empty"},
		{"data import clips -o d --test-patients p7", 1, `test patient "p7" is not in clips/clips.csv`},
		{"data import rows -o d", 1, "rows/clips.csv: row 3: b.mp4 has no patient"},
		{"weights import --arch vgg19 text.pth -o w", 1, "text.pth: neither a PyTorch nor a safetensors file"},
		{"weights import --arch vgg19 none.pth -o w", 1, "none.pth: no such file"},
		{"weights import --arch googlenet --transform-input maybe text.pth -o w", 2, `"maybe": want auto, yes or no`},
		{"weights import --arch vgg19 --transform-input yes text.pth -o w", 2, "only a googlenet has such weights"},
		{"predict --arch vgg19 --weights none.safetensors --data gone", 1, "none.safetensors: no such file or directory: train the net with lungtrain fit"},
		{"evaluate r --data gone", 1, `gone has no scored pictures with split "test": give another --split`},
		{"evaluate r", 2, `"data" not set`},
		{"export r -o out --golden gone --name first", 2, `--name "first": want YYYY.MM.DD-N`},
		{"export r -o out --golden gone --created today", 2, `--created "today": want YYYY-MM-DD`},
		{"export r -o out --golden none", 1, "none is no dataset"},
	} {
		stdout, stderr, code := run(t, dir, strings.Fields(c.line)...)
		if code != c.code {
			t.Errorf("lungtrain %s: exit code %d, want %d: %s", c.line, code, c.code, stderr)
		}
		if c.code != 0 && (strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "lungtrain: ") || !strings.Contains(stderr, c.want) || stdout != "") {
			t.Errorf("lungtrain %s: said %q and wrote %q, want one line with %q", c.line, stderr, stdout, c.want)
		}
	}
	// Nothing that failed left anything.
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		switch entry.Name() {
		case "broken", "gone", "clips", "rows", "full", "text.pth":
		default:
			t.Errorf("%s was left behind", entry.Name())
		}
	}
}
