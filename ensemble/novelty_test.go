package ensemble

import (
	"image"
	"math"
	"testing"

	"lungbox/capture"
	"lungbox/ensemble/arch"
)

// A picture whose features lie far from all scores of the training is refused, with the
// votes kept; one that lies near any of them is scored, in both modes of the vote.
func TestNovelty(t *testing.T) {
	for _, mode := range []VoteMode{Lazy, Full} {
		engine := &fixed{logits: [3][Scores]float32{{0, 9, 0, 0}, {0, 9, 0, 0}, {0, 9, 0, 0}}}
		set := newSet(t, engine, mode)
		channels := set.members[0].Net.Nodes[set.members[0].Net.Places()].Out.C
		value := float32(0)
		engine.features = func(m int) []float32 {
			if at := set.members[m].Net.Places(); at >= 0 {
				out := make([]float32, set.members[m].Net.Nodes[at].Out.Len())
				for i := range out {
					out[i] = value
				}
				return out
			}
			return nil
		}
		n := &Novelty{Net: arch.GoogLeNet, Threshold: 2}
		n.Means[0], n.Means[3] = make([]float64, channels), make([]float64, channels)
		n.Precision = make([]float64, channels)
		for i := range n.Precision {
			n.Means[3][i], n.Precision[i] = 10, 1
		}
		if err := set.Refuse(n); err != nil {
			t.Fatal(err)
		}
		for v, want := range map[float32]Reason{1: Majority, 11.5: Majority, 5: NotLung, -4: NotLung} {
			value = v
			d, err := set.Score(t.Context(), &capture.Frame{Image: image.NewGray(image.Rect(0, 0, 4, 4))})
			if err != nil || d.Reason != want || (d.Score == None) != (want == NotLung) || len(d.Votes) < 2 {
				t.Errorf("%s vote, features of %v: %+v, %v", mode, v, d, err)
			}
		}
		n.Likeness = &Likeness{Weight: make([]float64, channels), Bias: 1, Least: -5}
		n.Likeness.Weight[0] = -1 // the first feature speaks against lung
		for v, want := range map[float32]Reason{1: Majority, 10: NotLung} {
			value = v
			if d, _ := set.Score(t.Context(), &capture.Frame{Image: image.NewGray(image.Rect(0, 0, 4, 4))}); d.Reason != want {
				t.Errorf("%s vote, features of %v with a likeness: %+v", mode, v, d)
			}
		}
		if err := set.Refuse(nil); err != nil {
			t.Fatal(err)
		}
		if d, _ := set.Score(t.Context(), &capture.Frame{Image: image.NewGray(image.Rect(0, 0, 4, 4))}); d.Reason != Majority {
			t.Errorf("without a detector: %+v", d)
		}
		for name, spoil := range map[string]func(*Novelty){
			"vgg19": func(n *Novelty) { n.Net = arch.VGG19 }, "no net": func(n *Novelty) { n.Net = "alexnet" },
			"threshold": func(n *Novelty) { n.Threshold = math.NaN() }, "short": func(n *Novelty) { n.Precision = n.Precision[:3] },
			"means": func(n *Novelty) { n.Means[0] = []float64{1} }, "likeness": func(n *Novelty) { n.Likeness = &Likeness{Weight: []float64{1}} }, "empty": func(n *Novelty) { n.Means = [Scores][]float64{} },
		} {
			bad := *n
			spoil(&bad)
			if set.Refuse(&bad) == nil {
				t.Errorf("%s: a detector that fits no net is taken", name)
			}
		}
	}
}

func TestPooled(t *testing.T) {
	if p := Pooled([]float32{1, 10, 3, 30}, 2); p[0] != 2 || p[1] != 20 {
		t.Errorf("the means of two channels are %v", p)
	}
}
