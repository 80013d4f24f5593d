package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// Trained is one trained net for a release.
type Trained struct {
	Net         *arch.Net
	Weights     weights.Set
	Temperature float64
}

// Frame is a golden frame for a release.
type Frame struct {
	Picture *image.Gray                         // masked crop
	Probs   map[string][ensemble.Scores]float64 // by net, in float32
}

// Content is what goes into a release. The manifest's nets, golden frames,
// preprocessing, labels and schema are filled in.
type Content struct {
	Manifest Manifest
	Nets     []Trained // in order of cost
	DType    weights.DType
	Golden   []Frame
	Texts    map[string]string // further files by name, e.g. MODEL_CARD.md
}

// Write makes a release in a new directory. It refuses to change an existing one.
func Write(dir string, c Content) (err error) {
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("write release: %s exists already: give another directory", dir)
	}
	work := dir + ".unfinished"
	if err := os.RemoveAll(work); err != nil {
		return fmt.Errorf("write release: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write release: %w", err), os.RemoveAll(work))
		}
	}()
	if err := os.MkdirAll(filepath.Join(work, "golden"), 0o755); err != nil {
		return err
	}
	m := c.Manifest
	m.Schema, m.Preprocessing = Schema, CurrentPreprocessing()
	m.Labels, m.Nets, m.Golden = []string{"0", "1", "2", "3"}, nil, nil
	for _, t := range c.Nets {
		n, err := writeNet(work, t, c.DType)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Net.Arch, err)
		}
		m.Nets = append(m.Nets, n)
	}
	for i, f := range c.Golden {
		g, err := writeGolden(work, fmt.Sprintf("golden/%03d.png", i), f)
		if err != nil {
			return err
		}
		m.Golden = append(m.Golden, g)
	}
	for name, text := range c.Texts {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, ManifestFile), append(text, '\n'), 0o644); err != nil {
		return err
	}
	made, err := Open(os.DirFS(work))
	if err != nil {
		return fmt.Errorf("what was written cannot be read: %w", err)
	}
	if err := made.Close(); err != nil {
		return err
	}
	return os.Rename(work, dir)
}

func writeNet(dir string, t Trained, dtype weights.DType) (Net, error) {
	if err := weights.Check(t.Net, t.Weights); err != nil {
		return Net{}, err
	}
	n := Net{Config: t.Net.Config, ArchDigest: t.Net.Digest(), Temperature: t.Temperature, File: t.Net.Arch + ".safetensors"}
	path := filepath.Join(dir, n.File)
	if err := weights.SaveFile(path, t.Weights, dtype, map[string]string{"arch": t.Net.Arch}); err != nil {
		return n, err
	}
	stored, err := weights.OpenFile(path)
	if err != nil {
		return n, err
	}
	defer stored.Close()
	// A value that half precision cannot hold has become infinite.
	set, err := stored.Set()
	if err != nil {
		return n, err
	}
	if err := weights.Check(t.Net, set); err != nil {
		return n, fmt.Errorf("in %s: %w", dtype, err)
	}
	return n, describe(path, stored, &n)
}

// describe fills in sizes and hashes of a written file.
func describe(path string, stored *weights.File, n *Net) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	n.Bytes = info.Size()
	if n.SHA256, err = hashOf(file); err != nil {
		return err
	}
	for i, e := range stored.Entries {
		raw, err := stored.Raw(e.Name)
		if err != nil {
			return err
		}
		sum, err := hashOf(raw)
		if err != nil {
			return err
		}
		n.Tensors = append(n.Tensors, Tensor{Name: e.Name, Offset: e.Offset, Bytes: e.Length, SHA256: sum})
		if i == 0 {
			header := make([]byte, e.Offset)
			if _, err := file.ReadAt(header, 0); err != nil {
				return err
			}
			if n.Header, err = hashOf(bytes.NewReader(header)); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeGolden(dir, name string, f Frame) (Golden, error) {
	var text bytes.Buffer
	if err := png.Encode(&text, f.Picture); err != nil {
		return Golden{}, err
	}
	sum, err := hashOf(bytes.NewReader(text.Bytes()))
	if err != nil {
		return Golden{}, err
	}
	return Golden{File: name, Probs: f.Probs, SHA256: sum}, os.WriteFile(filepath.Join(dir, name), text.Bytes(), 0o644)
}
