// Package ensemble turns what three networks say about one frame into a score.
//
// The vote is the paper's (Xing et al. 2022, section 3.2): the score that two or
// three nets agree on; when all differ, the score of the most confident net if its
// confidence exceeds 0.80; otherwise none. Nets are kept in order of cost
// (GoogLeNet, ResNet-50, VGG-19). A full vote runs all three. A lazy vote runs the
// third only when the first two differ: two that agree decide, whatever the third
// would say, so both give the same score on every frame.
package ensemble

import (
	"math"
	"strconv"
	"time"
)

// Scores is the number of grades: 0 (A-lines) to 3 (white lung, consolidation).
const Scores = 4

// Confident is the calibrated probability that a lone net must exceed to decide
// when all three differ (paper, section 3.2).
const Confident = 0.80

// Reason says why a result has its score, or why it has none.
type Reason string

// Reasons. The first two come with a score.
const (
	Majority    Reason = "majority"     // two or three nets agree
	Confidence  Reason = "confidence"   // all differ, one is surer than Confident
	NoConsensus Reason = "no-consensus" // all differ, none is that sure
	PoorImage   Reason = "poor-image"   // see capture.PoorImage
	NotLung     Reason = "not-lung"     // see capture.NotLung
	Frozen      Reason = "frozen"       // see capture.Frozen
	EngineFault Reason = "engine"       // the engine crashed, hung or gave no number
)

// Score is 0 to 3, or None.
type Score int8

// None is the absence of a score; it is written as JSON null.
const None Score = -1

// MarshalJSON writes a number or null.
func (s Score) MarshalJSON() ([]byte, error) {
	if s == None {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(s), 10), nil
}

// UnmarshalJSON reads a number 0 to 3 or null.
func (s *Score) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*s = None
		return nil
	}
	n, err := strconv.ParseUint(string(text), 10, 8)
	if err != nil || n >= Scores {
		return &strconv.NumError{Func: "Score", Num: string(text), Err: strconv.ErrRange}
	}
	*s = Score(n)
	return nil
}

// String is the digit, or "–" without a score.
func (s Score) String() string {
	if s == None {
		return "–"
	}
	return strconv.Itoa(int(s))
}

// Vote is what one net says.
type Vote struct {
	Net   string          `json:"net"`
	Score Score           `json:"score"`
	Probs [Scores]float64 `json:"probs"` // calibrated probabilities of scores 0 to 3; they sum to 1
	Ms    float64         `json:"ms"`    // time the net took, in milliseconds
}

// Confidence is the probability of the vote's own score.
func (v Vote) Confidence() float64 { return v.Probs[v.Score] }

// NewVote makes a vote of logits. Probabilities are softmax(logits/temperature);
// temperature 1 leaves them as the net gave them. The score is the most probable
// one, the lower of two equal ones. ok is false when a logit is not a finite
// number or the temperature is not positive: such a net has no vote.
func NewVote(net string, logits [Scores]float32, temperature float64, took time.Duration) (v Vote, ok bool) {
	if !(temperature > 0) {
		return Vote{}, false
	}
	peak := math.Inf(-1)
	for s, l := range logits {
		x := float64(l) / temperature
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return Vote{}, false
		}
		if x > peak {
			peak, v.Score = x, Score(s)
		}
	}
	sum := 0.0
	for s, l := range logits {
		v.Probs[s] = math.Exp(float64(l)/temperature - peak)
		sum += v.Probs[s]
	}
	for s := range v.Probs {
		v.Probs[s] /= sum
	}
	v.Net, v.Ms = net, float64(took.Microseconds())/1000
	return v, true
}

// Decision is the outcome of a vote on one frame.
type Decision struct {
	Score  Score
	Reason Reason
	// Confidence is the mean probability that the deciding nets gave to the score,
	// 0 without a score.
	Confidence float64
	Votes      []Vote // of the nets that ran, in order of cost
	Heat       *Heat  // where in the picture the score comes from; nil when no deciding net can say
}

// Decide applies the voting rule to the votes of the nets that ran, in order of
// cost. With two votes that differ there is nothing to decide yet: see Settled.
func Decide(votes []Vote) Decision {
	d := Decision{Score: None, Reason: NoConsensus, Votes: votes}
	for i, v := range votes {
		sum, n := v.Confidence(), 1.0
		for _, other := range votes[i+1:] {
			if other.Score == v.Score {
				sum, n = sum+other.Confidence(), n+1
			}
		}
		if n >= 2 {
			d.Score, d.Reason, d.Confidence = v.Score, Majority, sum/n
			return d
		}
	}
	for _, v := range votes {
		if c := v.Confidence(); c > Confident && c > d.Confidence {
			d.Score, d.Reason, d.Confidence = v.Score, Confidence, c
		}
	}
	return d
}

// Settled reports whether two nets that agree have decided the frame already, so
// that a further vote cannot change the score.
func Settled(votes []Vote) bool {
	for i, v := range votes {
		for _, other := range votes[i+1:] {
			if other.Score == v.Score {
				return true
			}
		}
	}
	return false
}
