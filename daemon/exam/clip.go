// Package exam turns the scores of frames into scores of clips.
package exam

import (
	"fmt"

	"lungbox/ensemble"
)

// Rule says how the frames of a clip give its score.
type Rule string

// Rules. The default ignores single frames: a score must hold for a while.
const (
	Contiguous Rule = "contiguous" // the highest score held by at least Held scored frames in a row
	Max        Rule = "max"        // the highest score of any frame
	Mode       Rule = "mode"       // the most frequent score, the higher of equal ones
)

// Held is how many scored frames in a row make a score count under Contiguous.
const Held = 3

// ParseRule reads a rule as a person writes it.
func ParseRule(name string) (Rule, error) {
	switch r := Rule(name); r {
	case Contiguous, Max, Mode:
		return r, nil
	}
	return "", fmt.Errorf("unknown clip rule %q: want %s, %s or %s", name, Contiguous, Max, Mode)
}

// Clip is the score of a clip from those of its frames in their order. Frames
// without a score are passed over; they neither break nor lengthen a row. A clip of
// fewer than Held scored frames needs them all to agree, and a clip without scored
// frames has no score.
func (r Rule) Clip(frames []ensemble.Score) ensemble.Score {
	var scored []ensemble.Score
	var counts [ensemble.Scores]int
	for _, s := range frames {
		if s != ensemble.None {
			scored = append(scored, s)
			counts[s]++
		}
	}
	best := ensemble.None
	switch r {
	case Max:
		for _, s := range scored {
			best = max(best, s)
		}
	case Mode:
		for s, n := range counts {
			if n > 0 && (best == ensemble.None || n >= counts[best]) {
				best = ensemble.Score(s)
			}
		}
	default:
		need, row := min(Held, len(scored)), 0
		for i, s := range scored {
			if i > 0 && scored[i-1] != s {
				row = 0
			}
			if row++; row >= need {
				best = max(best, s)
			}
		}
	}
	return best
}
