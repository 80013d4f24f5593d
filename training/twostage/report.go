package twostage

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"lungbox/ensemble/arch"
	"lungbox/sync/atomicfile"
	"lungbox/training/calibrate"
	"lungbox/training/fit"
	"lungbox/training/report"
)

// Report writes manifest.json and report.html of a run that Judge has measured. version
// is the program's. The three nets run once more, on the pictures that are shown as mistakes.
func (r *Run) Report(ctx context.Context, version string) error {
	if err := r.report(ctx, version); err != nil {
		return fmt.Errorf("report of %s: %w", r.Dir, err)
	}
	return nil
}

func (r *Run) report(ctx context.Context, version string) error {
	o, err := r.outcome()
	if err != nil {
		return err
	}
	m, err := r.manifest(version)
	if err != nil {
		return err
	}
	if err := r.writeJSON(manifestFile, m); err != nil {
		return err
	}
	content, err := r.content(ctx, o, m)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := report.Write(&page, content); err != nil {
		return err
	}
	return atomicfile.Write(r.path(ReportFile), page.Bytes())
}

func (r *Run) content(ctx context.Context, o *Outcome, m *Manifest) (report.Content, error) {
	c := report.Content{
		Title:    "Training run " + filepath.Base(r.Dir),
		Subtitle: fmt.Sprintf("%s: %s", r.Preset.Name, r.Preset.About),
		Warnings: slices.Clone(r.State.Warnings), Facts: m.facts(),
		Disagreement: o.Report.Disagreement, NoConsensus: o.Report.NoConsensus,
	}
	if r.State.DryRun {
		c.Warnings = append([]string{"DRY RUN: every net was trained for one step on a few pictures; no figure means anything"}, c.Warnings...)
	}
	if o.Calibration.Pictures == 0 {
		c.Warnings = append(c.Warnings, "NOT CALIBRATED: there are too few validation pictures; temperatures are 1, as in the paper")
	}
	c.Tables = []report.Table{r.readersTable(), r.splitTable()}
	if err := r.stageOneContent(&c, o); err != nil {
		return c, err
	}
	for _, t := range r.Tasks() {
		curve, err := readCurve(r.path(t.Dir(), fit.CurvesFile))
		if err != nil {
			return c, err
		}
		curve.Name = t.String()
		c.Curves = append(c.Curves, curve)
	}
	methods(&c, o)
	for _, name := range arch.Names() {
		n := o.Calibration.Nets[name]
		c.Calibration = append(c.Calibration, report.Calibration{
			Net: name, Temperature: o.Calibration.Temperatures[name],
			Before: n.ECEBefore, After: n.ECEAfter, BinsBefore: bins(n.Before), BinsAfter: bins(n.After),
		})
	}
	if u := o.Unlike; u != nil {
		c.OutOfDistribution = fmt.Sprintf("A picture counts as unlike the training when the features of %s lie further than %.1f from those of every score (diagonal Mahalanobis distance, Lee et al. 2018). The threshold lets %.0f %% of the validation pictures pass; %.1f %% of the test pictures lie beyond it.",
			u.Net, u.Threshold, 100*u.Share, 100*u.Test)
	}
	c.Worst = r.worst(o)
	return c, r.explain(ctx, o, c.Worst)
}

func bins(in []calibrate.Bin) (out []report.Bin) {
	for _, b := range in {
		out = append(out, report.Bin(b))
	}
	return out
}

// stageOneContent is the paper's Tables 3 and 4.
func (r *Run) stageOneContent(c *report.Content, o *Outcome) error {
	s, err := r.Selection()
	if err != nil {
		return err
	}
	for k, f := range s.Folds {
		fold := report.Fold{Name: strconv.Itoa(k + 1), Correct: f.Correct, Total: f.Given, TestAverage: math.NaN()}
		for _, n := range f.Given {
			fold.Pictures += n
		}
		if k < len(o.StageOne) {
			fold.TestAccuracy, fold.TestAverage = o.StageOne[k].ByScore, o.StageOne[k].Average
		}
		c.Folds = append(c.Folds, fold)
	}
	c.Selection = report.Selection{Filter: r.Preset.Selection.Filter, Kept: s.Kept, Removed: s.Removed, Capped: s.Capped, ContactSheet: ContactSheet}
	for score, n := range s.Removed {
		if s.Given[score] > 0 && 2*n > s.Given[score] {
			c.Warnings = append(c.Warnings, fmt.Sprintf("Stage one removed %d of %d pictures of score %d, more than half: look at the contact sheet, or set selection.cap", n, s.Given[score], score))
		}
	}
	return nil
}

// readCurve reads a training's curves.
func readCurve(path string) (c report.Curve, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	for _, row := range rows[min(1, len(rows)):] {
		var v [5]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(row[i], 64); err != nil {
				v[i] = math.NaN() // an empty field: nothing was validated
			}
		}
		c.Step, c.Loss, c.Accuracy, c.Validation = append(c.Step, v[0]), append(c.Loss, v[2]), append(c.Accuracy, v[3]), append(c.Validation, v[4])
	}
	return c, nil
}
