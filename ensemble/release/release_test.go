package release

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// constant is an engine whose nets always give the same logits.
type constant struct{ logits [4]float32 }

func (c constant) Logits(_ context.Context, _ *image.Gray, members []int) ([]ensemble.Output, error) {
	out := make([]ensemble.Output, len(members))
	for i := range out {
		out[i].Logits = c.logits
	}
	return out, nil
}
func (constant) Info() ensemble.EngineInfo { return ensemble.EngineInfo{Engine: "constant"} }
func (constant) Close() error              { return nil }

// write makes a small release with formula weights in a new folder.
func write(t testing.TB) string {
	t.Helper()
	content := Content{
		Manifest: Manifest{Name: "2026.11.23-1", Counter: 7, Licence: "CC-BY-4.0", Notice: "made by a test", GoldenTolerance: 0.1},
		DType:    weights.F16,
		Texts:    map[string]string{"MODEL_CARD.md": "# A test\n"},
	}
	probs := map[string][4]float64{}
	for i, name := range arch.Names() {
		net := arch.MustNew(arch.Config{Arch: name, Width: 1.0 / 16, Input: 64, Classes: 4})
		content.Nets = append(content.Nets, Trained{Net: net, Weights: weights.Formula(net), Temperature: 1 + float64(i)/10})
		probs[name] = [4]float64{0.25, 0.25, 0.25, 0.25}
	}
	picture := image.NewGray(image.Rect(0, 0, 40, 30))
	for i := range picture.Pix {
		picture.Pix[i] = byte(i)
	}
	content.Golden = []Frame{{Picture: picture, Probs: probs}}
	dir := filepath.Join(t.TempDir(), "release")
	if err := Write(dir, content); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestWriteAndOpen(t *testing.T) {
	dir := write(t)
	r, err := Open(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Name != "2026.11.23-1" || r.Counter != 7 || len(r.Digest) != 64 {
		t.Errorf("manifest %+v", r.Manifest)
	}
	members := r.Members()
	for i, m := range members {
		if m.Net.Arch != arch.Names()[i] || m.Temperature != 1+float64(i)/10 || m.Digest == "" {
			t.Errorf("member %d: %s, temperature %v", i, m.Net.Arch, m.Temperature)
		}
		want := weights.Formula(m.Net)
		for _, p := range m.Net.Params() {
			got, err := m.Weights.Tensor(p.Name)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range want[p.Name].Data {
				// Half precision has 11 bits.
				if d := got.Data[k] - v; d > 1e-3 || d < -1e-3 {
					t.Fatalf("%s[%d] is %v, want %v", p.Name, k, got.Data[k], v)
				}
			}
		}
	}
	if r.frames[0].GrayAt(5, 0).Y != 5 {
		t.Error("the golden frame's pixels changed")
	}
	if err := Write(dir, Content{}); err == nil {
		t.Error("an existing release was overwritten")
	}
}

// The golden frames tell an engine that computes the nets from one that does not.
func TestTry(t *testing.T) {
	r, err := Open(os.DirFS(write(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if worst, err := r.Try(t.Context(), constant{}); err != nil || worst > 1e-9 {
		t.Errorf("an engine that is right: %v off, %v", worst, err)
	}
	if _, err := r.Try(t.Context(), constant{[4]float32{0, 0, 0, 3}}); err == nil {
		t.Error("an engine that is wrong was accepted")
	}
}

// No damage goes unseen: every file is cut, and has a bit flipped in many places.
func TestDamageIsFound(t *testing.T) {
	dir := write(t)
	var files []string
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if !d.IsDir() && filepath.Ext(path) != ".md" {
			files = append(files, path)
		}
		return nil
	})
	if len(files) != 5 {
		t.Fatalf("files %v", files)
	}
	for _, path := range files {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		opens := func(text []byte) error {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := Open(os.DirFS(dir))
			if err == nil {
				r.Close()
			}
			return err
		}
		if opens(good[:len(good)/2]) == nil || opens(nil) == nil {
			t.Errorf("%s cut short was accepted", filepath.Base(path))
		}
		if filepath.Base(path) != ManifestFile { // the manifest itself is covered by the signature over it
			for at := 0; at < len(good); at += 1 + len(good)/23 {
				bad := append([]byte{}, good...)
				bad[at] ^= 1
				if err := opens(bad); !errors.Is(err, ErrDamaged) {
					t.Errorf("%s with byte %d flipped: %v", filepath.Base(path), at, err)
				}
			}
		}
		os.Remove(path)
		if r, err := Open(os.DirFS(dir)); err == nil {
			r.Close()
			t.Errorf("a release without %s was accepted", filepath.Base(path))
		}
		if err := opens(good); err != nil {
			t.Fatalf("the repaired release: %v", err)
		}
	}
}

// A manifest that this program cannot run is refused with a reason.
func TestManifestIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Manifest)
		want   string
	}{
		"newer schema":     {func(m *Manifest) { m.Schema = 2 }, "newer lungbox"},
		"name":             {func(m *Manifest) { m.Name = "../../etc" }, "YYYY.MM.DD-N"},
		"preprocessing":    {func(m *Manifest) { m.Preprocessing.Mean = 0.5 }, "preprocessing"},
		"a net is missing": {func(m *Manifest) { m.Nets = m.Nets[:2] }, "2 nets"},
		"order of nets":    {func(m *Manifest) { m.Nets[0], m.Nets[1] = m.Nets[1], m.Nets[0] }, "want googlenet"},
		"another net":      {func(m *Manifest) { m.Nets[0].Input = 96 }, "another net"},
		"temperature":      {func(m *Manifest) { m.Nets[1].Temperature = 0 }, "temperature"},
		"path":             {func(m *Manifest) { m.Nets[1].File = "../resnet50.safetensors" }, "not allowed"},
		"golden path":      {func(m *Manifest) { m.Golden[0].File = "/etc/passwd" }, "not allowed"},
		"no golden frames": {func(m *Manifest) { m.Golden = nil }, "golden"},
		"loose tolerance":  {func(m *Manifest) { m.GoldenTolerance = 1 }, "tolerance"},
		"hole in a file":   {func(m *Manifest) { m.Nets[0].Tensors[3].Offset += 8 }, "does not follow"},
		"tensor left out":  {func(m *Manifest) { m.Nets[0].Tensors = m.Nets[0].Tensors[:9] }, "end at"},
	} {
		dir := write(t)
		path := filepath.Join(dir, ManifestFile)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var m Manifest
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		c.change(&m)
		if text, err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := Open(os.DirFS(dir))
		if err == nil {
			r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", name, err, c.want)
		}
	}
}

// A value that half precision cannot hold must not become infinity on the way.
func TestWriteRefusesOverflow(t *testing.T) {
	content := Content{Manifest: Manifest{Name: "2026.11.23-1", GoldenTolerance: 0.1}, DType: weights.F16}
	for _, name := range arch.Names() {
		net := arch.MustNew(arch.Config{Arch: name, Width: 1.0 / 16, Input: 64, Classes: 4})
		set := weights.Formula(net)
		if name == arch.ResNet50 {
			set["layer1.0.conv2.weight"].Data[0] = 1e6
		}
		content.Nets = append(content.Nets, Trained{Net: net, Weights: set, Temperature: 1})
	}
	if err := Write(filepath.Join(t.TempDir(), "r"), content); err == nil || !strings.Contains(err.Error(), "layer1.0.conv2.weight") {
		t.Errorf("error %v", err)
	}
}
