package split

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"lungbox/ensemble"
)

// tries is how many sets of groups choose compares: enough to find a balanced one among
// the 170,000 ways to take 5 of 31.
const tries = 2000

// choose takes n groups whose scores are as even as chance allows: the set whose rarest
// score has most pictures, counting at most want of each (0: no limit); among equal
// sets the one that leaves most for training. Before all that comes that what is left
// still shows every score: without it nothing can be trained.
func choose(groups []*group, n, want int, r *rand.Rand) []*group {
	var best []*group
	bestStarved, bestRarest, bestTotal := ensemble.Scores+1, -1, 0
	order := slices.Clone(groups)
	for range tries {
		for i := range n { // the first steps of Fisher and Yates' shuffle
			j := i + r.IntN(len(order)-i)
			order[i], order[j] = order[j], order[i]
		}
		var counts [ensemble.Scores]int
		total := 0
		for _, g := range order[:n] {
			for score, c := range g.counts {
				counts[score] += c
				total += c
			}
		}
		rarest := slices.Min(counts[:])
		if want > 0 {
			rarest = min(rarest, want)
		}
		starved := missing(order[n:])
		if c := cmp.Or(cmp.Compare(bestStarved, starved), cmp.Compare(rarest, bestRarest), cmp.Compare(bestTotal, total)); best == nil || c > 0 {
			best, bestStarved, bestRarest, bestTotal = slices.Clone(order[:n]), starved, rarest, total
		}
	}
	return best
}

// missing is how many scores no group shows.
func missing(groups []*group) int {
	var shown [ensemble.Scores]bool
	for _, g := range groups {
		for score, n := range g.counts {
			shown[score] = shown[score] || n > 0
		}
	}
	n := 0
	for _, s := range shown {
		if !s {
			n++
		}
	}
	return n
}

// fold divides what remains into folds, stratified by score.
func (s *Split) fold(rest []*group, scores []int, o Options, r *rand.Rand) error {
	if o.ByPicture {
		s.Warnings = append(s.Warnings, "LEAK: the folds were made picture by picture, as in the paper: neighbours of one loop lie in several folds, so stage one judges pictures that its nets have almost seen")
		rest = alone(rest, scores)
	}
	if len(rest) < o.Folds {
		return fmt.Errorf("%w: %d folds need as many %ss, %d are left for training: choose fewer folds", ErrTooFew, o.Folds, o.Group, len(rest))
	}
	// Groups of one kind first, then mixed ones, as they are easier to place; equal ones
	// in random order.
	rest = slices.Clone(rest)
	r.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	slices.SortStableFunc(rest, func(a, b *group) int { return cmp.Compare(deviation(b.counts), deviation(a.counts)) })
	var total [ensemble.Scores]int
	for _, g := range rest {
		for score, n := range g.counts {
			total[score] += n
		}
	}
	for score, n := range total {
		if n == 0 {
			return fmt.Errorf("no picture of score %d is left for training: the dataset gives all of them to test or validation: change its split column", score)
		}
	}
	folds := make([][ensemble.Scores]int, o.Folds)
	for placed, g := range rest {
		k := place(folds, g, total, len(rest)-placed)
		for score, n := range g.counts {
			folds[k][score] += n
		}
		for _, i := range g.which {
			s.Parts[i] = FoldName(k)
		}
	}
	s.warnOfRare(folds, o.Group)
	return nil
}

// warnOfRare tells which scores too few groups show for every fold to have them.
func (s *Split) warnOfRare(folds [][ensemble.Scores]int, by string) {
	for score := range ensemble.Scores {
		var without []string
		for k, counts := range folds {
			if counts[score] == 0 {
				without = append(without, fmt.Sprint(k+1))
			}
		}
		switch len(without) {
		case 0:
		case len(folds) - 1:
			s.Warnings = append(s.Warnings, fmt.Sprintf("Score %d lies in one fold only, too few %ss show it: the net that judges that fold has never seen the score, so selection keeps all of its pictures", score, by))
		default:
			s.Warnings = append(s.Warnings, fmt.Sprintf("Score %d is missing in fold %s: too few %ss show it", score, strings.Join(without, ", "), by))
		}
	}
}

// place is the fold that a group makes most even. A fold that is empty is filled first
// when no more groups are left than empty folds.
func place(folds [][ensemble.Scores]int, g *group, total [ensemble.Scores]int, left int) int {
	empty := 0
	for _, f := range folds {
		if f == ([ensemble.Scores]int{}) {
			empty++
		}
	}
	best, bestSpread, bestSize := -1, math.Inf(1), 0
	for k, counts := range folds {
		size := 0
		for _, n := range counts {
			size += n
		}
		if left <= empty && size > 0 {
			continue
		}
		folds[k] = add(counts, g.counts)
		spread := unevenness(folds, total)
		folds[k] = counts
		if spread < bestSpread-1e-12 || spread <= bestSpread+1e-12 && size < bestSize {
			best, bestSpread, bestSize = k, spread, size
		}
	}
	return best
}

func add(a, b [ensemble.Scores]int) [ensemble.Scores]int {
	for i := range a {
		a[i] += b[i]
	}
	return a
}

// unevenness is the mean over the scores of the deviation between the folds of the
// share of that score's pictures.
func unevenness(folds [][ensemble.Scores]int, total [ensemble.Scores]int) float64 {
	sum := 0.0
	for score, n := range total {
		if n == 0 {
			continue
		}
		mean, square := 0.0, 0.0
		for _, f := range folds {
			share := float64(f[score]) / float64(n)
			mean += share
			square += share * share
		}
		mean /= float64(len(folds))
		sum += math.Sqrt(max(0, square/float64(len(folds))-mean*mean))
	}
	return sum
}

// deviation is how unevenly a group's pictures lie over the scores.
func deviation(counts [ensemble.Scores]int) float64 {
	mean, square := 0.0, 0.0
	for _, n := range counts {
		mean += float64(n) / ensemble.Scores
		square += float64(n) * float64(n) / ensemble.Scores
	}
	return math.Sqrt(max(0, square-mean*mean))
}

// alone makes every picture a group of its own.
func alone(groups []*group, scores []int) []*group {
	var out []*group
	for _, g := range groups {
		for _, i := range g.which {
			one := &group{name: g.name, which: []int{i}}
			one.counts[scores[i]] = 1
			out = append(out, one)
		}
	}
	return out
}
