package adapt

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/training/dataset"
	"lungbox/training/evaluate"
	"lungbox/training/failures"
	"lungbox/training/split"
)

// Validation says how real pictures are divided into those trained on and those judged.
type Validation struct {
	Group   string // split.Patient, split.Source or split.Site: what is left out as a whole
	Folds   int
	Repeats int     // with other folds and other seeds
	Keep    float64 // share of the patients that are trained on; 1: all
	// Fold, which may be nil, is told what begins.
	Fold func(repeat, fold, folds int)
}

// Judged is what nets said of one picture that they were not trained with.
type Judged struct {
	dataset.Picture
	Repeat, Fold int
	Logits       map[string][ensemble.Scores]float32 // by net
}

// Crossvalidate trains on all folds but one and judges that one, for every fold of every
// repeat. The folders in run.Dir are GROUP-REPEAT-FOLD; finished ones are read, not
// trained again.
func Crossvalidate(ctx context.Context, run Run, v Validation) ([]Judged, error) {
	real := run.Real.Pictures
	rows, scores := make([]dataset.Row, len(real)), make([]int, len(real))
	for i, p := range real {
		rows[i], scores[i] = p.Row, p.Score
		rows[i].Split = "" // the parts made here count, not those of the dataset
	}
	var all []Judged
	for repeat := range v.Repeats {
		s, err := split.Make(rows, scores, split.Options{Group: v.Group, Folds: v.Folds, Seed: run.Preset.Seed + uint64(repeat)})
		if err != nil {
			return nil, err
		}
		for fold := range v.Folds {
			if v.Fold != nil {
				v.Fold(repeat, fold, v.Folds)
			}
			judged, err := run.fold(ctx, v, repeat, fold, s.Parts)
			if err != nil {
				return nil, err
			}
			all = append(all, judged...)
		}
	}
	return all, nil
}

// Groups counts what is kept together.
func Groups(pictures []dataset.Picture, by string) int {
	names := map[string]bool{}
	for _, p := range pictures {
		names[split.GroupOf(p.Row, by)] = true
	}
	return len(names)
}

// fold trains without one fold and judges it.
func (r Run) fold(ctx context.Context, v Validation, repeat, fold int, parts []string) ([]Judged, error) {
	var left []dataset.Picture
	var kept []dataset.Picture
	for i, p := range r.Real.Pictures {
		if parts[i] == split.FoldName(fold) {
			left = append(left, p)
		} else {
			kept = append(kept, p)
		}
	}
	r.Dir = filepath.Join(r.Dir, fmt.Sprintf("%s-%d-%d", v.Group, repeat, fold))
	if v.Keep > 0 && v.Keep < 1 {
		kept = thin(kept, v.Keep, r.Preset.Seed+uint64(repeat))
		r.Dir += fmt.Sprintf("-keep%g", v.Keep)
	}
	r.Real.Pictures = kept
	r.Again = uint64(repeat)
	logits, err := r.predictions(ctx, left)
	if err != nil {
		return nil, err
	}
	judged := make([]Judged, len(left))
	for i, p := range left {
		judged[i] = Judged{Picture: p, Repeat: repeat, Fold: fold, Logits: map[string][ensemble.Scores]float32{}}
		for name, rows := range logits {
			judged[i].Logits[name] = rows[i]
		}
	}
	return judged, nil
}

// thin keeps a share of the patients of every score.
func thin(pictures []dataset.Picture, share float64, seed uint64) []dataset.Picture {
	byScore := map[int][]string{}
	for _, p := range pictures {
		if !slices.Contains(byScore[p.Score], p.Patient) {
			byScore[p.Score] = append(byScore[p.Score], p.Patient)
		}
	}
	keep := map[string]bool{}
	for score, names := range byScore {
		rand.New(rand.NewPCG(seed, uint64(score))).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, name := range names[:max(1, int(share*float64(len(names))+0.5))] {
			keep[name] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(pictures), func(p dataset.Picture) bool { return !keep[p.Patient] })
}

// Samples turns what nets said into votes, with the temperatures that a picture's repeat and
// fold have; nil: 1, as in the paper. A clip has a name of its own in each repeat.
func Samples(judged []Judged, temperatures func(repeat, fold int) map[string]float64) ([]evaluate.Sample, error) {
	samples := make([]evaluate.Sample, len(judged))
	for i, j := range judged {
		samples[i] = evaluate.Sample{
			Patient: j.Patient, Source: split.SiteOf(j.Source), Truth: j.Score,
			Clip: strings.Join([]string{strconv.Itoa(j.Repeat), j.Patient, j.Exam, j.Zone, j.Clip}, "/"),
		}
		for _, name := range arch.Names() {
			t := 1.0
			if temperatures != nil {
				t = temperatures(j.Repeat, j.Fold)[name]
			}
			vote, ok := ensemble.NewVote(name, j.Logits[name], t, 0)
			if !ok {
				return nil, fmt.Errorf("%s gives %v on %s", name, j.Logits[name], j.File)
			}
			samples[i].Votes = append(samples[i].Votes, vote)
		}
	}
	return samples, nil
}

// Verdicts are the votes on all pictures, for tables and for people who want to see what went
// wrong.
func Verdicts(judged []Judged) ([]failures.Verdict, error) {
	samples, err := Samples(judged, nil)
	if err != nil {
		return nil, err
	}
	verdicts := make([]failures.Verdict, len(judged))
	for i, j := range judged {
		d := ensemble.Decide(samples[i].Votes)
		verdicts[i] = failures.Verdict{
			File: j.File, Frame: j.Frame, Clip: j.Clip, Patient: j.Patient, Source: samples[i].Source,
			Score: j.Score, Vote: d.Score, Confidence: d.Confidence,
		}
	}
	return verdicts, nil
}
