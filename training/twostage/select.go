package twostage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"lungbox/ensemble"
	"lungbox/training/atomicfile"
	"lungbox/training/dataset"
	"lungbox/training/report"
	"lungbox/training/selection"
	"lungbox/training/split"
)

// Select makes selection.csv and the contact sheet, once all folds of stage one are
// done. Unless the folds, the settings or decisions.csv have changed, the file stays as
// it is: it is a function of these.
func (r *Run) Select() error {
	verdicts, err := r.verdicts()
	if err != nil {
		return err
	}
	text := selection.Table(verdicts)
	if before, err := os.ReadFile(r.path(SelectionFile)); err == nil && bytes.Equal(before, text) {
		return nil
	}
	if err := r.contactSheet(verdicts); err != nil {
		return err
	}
	return atomicfile.Write(r.path(SelectionFile), text)
}

// verdicts judges all training pictures by the nets that have not seen them.
func (r *Run) verdicts() ([]selection.Verdict, error) {
	judged, err := r.judged()
	if err != nil {
		return nil, err
	}
	o := selection.Options{Filter: r.Preset.Selection.Filter, Margin: r.Preset.Selection.Margin, Cap: r.Preset.Selection.Cap}
	if o.Decisions, err = selection.ReadDecisions(r.path(selection.DecisionsFile)); err != nil {
		return nil, err
	}
	verdicts, err := selection.Select(judged, o)
	if err != nil {
		return nil, err
	}
	return verdicts, r.enough(verdicts, o)
}

// enough refuses a selection that leaves a score without pictures; a dry run, whose
// nets know nothing, keeps everything instead.
func (r *Run) enough(verdicts []selection.Verdict, o selection.Options) error {
	kept := selection.Summarise(verdicts).Kept
	var gone []string
	for score, n := range kept {
		if n == 0 {
			gone = append(gone, fmt.Sprint(score))
		}
	}
	if len(gone) == 0 {
		return nil
	}
	if r.State.DryRun {
		for i := range verdicts {
			verdicts[i].Kept, verdicts[i].Why = true, "dry run"
		}
		return nil
	}
	return fmt.Errorf("selection (filter %s, cap %v) leaves no picture of score %s: stage one has not learnt it; train longer, lower selection.cap, or keep pictures in %s",
		o.Filter, o.Cap, strings.Join(gone, ", "), selection.DecisionsFile)
}

// judged gathers what the folds' nets say about the pictures held out of them.
func (r *Run) judged() ([]selection.Judged, error) {
	said := map[pictureKey]prediction{}
	for _, t := range r.Tasks() {
		if t.Kind != Fold {
			continue
		}
		if !r.Done(t) {
			return nil, ErrNotYet
		}
		some, err := r.predictions(t, split.FoldName(t.Fold))
		if err != nil {
			return nil, err
		}
		for k, p := range some {
			said[k] = p
		}
	}
	pictures, folds := r.training(-1), r.foldOf()
	out := make([]selection.Judged, len(pictures))
	for i, p := range pictures {
		k := pictureKey{p.File, p.Frame}
		found, ok := said[k]
		if !ok {
			return nil, fmt.Errorf("stage one has not judged %s: remove %s and run again", p.File, r.path(stageOneFolder))
		}
		vote, ok := ensemble.NewVote("", found.logits, 1, 0)
		if !ok {
			return nil, fmt.Errorf("stage one gives %v on %s", found.logits, p.File)
		}
		out[i] = selection.Judged{File: p.File, Frame: p.Frame, Patient: p.Patient, Fold: folds[k], Given: p.Score, Probs: vote.Probs}
	}
	return out, nil
}

// foldOf is the fold of every training picture.
func (r *Run) foldOf() map[pictureKey]int {
	out := map[pictureKey]int{}
	for k := range r.Preset.Split.Folds {
		for _, p := range r.where(split.FoldName(k)) {
			out[pictureKey{p.File, p.Frame}] = k
		}
	}
	return out
}

// kept are the training pictures that selection left, with the scores to train with.
func (r *Run) kept() ([]dataset.Picture, error) {
	verdicts, err := selection.ReadTable(r.path(SelectionFile))
	if err != nil {
		return nil, err
	}
	labels := map[pictureKey]int{}
	for _, v := range verdicts {
		if v.Kept {
			labels[pictureKey{v.File, v.Frame}] = v.Label
		}
	}
	var out []dataset.Picture
	for _, p := range r.training(-1) {
		if label, ok := labels[pictureKey{p.File, p.Frame}]; ok {
			p.Score = label
			out = append(out, p)
		}
	}
	return out, nil
}

// contactSheet shows what was removed, the most surely wrong first, with what a person
// has decided before.
func (r *Run) contactSheet(verdicts []selection.Verdict) error {
	decisions, err := selection.ReadDecisions(r.path(selection.DecisionsFile))
	if err != nil {
		return err
	}
	decided := map[pictureKey]selection.Decision{}
	for _, d := range decisions {
		decided[pictureKey{d.File, d.Frame}] = d
	}
	pictures := map[pictureKey]dataset.Picture{}
	for _, p := range r.training(-1) {
		pictures[pictureKey{p.File, p.Frame}] = p
	}
	var shown []report.Removed
	for _, v := range selection.Ranked(verdicts) {
		k := pictureKey{v.File, v.Frame}
		d := decided[k]
		shown = append(shown, report.Removed{
			File: v.File, Frame: v.Frame, Patient: v.Patient, Why: v.Why, Given: v.Given, Predicted: v.Predicted(),
			Confidence: v.Probs[v.Predicted()], Margin: v.Margin(), Picture: pictures[k].Image, Decision: d.Do, Relabel: d.Score,
		})
	}
	var page bytes.Buffer
	title := fmt.Sprintf("Removed by stage one of %s: %d of %d pictures", r.Dir, len(selection.Removed(verdicts)), len(verdicts))
	if err := report.ContactSheet(&page, title, selection.DecisionsFile, shown); err != nil {
		return err
	}
	return atomicfile.Write(r.path(ContactSheet), page.Bytes())
}

// Decide puts a person's decisions into the run, in place of those that it has.
func (r *Run) Decide(path string) error {
	if _, err := selection.ReadDecisions(path); err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the contact sheet %s saves one", err, r.path(ContactSheet))
	}
	if err != nil {
		return err
	}
	return atomicfile.Write(r.path(selection.DecisionsFile), text)
}

// Selection counts what became of the training pictures.
func (r *Run) Selection() (selection.Summary, error) {
	verdicts, err := selection.ReadTable(r.path(SelectionFile))
	if err != nil {
		return selection.Summary{}, err
	}
	return selection.Summarise(verdicts), nil
}
