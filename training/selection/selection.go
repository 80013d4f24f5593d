// Package selection is stage one's verdict (paper, section 2.4.1): every training
// picture was judged by a net that had not seen its patient; pictures on which that
// net and the readers differ are left out of stage two.
//
// Three filters:
//
//	paper      keep what the net gets right; with a margin above 0, also what it gets
//	           wrong without being that much surer of another score
//	confident  confident learning (Northcutt et al. 2021, doi 10.1613/jair.1.12125):
//	           the net's own mean confidence is each score's threshold, and only as many
//	           pictures go as the estimated joint of given and true scores says
//	none       keep everything
//
// A score that lies in one fold only cannot be judged, as the net that has not seen the
// fold has never seen the score: its pictures are kept, and say so.
//
// A cap bounds the share that a score may lose: the paper's nets remove more than half
// of score 2. What a person decides comes after the filter and wins. Nothing is deleted.
package selection

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"lungbox/ensemble"
)

// Scores is the number of grades.
const Scores = ensemble.Scores

// Filters.
const (
	Paper     = "paper"
	Confident = "confident"
	None      = "none"
)

// Judged is a training picture with what the net that had not seen it says.
type Judged struct {
	File    string
	Frame   int // -1 when the file holds one picture
	Patient string
	Fold    int
	Given   int             // the readers' score
	Probs   [Scores]float64 // of the net, sum 1
}

// Predicted is the net's score, the lower of equally likely ones.
func (j Judged) Predicted() int {
	best := 0
	for s, p := range j.Probs {
		if p > j.Probs[best] {
			best = s
		}
	}
	return best
}

// Margin is how much likelier the net finds its favourite among the other scores than
// the given one: -1 (surely right) to 1 (surely wrong).
func (j Judged) Margin() float64 {
	rival := 0.0
	for s, p := range j.Probs {
		if s != j.Given {
			rival = max(rival, p)
		}
	}
	return rival - j.Probs[j.Given]
}

// Options say how to select.
type Options struct {
	Filter    string
	Margin    float64 // of the paper's filter: how much likelier another score must be; 0 in the paper
	Cap       float64 // largest share of a score's pictures to remove; 1: no limit
	Decisions []Decision
}

// Reasons of a verdict.
const (
	Agrees  = "net agrees"
	Differs = "net differs"
	Unsure  = "net differs, unsurely"
	Noise   = "label noise" // confident learning
	Capped  = "kept by the cap"
	Unseen  = "net has never seen this score" // which lies in this fold only
	Person  = "person decided"
	NoTest  = "no filter"
)

// Verdict is what became of a picture.
type Verdict struct {
	Judged
	Kept  bool
	Label int // the score to train with: the given one, unless a person relabelled
	Why   string
}

// Select judges all pictures. The verdicts are in the pictures' order.
func Select(pictures []Judged, o Options) ([]Verdict, error) {
	if !(o.Cap > 0 && o.Cap <= 1) {
		return nil, fmt.Errorf("select: cap %v: want more than 0, at most 1", o.Cap)
	}
	if !(o.Margin >= 0 && o.Margin < 1) {
		return nil, fmt.Errorf("select: margin %v: want 0 to below 1", o.Margin)
	}
	verdicts := make([]Verdict, len(pictures))
	lone := inOneFold(pictures)
	var noisy []bool
	if o.Filter == Confident {
		noisy = labelNoise(pictures)
	}
	for i, p := range pictures {
		v := Verdict{Judged: p, Label: p.Given}
		switch {
		case o.Filter == None:
			v.Kept, v.Why = true, NoTest
		case (o.Filter == Paper || o.Filter == Confident) && lone[p.Given]:
			v.Kept, v.Why = true, Unseen
		case o.Filter == Paper && p.Predicted() != p.Given && p.Margin() >= o.Margin:
			v.Why = Differs
		case o.Filter == Paper && p.Predicted() != p.Given:
			v.Kept, v.Why = true, Unsure
		case o.Filter == Confident && noisy[i]:
			v.Why = Noise
		case o.Filter == Paper || o.Filter == Confident:
			v.Kept, v.Why = true, Agrees
		default:
			return nil, fmt.Errorf("select: filter %q: want %s, %s or %s", o.Filter, Paper, Confident, None)
		}
		verdicts[i] = v
	}
	limit(verdicts, o.Cap)
	if err := decide(verdicts, o.Decisions); err != nil {
		return nil, err
	}
	return verdicts, nil
}

// inOneFold tells the scores that only one fold has, among several: the net that was
// trained without that fold does not know them, and its verdict means nothing.
func inOneFold(pictures []Judged) (lone [Scores]bool) {
	var folds [Scores]map[int]bool
	all := map[int]bool{}
	for s := range folds {
		folds[s] = map[int]bool{}
	}
	for _, p := range pictures {
		folds[p.Given][p.Fold], all[p.Fold] = true, true
	}
	for s := range lone {
		lone[s] = len(folds[s]) == 1 && len(all) > 1
	}
	return lone
}

// limit takes removed pictures back, those with the least margin first, where a score
// would lose more than the cap.
func limit(verdicts []Verdict, share float64) {
	for score := range Scores {
		all := 0
		var removed []int
		for i, v := range verdicts {
			if v.Given == score {
				all++
				if !v.Kept {
					removed = append(removed, i)
				}
			}
		}
		most := int(math.Floor(share * float64(all)))
		if len(removed) <= most {
			continue
		}
		slices.SortStableFunc(removed, func(a, b int) int { return cmp.Compare(verdicts[b].Margin(), verdicts[a].Margin()) })
		for _, i := range removed[most:] {
			verdicts[i].Kept, verdicts[i].Why = true, Capped
		}
	}
}

// Removed are the pictures that are left out, the most surely wrong first.
func Removed(verdicts []Verdict) []Verdict {
	return ranked(verdicts, func(v Verdict) bool { return !v.Kept })
}

// Ranked are the pictures that a person should look at, the most surely wrong first:
// those that are left out, those that only the cap kept, those that no net could judge,
// and those decided before.
func Ranked(verdicts []Verdict) []Verdict {
	return ranked(verdicts, func(v Verdict) bool { return !v.Kept || v.Why == Capped || v.Why == Unseen || v.Why == Person })
}

func ranked(verdicts []Verdict, take func(Verdict) bool) []Verdict {
	var out []Verdict
	for _, v := range verdicts {
		if take(v) {
			out = append(out, v)
		}
	}
	slices.SortStableFunc(out, func(a, b Verdict) int { return cmp.Compare(b.Margin(), a.Margin()) })
	return out
}
