package twostage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"lungbox/ensemble"
	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
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

// Decide puts a person's decisions into the run, in place of those that it has, unless
// one is on a picture that the run does not train with.
func (r *Run) Decide(path string) error {
	decisions, err := selection.ReadDecisions(path)
	if err != nil {
		return err
	}
	folds := r.foldOf()
	for _, d := range decisions {
		if _, ok := folds[pictureKey{d.File, d.Frame}]; !ok {
			return fmt.Errorf("%s: decision on %s: it is no training picture of this run (test pictures are never filtered): remove the row", path, d.File)
		}
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
