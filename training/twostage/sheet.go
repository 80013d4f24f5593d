package twostage

import (
	"bytes"
	"fmt"

	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
	"lungbox/training/report"
	"lungbox/training/selection"
)

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
			Confidence: v.Probs[v.Predicted()], Margin: v.Margin(), Picture: pictures[k].Image, Decision: d.Do, Relabel: d.Score, Note: d.Note,
		})
	}
	var page bytes.Buffer
	title := fmt.Sprintf("Removed by stage one of %s: %d of %d pictures", r.Dir, len(selection.Removed(verdicts)), len(verdicts))
	if err := report.ContactSheet(&page, title, selection.DecisionsFile, shown); err != nil {
		return err
	}
	return atomicfile.Write(r.path(ContactSheet), page.Bytes())
}
