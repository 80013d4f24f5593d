package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func file(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "lungbox.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOrderOfSources(t *testing.T) {
	path := file(t, "[engine]\nthreads = 3\nprecision = 'float16'\n")
	c, err := Load(path, []string{"LUNGBOX_ENGINE_THREADS=1", "LUNGBOX_ENGINE_MIXED_PRECISION=true", "HOME=/"})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Engine.Threads, want.Engine.Precision, want.Engine.MixedPrecision = 1, "float16", true
	if c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

func TestErrorsAreOneLineWithThePlace(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		environ []string
		want    string
	}{
		"unknown key":     {"[engine]\n\nthread = 3\n", nil, "lungbox.toml:3: unknown key engine.thread: did you mean engine.threads?"},
		"unknown section": {"[engin]\nuse = 'auto'\n", nil, "unknown key engin"},
		"wrong type":      {"[engine]\nthreads = 'two'\n", nil, "lungbox.toml:2"},
		"not TOML":        {"threads: 3\n", nil, "lungbox.toml:1"},
		"choice":          {"[engine]\nuse = 'onnx'\n", nil, "want auto, litert, tensorflow"},
		"range":           {"[engine]\nthreads = -1\n", nil, "want 0 to 256"},
		"environment":     {"", []string{"LUNGBOX_ENGINE_THREADS=many"}, "LUNGBOX_ENGINE_THREADS"},
		"source":          {"[source]\nfrom = 'ndi:studio'\n", nil, "source.from = \"ndi:studio\": want v4l2:, dicom:"},
		"clip of nothing": {"[source]\nfrom = 'clip:'\n", nil, "what follows the colon is missing"},
		"panel":           {"[panel]\ndriver = 'bulb'\n", nil, "panel.driver"},
		"fade":            {"[panel]\nfade = 3600.0\n", nil, "panel.fade = 3600: want 0.2 to 10"},
		"half of TLS":     {"[dicom]\ncertificate = 'a.pem'\n", nil, "belong together"},
		"fraction":        {"[engine]\nmemory_fraction = 2.0\n", nil, "want 0 to 1"},
	} {
		_, err := Load(file(t, c.text), c.environ)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", name, err, c.want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.toml"), nil); err == nil {
		t.Error("a missing file was accepted")
	}
}

// The file that `config init` writes says what the defaults are and reads back.
func TestTextReadsBack(t *testing.T) {
	text, err := Default().Text()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(file(t, string(text)), nil)
	if err != nil || c != Default() {
		t.Errorf("read back %+v, %v", c, err)
	}
	for _, key := range Keys() {
		_, name, _ := strings.Cut(key, ".")
		if !strings.Contains(string(text), "\n"+name+" = ") || !strings.Contains(string(text), "# ") {
			t.Errorf("%s is not in the text:\n%s", key, text)
		}
	}
}

func TestChanged(t *testing.T) {
	a := Default()
	b := a
	b.Panel.Agree, b.Box.Name = 7, "ward-3"
	if got := strings.Join(Changed(a, b), " "); got != "box.name panel.agree" {
		t.Errorf("changed: %q", got)
	}
	if got := Changed(a, a); got != nil {
		t.Errorf("nothing has changed, and yet: %q", got)
	}
}

func TestRectangle(t *testing.T) {
	if r, err := (Source{Region: "160, 40,1120,700"}).Rectangle(); err != nil || r.String() != "(160,40)-(1120,700)" {
		t.Errorf("%v, %v", r, err)
	}
	for _, text := range []string{"1,2,3", "1,2,3,x", "5,5,5,9", "-1,0,5,5", "9,9,1,1"} {
		path := file(t, "[source]\nregion = '"+text+"'\n")
		if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), "LEFT,TOP,RIGHT,BOTTOM") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
