package twostage

import (
	"fmt"

	"lungbox/ensemble"
	"lungbox/training/evaluate"
	"lungbox/training/split"
)

// FoldTest is the accuracy of a fold's net on the test pictures, by score and over all.
type FoldTest struct {
	ByScore [ensemble.Scores]float64 `json:"by_score"`
	Average float64                  `json:"average"`
}

// stageOne is the accuracy of the folds' nets on the test pictures.
func (r *Run) stageOne() ([]FoldTest, error) {
	test := r.where(split.Test)
	var out []FoldTest
	for _, t := range r.Tasks() {
		if t.Kind != Fold {
			continue
		}
		logits, err := r.logits(t, split.Test, test)
		if err != nil {
			return nil, err
		}
		var seen evaluate.Confusion
		for i, l := range logits {
			vote, ok := ensemble.NewVote(t.Net, l, 1, 0)
			if !ok {
				return nil, fmt.Errorf("%s gives %v on %s", t, l, test[i].File)
			}
			seen.Add(test[i].Score, int(vote.Score))
		}
		f := FoldTest{Average: seen.Accuracy()}
		for score, row := range seen {
			n := 0
			for _, k := range row {
				n += k
			}
			f.ByScore[score] = float64(row[score]) / float64(max(1, n))
		}
		out = append(out, f)
	}
	return out, nil
}
