package selection

import (
	"cmp"
	"math"
	"slices"
)

// labelNoise marks the pictures that confident learning prunes (Northcutt et al. 2021,
// sections 3.1 and 3.2): the confident joint counts pictures by given score and by the
// score whose threshold they pass; scaled to the given counts it estimates how many of
// score i are truly j; that many with the largest margin for j go ("prune by noise
// rate").
func labelNoise(pictures []Judged) []bool {
	var sums [Scores]float64
	var counts [Scores]int
	for _, p := range pictures {
		sums[p.Given] += p.Probs[p.Given]
		counts[p.Given]++
	}
	var thresholds [Scores]float64
	for s := range thresholds {
		thresholds[s] = math.Inf(1) // nobody gave this score: nothing passes for it
		if counts[s] > 0 {
			thresholds[s] = sums[s] / float64(counts[s])
		}
	}
	var joint [Scores][Scores]int
	for _, p := range pictures {
		if s := confidentScore(p, thresholds); s >= 0 {
			joint[p.Given][s]++
		}
	}
	prune := make([]bool, len(pictures))
	for given := range Scores {
		sure := 0
		for _, n := range joint[given] {
			sure += n
		}
		for other := range Scores {
			if other == given || sure == 0 {
				continue
			}
			n := int(math.Round(float64(joint[given][other]) * float64(counts[given]) / float64(sure)))
			for _, i := range likeliest(pictures, given, other, n) {
				prune[i] = true
			}
		}
	}
	return prune
}

// confidentScore is the likeliest of the scores whose thresholds a picture passes, -1
// when it passes none.
func confidentScore(p Judged, thresholds [Scores]float64) int {
	best := -1
	for s, probability := range p.Probs {
		if probability >= thresholds[s] && (best < 0 || probability > p.Probs[best]) {
			best = s
		}
	}
	return best
}

// likeliest are the n pictures of a given score that most surely have another one. A
// picture whose given score the net finds likelier is never among them.
func likeliest(pictures []Judged, given, other, n int) []int {
	var which []int
	for i, p := range pictures {
		if p.Given == given && p.Probs[other] > p.Probs[given] {
			which = append(which, i)
		}
	}
	slices.SortStableFunc(which, func(a, b int) int {
		x, y := pictures[a].Probs, pictures[b].Probs
		return cmp.Compare(y[other]-y[given], x[other]-x[given])
	})
	return which[:min(n, len(which))]
}
