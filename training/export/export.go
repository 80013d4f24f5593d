// Package export makes a release of a run: three trained nets, golden frames, a
// model card with the figures that were measured, and the licence that the
// pictures impose.
package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/release"
	"lungbox/ensemble/weights"
	"lungbox/tflite"
	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
	"lungbox/training/evaluate"
	"lungbox/training/fit"
)

// EvaluationFile is the report that `lungtrain evaluate` keeps in a run.
const EvaluationFile = "evaluation.json"

// Options say what to export.
type Options struct {
	Name    string    // of the release, YYYY.MM.DD-N
	Counter uint64    // only rises from release to release
	Created time.Time // noted in the manifest
	Notice  string    // what everybody who sees a score must be told; "" for nothing
	Minimum string    // lowest lungbox version that runs it

	Golden []dataset.Picture // scored, to take golden frames from
	Clips  []clips.Clip      // real clips that were trained or measured with, for licence and attribution
	Data   string            // a sentence on the data, for the card; "" for none

	LiteRT  *tflite.Library // computes the golden frames' answers
	Scratch string          // folder for converted nets, which the caller removes
}

// Run makes the release of the run in dir as the new directory out. Nothing is there
// after an error.
func Run(ctx context.Context, dir, out string, opt Options) (release.Manifest, error) {
	manifest, err := write(ctx, dir, out, opt)
	if err != nil {
		return release.Manifest{}, fmt.Errorf("export %s: %w", dir, err)
	}
	return manifest, nil
}

func write(ctx context.Context, dir, out string, opt Options) (m release.Manifest, err error) {
	if _, err := os.Stat(out); err == nil {
		return m, fmt.Errorf("%s exists already: give another directory", out)
	}
	terms := Licence(opt.Clips)
	content := release.Content{DType: weights.F16, Manifest: release.Manifest{
		Name: opt.Name, Counter: opt.Counter, Created: opt.Created, Notice: opt.Notice, MinimumLungbox: opt.Minimum,
		Licence: terms.ID,
	}}
	var members []ensemble.Member
	for _, name := range arch.Names() {
		net, set, err := fit.LoadWeights(filepath.Join(dir, name, fit.WeightsFile), name)
		if err != nil {
			return m, err
		}
		content.Nets = append(content.Nets, release.Trained{Net: net, Weights: set, Temperature: 1})
		members = append(members, ensemble.Member{Net: net, Weights: set, Digest: name, Temperature: 1})
	}
	var report *evaluate.Report
	if content.Manifest.Training, report, err = evaluation(dir); err != nil {
		return m, err
	}
	var worst float64
	content.Golden, worst, err = golden(ctx, spread(opt.Golden, GoldenFrames), members, opt.LiteRT, opt.Scratch)
	if err != nil {
		return m, err
	}
	// Twice what int8 costs on this machine, and a little for other processors: a
	// wrong kernel or picture is off by far more.
	content.Manifest.GoldenTolerance = 2*worst + 0.02
	content.Texts = map[string]string{"MODEL_CARD.md": Card(content, report, opt), "LICENSE": terms.Text}
	return content.Manifest, release.Write(out, content)
}

// evaluation reads the report that a run holds; both results are nil when it has none.
func evaluation(dir string) (json.RawMessage, *evaluate.Report, error) {
	path := filepath.Join(dir, EvaluationFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	report := &evaluate.Report{}
	if err := json.Unmarshal(text, report); err != nil {
		return nil, nil, fmt.Errorf("%s: %w: remove it or evaluate again", path, err)
	}
	return text, report, nil
}
