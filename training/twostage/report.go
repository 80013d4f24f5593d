package twostage

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/training/atomicfile"
	"lungbox/training/calibrate"
	"lungbox/training/evaluate"
	"lungbox/training/fit"
	"lungbox/training/report"
	"lungbox/training/split"
)

// worstShown is how many mistakes the report shows as pictures.
const worstShown = 24

// Report writes manifest.json and report.html of a run that Judge has measured. version
// is the program's.
func (r *Run) Report(version string) error {
	if err := r.report(version); err != nil {
		return fmt.Errorf("report of %s: %w", r.Dir, err)
	}
	return nil
}

func (r *Run) report(version string) error {
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
	content, err := r.content(o, m)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := report.Write(&page, content); err != nil {
		return err
	}
	return atomicfile.Write(r.path(ReportFile), page.Bytes())
}

func (r *Run) content(o *Outcome, m *Manifest) (report.Content, error) {
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
		curve, err := readCurve(r.path(t.dir(), fit.CurvesFile))
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
	return c, nil
}

func bins(in []calibrate.Bin) (out []report.Bin) {
	for _, b := range in {
		out = append(out, report.Bin(b))
	}
	return out
}

// readersTable is the double-blind scoring: who gave which score, and what was
// discarded.
func (r *Run) readersTable() report.Table {
	t := report.Table{
		Title: "The two readers",
		Note: fmt.Sprintf("Rows are reader A's scores, columns reader B's. %d pictures were discarded because the readers differ, %d because nobody has scored them.",
			r.pack.Differing, r.pack.Unscored),
		Head: []string{"", "B: 0", "B: 1", "B: 2", "B: 3"},
	}
	for a, row := range r.pack.Readers {
		cells := []string{fmt.Sprintf("A: %d", a)}
		for _, n := range row {
			cells = append(cells, strconv.Itoa(n))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// splitTable counts the parts.
func (r *Run) splitTable() report.Table {
	t := report.Table{
		Title: "Parts",
		Note:  fmt.Sprintf("Divided by %s; test patients were taken off before anything was trained. Spare are the test patients' pictures beyond the wanted number; nothing uses them.", r.Preset.Split.Group),
		Head:  []string{"", "patients", "score 0", "score 1", "score 2", "score 3", "pictures"},
	}
	parts := []string{split.Test, split.Spare, split.Validation}
	for k := range r.Preset.Split.Folds {
		parts = append(parts, split.FoldName(k))
	}
	for _, part := range parts {
		pictures := r.where(part)
		if len(pictures) == 0 {
			continue
		}
		var counts [ensemble.Scores]int
		for _, p := range pictures {
			counts[p.Score]++
		}
		row := []string{part, strconv.Itoa(patients(pictures))}
		for _, n := range counts {
			row = append(row, strconv.Itoa(n))
		}
		t.Rows = append(t.Rows, append(row, strconv.Itoa(len(pictures))))
	}
	return t
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

// methods is the paper's Table 6 and the ablation.
func methods(c *report.Content, o *Outcome) {
	method := func(name, arm string, m evaluate.Measures) {
		out := report.Method{
			Name: name, Count: m.Count, NoScore: m.Unscored, Accuracy: m.Accuracy, Kappa: m.Kappa, Severe: m.Severe,
			Mean: report.PerScore(m.Mean), Confusion: m.Confusion, AccuracyCI: [2]float64{math.NaN(), math.NaN()},
		}
		for score, p := range m.PerScore {
			out.PerScore[score] = report.PerScore(p)
		}
		for _, a := range o.Arms {
			if a.Name == arm {
				out.AccuracyCI = [2]float64{a.Accuracy.Low, a.Accuracy.High}
			}
		}
		c.Methods = append(c.Methods, out)
	}
	for _, name := range o.Report.Order {
		method(name, name+", with selection", o.Report.Nets[name])
	}
	method("vote", "vote, with selection", o.Report.Vote)
	for _, a := range o.Arms {
		c.Ablation = append(c.Ablation, report.Arm{
			Name: a.Name, Accuracy: a.Accuracy.Point, CI: [2]float64{a.Accuracy.Low, a.Accuracy.High},
			Kappa: a.Kappa, Severe: a.Severe, NoScore: a.NoScore, Paper: paperFigure(a.Name),
		})
	}
	for _, g := range o.Gains {
		c.Verdicts = append(c.Verdicts, g.Sentence)
	}
}

// paperFigure is the test accuracy that the paper gives for the same arm (Tables 5 and
// 6); NaN where it gives none.
func paperFigure(arm string) float64 {
	figures := map[string]float64{
		arch.ResNet50 + ", with selection": 0.878, arch.VGG19 + ", with selection": 0.949, arch.GoogLeNet + ", with selection": 0.928,
		"vote, with selection": 0.961,
	}
	if v, ok := figures[arm]; ok {
		return v
	}
	return math.NaN()
}

// worst are the mistakes furthest from the readers, the surest first.
func (r *Run) worst(o *Outcome) []report.Mistake {
	type mistake struct {
		report.Mistake
		off int
	}
	var all []mistake
	for i, p := range r.where(split.Test) {
		votes := o.samples[i].Votes
		d := ensemble.Decide(votes)
		if d.Score == ensemble.None || int(d.Score) == p.Score {
			continue
		}
		off := int(d.Score) - p.Score
		all = append(all, mistake{report.Mistake{
			Picture: p.Image, File: p.File, Truth: p.Score, Score: int(d.Score), Confidence: d.Confidence, Note: votesNote(votes),
		}, max(off, -off)})
	}
	slices.SortStableFunc(all, func(a, b mistake) int {
		return cmp.Or(cmp.Compare(b.off, a.off), cmp.Compare(b.Confidence, a.Confidence))
	})
	var out []report.Mistake
	for _, m := range all[:min(worstShown, len(all))] {
		out = append(out, m.Mistake)
	}
	return out
}

func votesNote(votes []ensemble.Vote) string {
	var words []string
	for _, v := range votes {
		words = append(words, fmt.Sprintf("%s %d", v.Net, v.Score))
	}
	return strings.Join(words, ", ")
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
