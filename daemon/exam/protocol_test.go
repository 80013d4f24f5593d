package exam

import (
	"testing"
	"time"

	"lungbox/ensemble"
)

func TestProtocol(t *testing.T) {
	p := Blue6.Protocol([]Judged{
		{"R-upper", 0}, {"R-lower", 1}, {"R-lower", 3}, {"R-plaps", ensemble.None}, {"L-lower", 2}, {"12", 3},
	})
	if p.Total != 5 || p.Worst != 3 || p.Missing != 3 || len(p.Zones) != 6 {
		t.Errorf("%+v", p)
	}
	if z := p.Zones[2]; !z.Missing || z.Clips != 1 || z.Score != ensemble.None {
		t.Errorf("a zone whose clip has no score: %+v", z)
	}
	for after, want := range map[string]string{"R-upper": "R-plaps", "R-plaps": "L-upper", "L-upper": "L-plaps", "L-plaps": "R-plaps", "": "R-plaps", "?": "R-plaps"} {
		if got := p.NextMissing(after); got != want {
			t.Errorf("after %q comes %q, want %q", after, got, want)
		}
	}
	var all []Judged
	for _, z := range Blue6.Zones() {
		all = append(all, Judged{z, 0})
	}
	if p := Blue6.Protocol(all); p.Missing != 0 || p.Total != 0 || p.Worst != 0 || p.NextMissing("R-upper") != "" {
		t.Errorf("a healthy chest: %+v", p)
	}
	if p := Blue6.Protocol(nil); p.Missing != 6 || p.Worst != ensemble.None {
		t.Errorf("nothing yet: %+v", p)
	}
}

func TestRecording(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	place := ensemble.Place{Exam: "e", Zone: "R1", Scheme: "blue12"}
	r := Recording{Place: place, From: at, Till: at.Add(5 * time.Second)}
	seq := uint64(10)
	add := func(ms int, score ensemble.Score, confidence float64, agree int, zone string) bool {
		seq++
		votes := make([]ensemble.Vote, 3)
		for i := range votes {
			votes[i].Score = (score + 1) % 4
			if i < agree {
				votes[i].Score = score
			}
		}
		return r.Add(ensemble.Result{Seq: seq, Exam: "e", Zone: zone, Time: at.Add(time.Duration(ms) * time.Millisecond), Score: score, Confidence: confidence, Votes: votes})
	}
	add(-1, 3, 1, 3, "R1") // before
	add(0, 2, 0.8, 2, "R1")
	add(100, 2, 0.7, 3, "R1") // the best: all three agree
	add(200, 2, 0.99, 2, "R1")
	add(300, ensemble.None, 0, 0, "R1")
	add(400, 3, 0.99, 3, "R1") // one frame alone does not count
	add(500, 1, 0.9, 3, "R2")  // another zone
	add(5001, 3, 1, 3, "R1")   // after
	s := r.Finish(Contiguous)
	if s.Score != 2 || s.Frames != 5 || s.Scored != 4 || s.First != 12 || s.Last != 16 || s.Best != 13 {
		t.Errorf("%+v", s)
	}
	if s := (&Recording{}).Finish(Contiguous); s.Score != ensemble.None || s.Best != 0 || s.Frames != 0 {
		t.Errorf("nothing recorded: %+v", s)
	}
}
