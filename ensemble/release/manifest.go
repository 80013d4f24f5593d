// Package release reads and writes releases: the directory that training makes
// and a box runs. A release belongs to no engine; the box compiles it for its own.
//
//	manifest.json            this package's Manifest
//	googlenet.safetensors    weights of each net, half precision by default
//	resnet50.safetensors
//	vgg19.safetensors
//	golden/000.png …         masked crops with the probabilities each net gives on them
//	MODEL_CARD.md            what it is, for people
//	LICENSE                  of the weights, which may differ from the program's
//
// Everything that is read is checked first: the manifest names the SHA-256 of
// every file's header and of every tensor, and Open compares them before a
// parser sees a byte.
package release

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"time"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
)

// Schema is the version of the manifest that this program reads and writes.
const Schema = 1

// ManifestFile is the manifest's name in a release.
const ManifestFile = "manifest.json"

// Manifest describes a release.
type Manifest struct {
	Schema  int       `json:"schema"`
	Name    string    `json:"name"`    // date and number of the day, e.g. "2026.11.23-1"
	Counter uint64    `json:"counter"` // only rises from release to release
	Created time.Time `json:"created"`
	// Notice is shown wherever a person sees the release's scores, e.g. that it is a
	// demonstration trained on simulated pictures; "" for none.
	Notice         string `json:"notice"`
	Licence        string `json:"licence"` // SPDX expression for the weights
	MinimumLungbox string `json:"minimum_lungbox"`

	Labels        []string      `json:"labels"` // "0" to "3"
	Preprocessing Preprocessing `json:"preprocessing"`
	Nets          []Net         `json:"nets"` // in order of cost
	Golden        []Golden      `json:"golden"`
	// GoldenTolerance is the largest difference in probability that a box's engine may
	// show on a golden frame.
	GoldenTolerance float64 `json:"golden_tolerance"`

	// Gate holds thresholds of package gate by name, with which the nets were trained:
	// frames that do not pass are not scored. Names that are missing have the box's values.
	Gate map[string]float64 `json:"gate,omitempty"`

	// Novelty refuses pictures that are unlike the training; none without it.
	Novelty *ensemble.Novelty `json:"novelty,omitempty"`

	// Training is what the training run says of itself in short: data, split and
	// weight hashes, seed, measured figures. For people; nothing depends on it.
	Training json.RawMessage `json:"training,omitempty"`
}

// Preprocessing records what arch.Preprocess did when the nets were trained. A box
// whose function differs refuses the release.
type Preprocessing struct {
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"`
	Resize    string  `json:"resize"`
}

// CurrentPreprocessing is what this program does.
func CurrentPreprocessing() Preprocessing {
	return Preprocessing{Mean: arch.Mean, Deviation: arch.Deviation, Resize: "antialiased bilinear, stretched to a square"}
}

// Net is one net of a release.
type Net struct {
	arch.Config
	ArchDigest  string   `json:"arch_digest"`
	Temperature float64  `json:"temperature"`
	File        string   `json:"file"`
	Bytes       int64    `json:"bytes"`
	SHA256      string   `json:"sha256"`        // of the whole file
	Header      string   `json:"header_sha256"` // of everything before the first tensor
	Tensors     []Tensor `json:"tensors"`       // in the order of their bytes
}

// Tensor is one stored tensor. Equal tensors of two releases have equal hashes, so
// an update need not download them again.
type Tensor struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"` // in the file
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Golden is a frame with known answers: the probabilities, calibrated, that the
// nets give in float32.
type Golden struct {
	File   string                              `json:"file"`
	Probs  map[string][ensemble.Scores]float64 `json:"probs"` // by net
	SHA256 string                              `json:"sha256"`
}

var (
	namePattern = regexp.MustCompile(`^[0-9]{4}\.[0-9]{2}\.[0-9]{2}-[0-9]{1,4}$`)
	filePattern = regexp.MustCompile(`^(golden/)?[a-z0-9][a-z0-9_-]*\.(safetensors|png)$`)
)

// check reports the first thing in the manifest that this program cannot run.
func (m *Manifest) check() error {
	switch {
	case m.Schema != Schema:
		return fmt.Errorf("schema %d: this program reads schema %d; install a newer lungbox", m.Schema, Schema)
	case !namePattern.MatchString(m.Name):
		return fmt.Errorf("name %q: want YYYY.MM.DD-N", m.Name)
	case m.Preprocessing != CurrentPreprocessing():
		return fmt.Errorf("preprocessing %+v: this program does %+v", m.Preprocessing, CurrentPreprocessing())
	case len(m.Nets) != len(arch.Names()):
		return fmt.Errorf("%d nets: want %v", len(m.Nets), arch.Names())
	case !(m.GoldenTolerance > 0 && m.GoldenTolerance < 1):
		return fmt.Errorf("golden tolerance %v is outside 0 to 1", m.GoldenTolerance)
	case len(m.Golden) == 0:
		return fmt.Errorf("no golden frames: the release cannot be tried")
	}
	for i, n := range m.Nets {
		if err := n.check(arch.Names()[i]); err != nil {
			return fmt.Errorf("net %d: %w", i, err)
		}
	}
	if m.Novelty != nil {
		var nets []*arch.Net
		for _, n := range m.Nets {
			nets = append(nets, arch.MustNew(n.Config)) // checked above
		}
		if err := m.Novelty.Check(nets); err != nil {
			return err
		}
	}
	for _, g := range m.Golden {
		if !filePattern.MatchString(g.File) {
			return fmt.Errorf("golden file name %q is not allowed", g.File)
		}
		for _, name := range arch.Names() {
			if _, ok := g.Probs[name]; !ok {
				return fmt.Errorf("%s has no probabilities of %s", g.File, name)
			}
		}
	}
	return nil
}

func (n *Net) check(want string) error {
	net, err := arch.New(n.Config)
	switch {
	case err != nil:
		return err
	case n.Arch != want || n.Classes != ensemble.Scores:
		return fmt.Errorf("%s with %d outputs: want %s with %d", n.Arch, n.Classes, want, ensemble.Scores)
	case n.ArchDigest != net.Digest():
		return fmt.Errorf("%s was trained as another net (digest %.12s, here %.12s): install the lungbox version it was made for", n.Arch, n.ArchDigest, net.Digest())
	case !(n.Temperature > 0) || math.IsInf(n.Temperature, 0):
		return fmt.Errorf("temperature %v of %s is not positive", n.Temperature, n.Arch)
	case !filePattern.MatchString(n.File):
		return fmt.Errorf("file name %q is not allowed", n.File)
	}
	at := int64(-1)
	for _, t := range n.Tensors {
		if t.Bytes < 0 || t.Offset < 0 || at >= 0 && t.Offset != at {
			return fmt.Errorf("%s: tensor %s does not follow the one before it", n.File, t.Name)
		}
		at = t.Offset + t.Bytes
	}
	if at != n.Bytes {
		return fmt.Errorf("%s: tensors end at %d, the file at %d", n.File, at, n.Bytes)
	}
	return nil
}
