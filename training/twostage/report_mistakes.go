package twostage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"lungbox/ensemble"
	"lungbox/training/report"
	"lungbox/training/split"
)

// worstShown is how many mistakes the report shows as pictures.
const worstShown = 24

// worst are the mistakes furthest from the readers, the surest first, at most two of a
// clip: its frames are alike.
func (r *Run) worst(o *Outcome) []report.Mistake {
	type mistake struct {
		report.Mistake
		off  int
		clip string
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
		}, max(off, -off), o.samples[i].Clip})
	}
	slices.SortStableFunc(all, func(a, b mistake) int {
		return cmp.Or(cmp.Compare(b.off, a.off), cmp.Compare(b.Confidence, a.Confidence))
	})
	var out []report.Mistake
	const ofClip = 2
	shown := map[string]int{}
	for _, m := range all {
		if shown[m.clip]++; shown[m.clip] <= ofClip && len(out) < worstShown {
			out = append(out, m.Mistake)
		}
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
