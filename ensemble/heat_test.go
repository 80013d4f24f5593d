package ensemble

import (
	"image"
	"slices"
	"testing"

	"lungbox/capture"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// What speaks for a score is its lead over the others, not its logit: a place where all
// logits are high says nothing.
func TestJoin(t *testing.T) {
	m := Map{W: 2, H: 1, Values: [][Scores]float32{{9, 9, 9, 9}, {0, 0, 3, 0}}}
	if h := Join([]Map{m}, 2); h.W != 2 || h.H != 1 || !slices.Equal(h.Levels, []byte{0, 255}) {
		t.Errorf("score 2: %+v", h)
	}
	// Two nets count the same, however large their logits; grids may differ.
	loud := Map{W: 1, H: 1, Values: [][Scores]float32{{0, 0, 300, 0}}}
	if h := Join([]Map{m, loud}, 2); !slices.Equal(h.Levels, []byte{128, 255}) {
		t.Errorf("two nets: %+v", h)
	}
	if h := Join([]Map{{W: 1, H: 1, Values: [][Scores]float32{{1, 1, 1, 1}}}}, 0); !slices.Equal(h.Levels, []byte{0}) {
		t.Errorf("nothing speaks for the score: %+v", h)
	}
	if Join(nil, 2) != nil || Join([]Map{m}, None) != nil {
		t.Error("a heat map of nothing")
	}
}

// The maps come from the nets that voted for the score, and only those.
func TestHeatOfADecision(t *testing.T) {
	engine := &fixed{logits: [3][Scores]float32{{9, 0, 0, 0}, {0, 0, 0, 9}, {0, 0, 0, 9}}}
	set := newSet(t, engine, Full)
	frame := &capture.Frame{Image: image.NewGray(image.Rect(0, 0, 4, 4))}
	d, err := set.Score(t.Context(), frame)
	if err != nil || d.Score != 3 || d.Heat != nil {
		t.Fatalf("without features: %+v, %v", d, err)
	}
	engine.features = func(m int) []float32 {
		at := set.members[m].Net.Places()
		if at < 0 {
			return nil
		}
		return make([]float32, set.members[m].Net.Nodes[at].Out.Len())
	}
	if d, err = set.Score(t.Context(), frame); err != nil || d.Heat == nil || d.Heat.W != 2 {
		t.Fatalf("ResNet-50 and VGG-19 decide: %+v, %v", d, err)
	}
	engine.logits = [3][Scores]float32{{0, 9, 0, 0}, {0, 0, 9, 0}, {0, 0, 0, 99}}
	if d, err = set.Score(t.Context(), frame); err != nil || d.Score != 3 || d.Heat != nil {
		t.Errorf("VGG-19 alone decides: %+v, %v", d, err)
	}
}

func TestHeadOfWrongSize(t *testing.T) {
	net := arch.MustNew(arch.Config{Arch: arch.GoogLeNet, Width: 0.0625, Input: 64, Classes: Scores})
	set := weights.Formula(net)
	set["fc.bias"] = weights.Tensor{Shape: []int{2}, Data: []float32{1, 2}}
	if _, err := NewHead(net, set); err == nil {
		t.Error("a last layer with two biases is taken")
	}
	delete(set, "fc.weight")
	if _, err := NewHead(net, set); err == nil {
		t.Error("a last layer without weights is taken")
	}
}

// A map is a level in the middle of each place and a slope between two.
func TestHeatAt(t *testing.T) {
	h := &Heat{W: 2, H: 2, Levels: []byte{0, 200, 100, 200}}
	for _, c := range []struct{ x, y, want float64 }{
		{0.25, 0.25, 0}, {0.75, 0.25, 200}, {0.5, 0.25, 100}, {0.25, 0.5, 50}, {0.5, 0.5, 125},
		{0, 0, 0}, {1, 0, 200}, {0, 1, 100}, {1, 1, 200}, // no middle lies beyond
	} {
		if got := h.At(c.x, c.y); got != c.want {
			t.Errorf("at %v, %v: %v, want %v", c.x, c.y, got, c.want)
		}
	}
}
