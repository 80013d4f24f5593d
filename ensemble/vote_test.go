package ensemble

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"lungbox/capture"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// sure is a vote for one score with the given confidence; the rest is shared.
func sure(score Score, confidence float64) Vote {
	v := Vote{Score: score}
	for s := range v.Probs {
		v.Probs[s] = (1 - confidence) / (Scores - 1)
	}
	v.Probs[score] = confidence
	return v
}

func TestDecide(t *testing.T) {
	tests := map[string]struct {
		votes      []Vote
		score      Score
		reason     Reason
		confidence float64
	}{
		"all agree":                 {[]Vote{sure(2, 0.9), sure(2, 0.6), sure(2, 0.3)}, 2, Majority, 0.6},
		"first two":                 {[]Vote{sure(1, 0.5), sure(1, 0.7), sure(3, 0.99)}, 1, Majority, 0.6},
		"first and last":            {[]Vote{sure(0, 0.5), sure(3, 0.99), sure(0, 0.7)}, 0, Majority, 0.6},
		"last two":                  {[]Vote{sure(3, 0.99), sure(0, 0.5), sure(0, 0.7)}, 0, Majority, 0.6},
		"two are enough":            {[]Vote{sure(1, 0.5), sure(1, 0.7)}, 1, Majority, 0.6},
		"most confident":            {[]Vote{sure(0, 0.5), sure(1, 0.85), sure(2, 0.82)}, 1, Confidence, 0.85},
		"most confident comes last": {[]Vote{sure(0, 0.5), sure(1, 0.81), sure(3, 0.95)}, 3, Confidence, 0.95},
		"exactly the limit":         {[]Vote{sure(0, 0.5), sure(1, 0.8), sure(2, 0.4)}, None, NoConsensus, 0},
		"just above the limit":      {[]Vote{sure(0, 0.5), sure(1, math.Nextafter(0.8, 1)), sure(2, 0.4)}, 1, Confidence, math.Nextafter(0.8, 1)},
		"nobody is sure":            {[]Vote{sure(0, 0.5), sure(1, 0.6), sure(2, 0.7)}, None, NoConsensus, 0},
	}
	for name, test := range tests {
		got := Decide(test.votes)
		if got.Score != test.score || got.Reason != test.reason || math.Abs(got.Confidence-test.confidence) > 1e-15 || len(got.Votes) != len(test.votes) {
			t.Errorf("%s: %+v, want %v %s %v", name, got, test.score, test.reason, test.confidence)
		}
	}
}

func TestNewVote(t *testing.T) {
	v, ok := NewVote("x", [Scores]float32{1000, 1000, -1000, 999}, 1, 1500*time.Microsecond)
	e := math.Exp(-1)
	if !ok || v.Score != 0 || math.Abs(v.Probs[0]-1/(2+e)) > 1e-12 || v.Probs[2] != 0 || v.Ms != 1.5 {
		t.Errorf("%+v, %v", v, ok)
	}
	cool, _ := NewVote("x", [Scores]float32{0, 2, 0, 0}, 2, 0)
	if want := math.E / (math.E + 3); math.Abs(cool.Confidence()-want) > 1e-12 {
		t.Errorf("temperature 2 gives %v, want %v", cool.Confidence(), want)
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, bad := range [][Scores]float32{{nan, 0, 0, 0}, {0, 0, 0, inf}, {0, -inf, 0, 0}} {
		if v, ok := NewVote("x", bad, 1, 0); ok {
			t.Errorf("%v gives %+v", bad, v)
		}
	}
	for _, temperature := range []float64{0, -1, math.NaN()} {
		if _, ok := NewVote("x", [Scores]float32{}, temperature, 0); ok {
			t.Errorf("temperature %v has a vote", temperature)
		}
	}
}

// fixed is an engine that gives logits made up beforehand and counts what it ran.
type fixed struct {
	logits   [3][Scores]float32
	features func(member int) []float32 // nil: none
	ran      int
	err      error
}

func (f *fixed) Logits(_ context.Context, _ *image.Gray, members []int) ([]Output, error) {
	if f.err != nil {
		return nil, f.err
	}
	outputs := make([]Output, len(members))
	for i, m := range members {
		outputs[i].Logits = f.logits[m]
		if f.features != nil {
			outputs[i].Features = f.features(m)
		}
	}
	f.ran += len(members)
	return outputs, nil
}

func (f *fixed) Info() EngineInfo { return EngineInfo{} }
func (f *fixed) Close() error     { return nil }

func newSet(t *testing.T, engine Engine, mode VoteMode) *Set {
	t.Helper()
	var members []Member
	for _, name := range arch.Names() {
		net := arch.MustNew(arch.Config{Arch: name, Width: 0.0625, Input: 64, Classes: Scores})
		members = append(members, Member{Net: net, Weights: weights.Formula(net), Temperature: 1})
	}
	set, err := NewSet(engine, members, mode)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// The lazy vote gives the score of the full vote for whatever the nets say: sure,
// unsure, torn between scores, exactly equal.
func TestLazyEqualsFull(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	engine := &fixed{}
	lazy, full := newSet(t, engine, Lazy), newSet(t, engine, Full)
	frame := &capture.Frame{Image: image.NewGray(image.Rect(0, 0, 4, 4))}
	const frames = 200_000
	reasons, saved := map[Reason]int{}, 0
	for range frames {
		scale := math.Exp(3 * r.NormFloat64()) // from all alike to all but certain
		for m := range engine.logits {
			for s := range engine.logits[m] {
				engine.logits[m][s] = float32(scale * r.NormFloat64())
				if r.IntN(4) == 0 {
					engine.logits[m][s] = float32(r.IntN(3)) // ties
				}
			}
		}
		whole, err := full.Score(t.Context(), frame)
		if err != nil {
			t.Fatal(err)
		}
		engine.ran = 0
		short, err := lazy.Score(t.Context(), frame)
		if err != nil {
			t.Fatal(err)
		}
		if engine.ran == 2 {
			saved++
		}
		if short.Score != whole.Score || short.Reason != whole.Reason {
			t.Fatalf("%v: lazy gives %v (%s), full %v (%s)", engine.logits, short.Score, short.Reason, whole.Score, whole.Reason)
		}
		reasons[whole.Reason]++
	}
	if reasons[Majority] < 100 || reasons[Confidence] < 100 || reasons[NoConsensus] < 100 || saved < 100 || saved > frames/2 {
		t.Errorf("the frames do not try everything: %v, third net saved %d times", reasons, saved)
	}
}

func TestScoreOfUnfitFrames(t *testing.T) {
	engine := &fixed{}
	for _, unfit := range []capture.Unfit{capture.PoorImage, capture.NotLung, capture.Frozen} {
		got, err := newSet(t, engine, Lazy).Score(t.Context(), &capture.Frame{Unfit: unfit})
		if err != nil || got.Score != None || string(got.Reason) != string(unfit) || engine.ran != 0 {
			t.Errorf("%s: %+v, %v, %d nets ran", unfit, got, err, engine.ran)
		}
	}
}

// Neither a failing engine nor a net without a number may look like a score.
func TestScoreOfFaults(t *testing.T) {
	frame := &capture.Frame{Image: image.NewGray(image.Rect(0, 0, 4, 4))}
	broken := errors.New("broken")
	got, err := newSet(t, &fixed{err: broken}, Lazy).Score(t.Context(), frame)
	if got.Score != None || got.Reason != EngineFault || !errors.Is(err, broken) {
		t.Errorf("%+v, %v", got, err)
	}
	engine := &fixed{}
	engine.logits[1][2] = float32(math.NaN())
	got, err = newSet(t, engine, Lazy).Score(t.Context(), frame)
	if got.Score != None || got.Reason != EngineFault || err == nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSetWantsTheThreeNets(t *testing.T) {
	set := newSet(t, &fixed{}, Full)
	if _, err := NewSet(set.engine, set.members[:2], Full); err == nil {
		t.Error("two nets are an ensemble")
	}
	set.members[0], set.members[1] = set.members[1], set.members[0]
	if _, err := NewSet(set.engine, set.members, Full); err == nil {
		t.Error("nets in another order are an ensemble")
	}
}

func TestScoreJSON(t *testing.T) {
	for score, want := range map[Score]string{None: "null", 0: "0", 3: "3"} {
		text, err := json.Marshal(score)
		var back Score
		if err != nil || string(text) != want || json.Unmarshal(text, &back) != nil || back != score {
			t.Errorf("%v is written %s, read %v (%v)", score, text, back, err)
		}
	}
	var s Score
	for _, bad := range []string{"4", "-1", "1.5", `"1"`, "300"} {
		if json.Unmarshal([]byte(bad), &s) == nil {
			t.Errorf("%s is read as %v", bad, s)
		}
	}
	line, err := json.Marshal(NewResult(&capture.Frame{File: "a.mp4", Index: 3}, Decision{Score: None, Reason: NotLung}, "r"))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(line, &fields); err != nil {
		t.Fatal(err)
	}
	if score, there := fields["score"]; !there || score != nil || len(fields["votes"].([]any)) != 0 || fields["reason"] != "not-lung" {
		t.Errorf("%s", line)
	}
}
