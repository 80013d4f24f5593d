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

	"lungbox/capture/gate"
	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/release"
	"lungbox/ensemble/weights"
	"lungbox/tflite"
	"lungbox/training/adapt"
	"lungbox/training/dataset"
	"lungbox/training/dataset/clips"
	"lungbox/training/evaluate"
	"lungbox/training/failures"
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
	// Check are scored pictures that no net has seen: the release is refused when int8
	// scores them worse than float32 by more than MostLost points of accuracy. Empty:
	// nothing is checked.
	Check    []dataset.Picture
	MostLost float64
	Clips    []clips.Clip // real clips that were trained or measured with, for licence and attribution
	Data     string       // a sentence on the data, for the card; "" for none

	LiteRT *tflite.Library // computes the golden frames' answers
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
	temperatures, err := Temperatures(dir)
	if err != nil {
		return m, err
	}
	terms := Licence(opt.Clips)
	content := release.Content{DType: weights.F16, Manifest: release.Manifest{
		Name: opt.Name, Counter: opt.Counter, Created: opt.Created, Notice: opt.Notice, MinimumLungbox: opt.Minimum,
		Licence: terms.ID, Gate: gate.Default().Thresholds(),
	}}
	var members []ensemble.Member
	if content.Manifest.Novelty, err = novelty(dir); err != nil {
		return m, err
	}
	for _, name := range arch.Names() {
		net, set, err := fit.LoadWeights(filepath.Join(dir, name, fit.WeightsFile), name)
		if err != nil {
			return m, err
		}
		content.Nets = append(content.Nets, release.Trained{Net: net, Weights: set, Temperature: temperatures[name]})
		members = append(members, ensemble.Member{Net: net, Weights: set, Digest: name, Temperature: temperatures[name]})
	}
	var report *evaluate.Report
	if content.Manifest.Training, report, err = evaluation(dir); err != nil {
		return m, err
	}
	var worst float64
	scratch, err := os.MkdirTemp("", "lungtrain-export-")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(scratch)
	both, err := openBoth(ctx, members, opt.LiteRT, scratch)
	if err != nil {
		return m, err
	}
	defer both.close()
	content.Golden, worst, err = both.golden(ctx, spread(opt.Golden, GoldenFrames), members)
	if err != nil {
		return m, err
	}
	if err := both.check(ctx, opt, members); err != nil {
		return m, err
	}
	// Twice what int8 costs on this machine, and a little for other processors: a
	// wrong kernel or picture is off by far more.
	content.Manifest.GoldenTolerance = 2*worst + 0.02
	measured := Measured{Report: report}
	if measured.Wrong, measured.Judged, err = wrong(dir); err != nil {
		return m, err
	}
	for _, group := range []string{"source", "patient"} {
		o, err := adapt.ReadOutcome(dir, group)
		if err != nil {
			return m, err
		}
		if o != nil {
			measured.Left = append(measured.Left, o)
		}
	}
	content.Texts = map[string]string{"MODEL_CARD.md": Card(content, measured, opt), "LICENSE": terms.Text}
	return content.Manifest, release.Write(out, content)
}

// wrong lists the clips that a cross-validation by source got wrong; none without one.
func wrong(dir string) ([]failures.Failure, int, error) {
	verdicts, err := failures.Read(dir, "source")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	list, all := failures.Find(verdicts)
	return list, all, err
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

// NoveltyFile is what `lungtrain abstain` keeps in a run.
const NoveltyFile = "novelty.json"

// novelty reads the detector of a run; nil when it has none.
func novelty(dir string) (*ensemble.Novelty, error) {
	path := filepath.Join(dir, NoveltyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n := &ensemble.Novelty{}
	if err := json.Unmarshal(text, n); err != nil {
		return nil, fmt.Errorf("%s: %w: remove it or run lungtrain abstain again", path, err)
	}
	return n, nil
}

// CalibrationFile holds the temperatures that were found for a run's nets.
const CalibrationFile = "calibration.json"

// Calibration is what CalibrationFile holds, as far as a release needs it.
type Calibration struct {
	Temperatures map[string]float64 `json:"temperatures"` // by net
}

// Temperatures are those of the nets of the run in dir; 1, as in the paper, where nothing was
// calibrated.
func Temperatures(dir string) (map[string]float64, error) {
	found := Calibration{}
	path := filepath.Join(dir, CalibrationFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &found)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: remove it or calibrate again", path, err)
	}
	out := map[string]float64{}
	for _, name := range arch.Names() {
		out[name] = 1
		if t, ok := found.Temperatures[name]; ok {
			if !(t > 0) {
				return nil, fmt.Errorf("%s: temperature %v of %s is not positive", path, t, name)
			}
			out[name] = t
		}
	}
	return out, nil
}
