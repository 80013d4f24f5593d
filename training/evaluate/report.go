package evaluate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"lungbox/ensemble"
)

// Sample is one picture with the readers' score and what the nets said.
type Sample struct {
	Patient, Source string
	Clip            string          // unique over the whole set
	Truth           int             // 0 to 3
	Votes           []ensemble.Vote // of all nets, in order of cost
}

// Measures say how well one way of scoring agrees with the readers.
type Measures struct {
	Count     int       `json:"count"`    // pictures or clips with a score
	Unscored  int       `json:"unscored"` // pictures or clips without one (no consensus)
	Accuracy  float64   `json:"accuracy"` // of those with a score
	Balanced  float64   `json:"balanced_accuracy"`
	Kappa     float64   `json:"kappa"`  // quadratic weights
	Severe    float64   `json:"severe"` // share wrong by two grades or more
	AUC0      *float64  `json:"auc_0"`  // score 0 against 1 to 3; null when a side is empty
	AUC1      *float64  `json:"auc_1"`  // scores 0 and 1 against 2 and 3
	Confusion Confusion `json:"confusion"`

	PerScore [Scores]PerScore `json:"per_score"`
	Mean     PerScore         `json:"mean"` // over all scores, 0 for one that has no pictures, as scikit-learn has it
}

// Report is the evaluation of three nets and their vote on one set of pictures.
type Report struct {
	Patients int                 `json:"patients"`
	Sources  int                 `json:"sources"`
	Nets     map[string]Measures `json:"nets"`
	Order    []string            `json:"order"` // of the nets
	Vote     Measures            `json:"vote"`
	Clips    Measures            `json:"clips"`    // the vote, one score a clip: the one most of its pictures got
	Differed float64             `json:"differed"` // share of pictures on which the first two nets differ

	Disagreement float64 `json:"disagreement"` // share on which not all nets agree
	NoConsensus  float64 `json:"no_consensus"` // share that the vote gives no score
}

// Judge measures nets, vote and clips. Every sample has the votes of the same nets, at
// least two, in the same order.
func Judge(samples []Sample) Report {
	r := Report{Nets: map[string]Measures{}}
	patients, sources := map[string]bool{}, map[string]bool{}
	var vote tally
	nets := map[string]*tally{}
	clips, order := map[string]*clip{}, []string{}
	differed, disagreed := 0, 0
	for _, s := range samples {
		patients[s.Patient], sources[s.Source] = true, true
		for _, v := range s.Votes {
			if nets[v.Net] == nil {
				nets[v.Net] = &tally{}
				r.Order = append(r.Order, v.Net)
			}
			nets[v.Net].add(s.Truth, v.Score, v.Probs, 1)
		}
		if s.Votes[0].Score != s.Votes[1].Score {
			differed++
		}
		if slices.ContainsFunc(s.Votes, func(v ensemble.Vote) bool { return v.Score != s.Votes[0].Score }) {
			disagreed++
		}
		decision := ensemble.Decide(s.Votes)
		probs := sum(s.Votes)
		vote.add(s.Truth, decision.Score, probs, len(s.Votes))
		if clips[s.Clip] == nil {
			clips[s.Clip] = &clip{truth: s.Truth}
			order = append(order, s.Clip)
		}
		clips[s.Clip].add(decision.Score, probs, len(s.Votes))
	}
	for name, t := range nets {
		r.Nets[name] = t.measures()
	}
	var clipwise tally
	for _, name := range order {
		c := clips[name]
		clipwise.add(c.truth, Common(c.counts), c.sum, c.n)
	}
	r.Patients, r.Sources = len(patients), len(sources)
	r.Vote, r.Clips = vote.measures(), clipwise.measures()
	all := float64(max(1, len(samples)))
	r.Differed, r.Disagreement, r.NoConsensus = float64(differed)/all, float64(disagreed)/all, float64(r.Vote.Unscored)/all
	return r
}

// sum adds up the probabilities of all nets.
func sum(votes []ensemble.Vote) (probs [Scores]float64) {
	for _, v := range votes {
		for s, p := range v.Probs {
			probs[s] += p
		}
	}
	return probs
}

// clip gathers the pictures of one clip.
type clip struct {
	truth  int
	counts [Scores]int
	sum    [Scores]float64 // of all nets' probabilities for all pictures
	n      int             // how many that are
}

func (c *clip) add(score ensemble.Score, probs [Scores]float64, n int) {
	if score != ensemble.None {
		c.counts[score]++
	}
	for s, p := range probs {
		c.sum[s] += p
	}
	c.n += n
}

// Common is a clip's score, of how many of its pictures got each: the one that most got, the
// higher of equal ones; none when no picture got any.
func Common(counts [Scores]int) ensemble.Score {
	best := ensemble.None
	for s, n := range counts {
		if n > 0 && (best == ensemble.None || n >= counts[best]) {
			best = ensemble.Score(s)
		}
	}
	return best
}

// tally gathers scores and probabilities.
type tally struct {
	confusion Confusion
	unscored  int
	truths    []int
	sums      [][Scores]float64 // of probabilities
	of        []float64         // how many were added up
}

// add counts one picture or clip, with the sum of n nets' probabilities: only auc
// divides, once, so that rounding does not tell equal means apart.
func (t *tally) add(truth int, score ensemble.Score, probs [Scores]float64, n int) {
	if score == ensemble.None {
		t.unscored++
	} else {
		t.confusion.Add(truth, int(score))
	}
	t.truths, t.sums, t.of = append(t.truths, truth), append(t.sums, probs), append(t.of, float64(n))
}

func (t *tally) measures() Measures {
	c := &t.confusion
	perScore := c.PerScore()
	return Measures{
		Count: c.Total(), Unscored: t.unscored, Accuracy: c.Accuracy(), Balanced: c.Balanced(), Kappa: c.Kappa(), Severe: c.Severe(),
		AUC0: t.auc(1), AUC1: t.auc(2), Confusion: *c,
		PerScore: perScore, Mean: Mean(perScore[:]...),
	}
}

// auc is that of telling scores from grade upwards from the lower ones.
func (t *tally) auc(grade int) *float64 {
	values, positive := make([]float64, len(t.truths)), make([]bool, len(t.truths))
	for i, probs := range t.sums {
		positive[i] = t.truths[i] >= grade
		for s := grade; s < Scores; s++ {
			values[i] += probs[s]
		}
		values[i] /= t.of[i]
	}
	if a := AUC(values, positive); !math.IsNaN(a) {
		return &a
	}
	return nil
}

// String returns the report as tables for people.
func (r Report) String() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tcount\tno score\taccuracy\tsensitivity\tspecificity\tF1\tkappa\twrong by ≥2\tAUC 0|123\tAUC 01|23\t")
	line := func(name string, m Measures) {
		fmt.Fprintf(table, "%s\t%d\t%d\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%s\t%s\t\n",
			name, m.Count, m.Unscored, m.Accuracy, m.Balanced, m.Mean.Specificity, m.Mean.F1, m.Kappa, m.Severe, optional(m.AUC0), optional(m.AUC1))
	}
	for _, name := range r.Order {
		line(name, r.Nets[name])
	}
	line("vote", r.Vote)
	line("vote, by clip", r.Clips)
	table.Flush()
	fmt.Fprintf(&text, "\n%d patients from %d sources; %s differ on %.1f %% of the pictures\n",
		r.Patients, r.Sources, strings.Join(r.Order[:min(2, len(r.Order))], " and "), 100*r.Differed)
	fmt.Fprintf(&text, "the three do not all agree on %.1f %%, the vote gives no score on %.1f %%; sensitivity, specificity and F1 are means over the scores\n", 100*r.Disagreement, 100*r.NoConsensus)
	fmt.Fprintln(&text, "\nclips, readers' score by row, vote by column:")
	for s, row := range r.Clips.Confusion {
		fmt.Fprintf(&text, "  %d: %3d %3d %3d %3d\n", s, row[0], row[1], row[2], row[3])
	}
	return text.String()
}

func optional(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.3f", *v)
}
