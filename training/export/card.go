package export

import (
	"fmt"
	"strings"

	"lungbox/ensemble/release"
	"lungbox/training/adapt"
	"lungbox/training/evaluate"
	"lungbox/training/failures"
)

// Measured is what a run keeps of its evaluation and cross-validations, each of which may be
// missing.
type Measured struct {
	Report *evaluate.Report
	Left   []*adapt.Outcome   // one for each group that was left out
	Wrong  []failures.Failure // clips that were wrong when their source was left out
	Judged int                // clips that were judged for Wrong
}

// Card writes the model card. Every figure in it was measured and kept in the run; without
// any the card says that nothing was measured.
func Card(content release.Content, measured Measured, opt Options) string {
	report, left := measured.Report, measured.Left
	var b strings.Builder
	m := content.Manifest
	fmt.Fprintf(&b, "# Release %s\n\n", m.Name)
	if m.Notice != "" {
		fmt.Fprintf(&b, "**%s**\n\n", m.Notice)
	}
	b.WriteString("Three networks that score lung ultrasound frames 0 to 3 by vote (Xing et al. 2022,\ndoi 10.1016/j.bspc.2022.103561). For research; not a medical device; a score is not\na diagnosis.\n\n")
	b.WriteString("| net | width | input | parameters |\n|---|---|---|---|\n")
	for _, t := range content.Nets {
		fmt.Fprintf(&b, "| %s | %g | %d×%d | %.2f M |\n", t.Net.Arch, t.Net.Width, t.Net.Input, t.Net.Input, float64(t.Net.LearntParams())/1e6)
	}
	b.WriteString(intended)
	data := opt.Data
	if data == "" {
		data = "Whoever made the release did not say what it was trained on."
	}
	fmt.Fprintf(&b, "\n## Data\n\n%s\n", data)
	b.WriteString("\n## Measured\n\n")
	for _, o := range left {
		fmt.Fprintf(&b, "Nets trained by the same recipe on the other clips, on those that were left out, in float32,\nas `lungtrain crossvalidate --group %s` printed it:\n\n```\n%s```\n\n", o.Group, o)
	}
	if len(left) > 0 {
		b.WriteString("Left out by source is the figure that counts: a hospital whose pictures nobody trained with.\nLeft out by patient, other patients of the same source were trained with, which flatters. AUC\n0|123 tells score 0 from the others, AUC 01|23 scores 0 and 1 from 2 and 3; kappa has\nquadratic weights. The nets of this release were trained on all clips.\n")
	}
	if n := m.Novelty; n != nil {
		fmt.Fprintf(&b, "\nFrames whose features are unlike the training are refused: about %.0f %% of lung frames of a\nsource that the detector has not seen (`lungtrain abstain`).\n", 100*n.Lost)
	}
	switch {
	case report == nil && len(left) > 0:
	case report == nil:
		b.WriteString("Nothing was measured: the run holds no evaluation.\n")
	default:
		fmt.Fprintf(&b, "On clips of patients that no net has seen (%d patients, %d sources), in float32, as\n`lungtrain evaluate` printed it:\n\n```\n%s```\n\n", report.Patients, report.Sources, report)
		b.WriteString("AUC 0|123 tells score 0 from the others, AUC 01|23 scores 0 and 1 from 2 and 3; kappa\nhas quadratic weights. The split is by patient. Public clips are confounded by their\nsource: a web site has one look and often one score, so that these figures flatter.\nA hospital whose pictures are not among the sources must expect less.\n")
	}
	if n := len(measured.Wrong); n > 0 {
		fmt.Fprintf(&b, "\n## Where it fails\n\n%d of %d clips have another score than the readers gave when their source is left out\n(`lungtrain failures` draws them):\n\n| clip | readers | vote | frames with 0, 1, 2, 3, none |\n|---|---|---|---|\n", n, measured.Judged)
		for _, f := range measured.Wrong {
			fmt.Fprintf(&b, "| %s | %d | %v | %d, %d, %d, %d, %d |\n", cell(f.Clip), f.Score, f.Vote, f.Votes[0], f.Votes[1], f.Votes[2], f.Votes[3], f.None)
		}
	}
	if len(opt.Clips) > 0 {
		fmt.Fprintf(&b, "\n## Clips\n\nTrained or measured with these clips; the release's licence is %s.\n\n| clip | patient | licence | source |\n|---|---|---|---|\n", m.Licence)
		for _, c := range opt.Clips {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(c.File), cell(c.Patient), cell(c.Licence), cell(c.Source))
		}
	}
	return b.String()
}

// intended says what a release is for and what not; every card has it.
const intended = `
## Intended use

A second opinion on single frames of the lungs of adults, for people who can score a lung
ultrasound themselves and look at the picture: to sort recordings, to teach, and for research.

Not for: a diagnosis, or a decision on a patient by the score alone; children; other organs
(most of them are refused, not all); pictures with measurements, text or colour Doppler over
the lung. Nobody has compared its scores with CT, X-ray, or the course of a disease. Scores 1
and 2 are the least sure: readers differ on them too.
`

// cell is a text that cannot end its cell of a table.
func cell(text string) string { return strings.NewReplacer("|", "/", "\n", " ").Replace(text) }
