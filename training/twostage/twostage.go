// Package twostage runs the whole method of Xing et al. 2022 in a folder: pictures
// prepared, test patients taken off, five nets that judge what they have not seen,
// selection, three nets on what was kept, evaluation, calibration, a release and a
// report.
//
//	run.toml              the preset, every setting in it
//	run.json              what the run was made of: State
//	pictures.raw, .json   the decoded pictures (package pack)
//	split.csv             which picture is in which part (package split)
//	stage1/fold0 …        five ResNet-50, one for each fold
//	selection.csv         what became of every training picture (package selection)
//	removed.html          contact sheet of what was removed
//	decisions.csv         what a person decided about pictures; may be missing
//	googlenet resnet50 vgg19    the three nets of stage two
//	unselected/…          the three nets on all pictures, to compare (ablation)
//	evaluation.json ablation.json calibration.json
//	tensorboard/          event files
//	release/              what a box runs
//	manifest.json         hashes, seed, versions, device
//	report.html
//
// Every file is written as a whole or not at all, every step is a function of what was
// written before it. A run that was ended anywhere goes on with the same command, and
// ends with the same files. Trainings are tasks that processes on one or many machines
// can take; a lock in the shared folder keeps two from taking the same one.
package twostage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
	"lungbox/training/dataset/pack"
	"lungbox/training/preset"
	"lungbox/training/split"
)

// Files of a run.
const (
	presetFile      = "run.toml"
	stateFile       = "run.json"
	splitFile       = "split.csv"
	SelectionFile   = "selection.csv"
	ContactSheet    = "removed.html"
	ablationFile    = "ablation.json"
	manifestFile    = "manifest.json"
	ReportFile      = "report.html"
	releaseFolder   = "release"
	tensorboardDir  = "tensorboard"
	stageOneFolder  = "stage1"
	unselectedFiles = "unselected"
)

// State is what a run was made of; it never changes.
type State struct {
	Data     string `json:"data"` // the dataset's folder, for people
	DataHash string `json:"data_hash"`
	Split    string `json:"split_hash"`
	Preset   string `json:"preset_hash"`
	// SHA-256 of the files that nets started from, by net; none for random weights.
	Initial  map[string]string `json:"initial_hashes"`
	Warnings []string          `json:"warnings"` // leaks and the like: in every report
	DryRun   bool              `json:"dry_run"`
}

// Run is an open run.
type Run struct {
	Dir    string
	Preset *preset.Preset
	State  State

	pack  *pack.Pack
	parts []string // of the pack's pictures
}

// Open opens a run whose pictures are prepared and divided. Close must follow.
func Open(dir string) (*Run, error) {
	r := &Run{Dir: dir}
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("run %s: %w", dir, err)
	}
	return r, nil
}

func (r *Run) open() error {
	text, err := os.ReadFile(r.path(stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: it is no run, or one whose preparation was ended: start it with lungtrain run", err)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &r.State); err != nil {
		return fmt.Errorf("%s: %w", stateFile, err)
	}
	if text, err = os.ReadFile(r.path(presetFile)); err != nil {
		return err
	}
	if hashOf(text) != r.State.Preset {
		return fmt.Errorf("%s was changed after the run began: change it back, or start another run with --preset %s", presetFile, r.path(presetFile))
	}
	if r.Preset, err = preset.Parse(presetFile, text); err != nil {
		return err
	}
	if r.pack, err = pack.Open(r.Dir); err != nil {
		return err
	}
	if r.pack.Hash != r.State.DataHash {
		r.pack.Close()
		return fmt.Errorf("the prepared pictures are not those that the run began with")
	}
	var hash string
	if r.parts, hash, err = split.Read(r.path(splitFile), rows(r.pack.Pictures)); err == nil && hash != r.State.Split {
		err = fmt.Errorf("%s was changed after the run began: change it back, or start another run", splitFile)
	}
	if err != nil {
		r.pack.Close()
	}
	return err
}

// Close unmaps the pictures.
func (r *Run) Close() error { return r.pack.Close() }

func (r *Run) path(parts ...string) string {
	return filepath.Join(append([]string{r.Dir}, parts...)...)
}

// where returns the pictures whose part is one of these, in the dataset's order.
func (r *Run) where(parts ...string) []dataset.Picture {
	var out []dataset.Picture
	for i, p := range r.pack.Pictures {
		for _, part := range parts {
			if r.parts[i] == part {
				out = append(out, p)
			}
		}
	}
	return out
}

// training returns the pictures of all folds but one (-1: all folds).
func (r *Run) training(but int) []dataset.Picture {
	var parts []string
	for k := range r.Preset.Split.Folds {
		if k != but {
			parts = append(parts, split.FoldName(k))
		}
	}
	return r.where(parts...)
}

func rows(pictures []dataset.Picture) []dataset.Row {
	out := make([]dataset.Row, len(pictures))
	for i, p := range pictures {
		out[i] = p.Row
	}
	return out
}

func scores(pictures []dataset.Picture) []int {
	out := make([]int, len(pictures))
	for i, p := range pictures {
		out[i] = p.Score
	}
	return out
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// writeJSON writes a value as a file of a run.
func (r *Run) writeJSON(name string, value any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(value); err != nil {
		return err
	}
	return atomicfile.Write(r.path(name), text.Bytes())
}

// readJSON reads a file of a run.
func (r *Run) readJSON(name string, value any) error {
	text, err := os.ReadFile(r.path(name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%s: %w: remove it, it will be made again", r.path(name), err)
	}
	return nil
}
