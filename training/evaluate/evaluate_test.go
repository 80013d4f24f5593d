package evaluate

import (
	"math"
	"strings"
	"testing"
	"time"

	"lungbox/ensemble"
)

func TestMetricsOfNothing(t *testing.T) {
	var m Confusion
	if m.Accuracy() != 0 || m.Kappa() != 0 || m.Balanced() != 0 || m.Severe() != 0 {
		t.Error("an empty table has figures")
	}
	if !math.IsNaN(AUC([]float64{1, 2}, []bool{true, true})) {
		t.Error("an AUC without negatives")
	}
	m.Add(0, 2)
	m.Add(3, 3)
	if m.Severe() != 0.5 {
		t.Errorf("severe %v", m.Severe())
	}
}

// votes makes the votes of three nets that are as sure as given.
func votes(scores [3]int, sure float32) []ensemble.Vote {
	var out []ensemble.Vote
	for i, name := range []string{"googlenet", "resnet50", "vgg19"} {
		var logits [4]float32
		logits[scores[i]] = sure
		v, ok := ensemble.NewVote(name, logits, 1, time.Millisecond)
		if !ok {
			panic("not a vote")
		}
		out = append(out, v)
	}
	return out
}

func TestJudge(t *testing.T) {
	report := Judge([]Sample{
		{Patient: "p1", Source: "a", Clip: "p1/1", Truth: 0, Votes: votes([3]int{0, 0, 1}, 3)},
		{Patient: "p1", Source: "a", Clip: "p1/1", Truth: 0, Votes: votes([3]int{2, 0, 0}, 3)},
		{Patient: "p1", Source: "a", Clip: "p1/1", Truth: 0, Votes: votes([3]int{3, 3, 3}, 3)},
		{Patient: "p2", Source: "b", Clip: "p2/1", Truth: 3, Votes: votes([3]int{0, 1, 2}, 1)}, // no consensus
		{Patient: "p2", Source: "b", Clip: "p2/1", Truth: 3, Votes: votes([3]int{3, 3, 3}, 3)},
	})
	if report.Patients != 2 || report.Sources != 2 || report.Differed != 0.4 {
		t.Errorf("%d patients, %d sources, differed %v", report.Patients, report.Sources, report.Differed)
	}
	if v := report.Vote; v.Count != 4 || v.Unscored != 1 || v.Accuracy != 0.75 || v.Confusion[0] != [4]int{2, 0, 0, 1} {
		t.Errorf("vote %+v", v)
	}
	if g := report.Nets["googlenet"]; g.Count != 5 || g.Accuracy != 0.4 {
		t.Errorf("googlenet %+v", g)
	}
	if c := report.Clips; c.Count != 2 || c.Accuracy != 1 || *c.AUC0 != 1 {
		t.Errorf("clips %+v", c)
	}
	for _, want := range []string{"vote, by clip", "2 patients from 2 sources; googlenet and resnet50 differ on 40.0 %"} {
		if text := report.String(); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
