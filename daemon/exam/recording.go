package exam

import (
	"time"

	"lungbox/ensemble"
)

// Recording gathers the frames of a clip while it is recorded in one zone of an exam.
type Recording struct {
	Place      ensemble.Place
	From, Till time.Time // when its frames are taken

	frames      []ensemble.Score
	first, last uint64
	best        [ensemble.Scores]candidate
}

// candidate is the frame that shows a score best so far.
type candidate struct {
	seq        uint64
	agreed     int
	confidence float64
}

// Summary is what a recording comes to.
type Summary struct {
	Score          ensemble.Score // None when no frame had one
	Frames, Scored int
	First, Last    uint64 // numbers of the first and last frame's results, 0 for none
	Best           uint64 // of the frame that shows the score best, 0 for none
}

// Add takes in a result, if its frame belongs to the recording, and says whether it is the best
// of its score so far.
func (r *Recording) Add(result ensemble.Result) (best bool) {
	if result.Exam != r.Place.Exam || result.Zone != r.Place.Zone || result.Time.Before(r.From) || result.Time.After(r.Till) {
		return false
	}
	if r.first == 0 {
		r.first = result.Seq
	}
	r.last = result.Seq
	r.frames = append(r.frames, result.Score)
	if result.Score == ensemble.None {
		return false
	}
	c := candidate{seq: result.Seq, confidence: result.Confidence}
	for _, v := range result.Votes {
		if v.Score == result.Score {
			c.agreed++
		}
	}
	// More nets first, then the surer frame; the earliest of equal ones.
	former := &r.best[result.Score]
	if former.seq != 0 && (c.agreed < former.agreed || c.agreed == former.agreed && c.confidence <= former.confidence) {
		return false
	}
	*former = c
	return true
}

// Finish judges what was recorded.
func (r *Recording) Finish(rule Rule) Summary {
	s := Summary{Score: rule.Clip(r.frames), Frames: len(r.frames), First: r.first, Last: r.last}
	for _, f := range r.frames {
		if f != ensemble.None {
			s.Scored++
		}
	}
	if s.Score != ensemble.None {
		s.Best = r.best[s.Score].seq
	}
	return s
}
