package tensorflow

import (
	"maps"
	"math"
	"slices"
	"testing"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/ensembletest"
	"lungbox/ensemble/weights"
)

// weighted is a batch of soft and hard labels with a factor on each picture's loss.
func weighted() Batch {
	b := referenceBatch(ensembletest.Training{Side: 64, Batch: 4}, 0)
	copy(b.Labels, []float32{0.7, 0.1, 0.1, 0.1})
	b.Weights = []float32{2, 0, 0.25, 1.5}
	return b
}

// The loss is the mean of weight times cross-entropy.
func TestWeightedLoss(t *testing.T) {
	for _, name := range arch.Names() {
		trainer := smallTrainer(t, name, TrainerOptions{NoDropout: true})
		b := weighted()
		loss, logits, err := trainer.Step(b, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		want := 0.0
		for k, factor := range b.Weights {
			sum := 0.0
			for _, z := range logits[4*k:][:4] {
				sum += math.Exp(float64(z))
			}
			for c, z := range logits[4*k:][:4] {
				want += float64(factor*b.Labels[4*k+c]) * (math.Log(sum) - float64(z)) / 4
			}
		}
		if math.Abs(float64(loss)-want) > 1e-5*want {
			t.Errorf("%s: loss %v, want %v", name, loss, want)
		}
		b.Weights = b.Weights[:3]
		if _, _, err := trainer.Step(b, 0, 0); err == nil {
			t.Errorf("%s: 3 weights for 4 pictures were taken", name)
		}
	}
}

// The gradient of the weighted loss is what finite differences give: closely in the last
// layer, about so in the first, where a shift makes some ReLUs switch.
func TestWeightedGradient(t *testing.T) {
	for _, name := range arch.Names() {
		net := arch.MustNew(arch.Config{Arch: name, Width: 0.125, Input: 64, Classes: 4})
		trainer := smallTrainer(t, name, TrainerOptions{NoDropout: true})
		start, b := weights.Formula(net), weighted()
		const rate = 1
		if _, _, err := trainer.Step(b, rate, 0); err != nil {
			t.Fatal(err)
		}
		after, err := trainer.Weights()
		if err != nil {
			t.Fatal(err)
		}
		first, last := net.Nodes[1].Name, net.Nodes[net.Logits()].Name
		for parameter, tolerance := range map[string]float64{last + ".bias": 1e-3, last + ".weight": 1e-3, first + ".weight": 0.06} {
			gradient := make([]float64, len(start[parameter].Data))
			steepest := 0
			for i, v := range start[parameter].Data {
				gradient[i] = float64(v-after[parameter].Data[i]) / rate
				if math.Abs(gradient[i]) > math.Abs(gradient[steepest]) {
					steepest = i
				}
			}
			h := 1e-3 / math.Abs(gradient[steepest]) // far above rounding, below most curvature
			var losses [2]float64
			for side, shift := range []float32{float32(-h), float32(h)} {
				moved := maps.Clone(start)
				tensor := moved[parameter]
				tensor.Data = slices.Clone(tensor.Data)
				tensor.Data[steepest] += shift
				moved[parameter] = tensor
				if err := trainer.Load(moved); err != nil {
					t.Fatal(err)
				}
				loss, _, err := trainer.Step(b, 0, 0)
				if err != nil {
					t.Fatal(err)
				}
				losses[side] = float64(loss)
			}
			want := (losses[1] - losses[0]) / (2 * h)
			t.Logf("%s %s[%d]: gradient %.6f, finite differences %.6f", name, parameter, steepest, gradient[steepest], want)
			if math.Abs(gradient[steepest]-want) > tolerance*math.Abs(want) {
				t.Errorf("%s %s[%d]: gradient %v, finite differences give %v", name, parameter, steepest, gradient[steepest], want)
			}
		}
	}
}

// The last layer turns the features into the logits.
func TestFeatures(t *testing.T) {
	for _, name := range arch.Names() {
		trainer := smallTrainer(t, name, TrainerOptions{})
		b := weighted()
		features, err := trainer.Features(b.Images)
		if err != nil {
			t.Fatal(err)
		}
		logits, err := trainer.Logits(b.Images)
		if err != nil {
			t.Fatal(err)
		}
		d := trainer.FeatureLen()
		if len(features) != 4*d {
			t.Fatalf("%s: %d features of 4 pictures, want 4×%d", name, len(features), d)
		}
		set := weights.Formula(trainer.net)
		last := trainer.net.Nodes[trainer.net.Logits()].Name
		matrix, bias := set[last+".weight"].Data, set[last+".bias"].Data
		for k := range 4 {
			for c := range 4 {
				want := float64(bias[c])
				for i, v := range features[k*d:][:d] {
					want += float64(v) * float64(matrix[c*d+i])
				}
				if got := float64(logits[4*k+c]); math.Abs(got-want) > 1e-4*max(1, math.Abs(want)) {
					t.Errorf("%s picture %d: logit %d is %v, of the features %v", name, k, c, got, want)
				}
			}
		}
	}
	for name, want := range map[string]int{arch.GoogLeNet: 1024, arch.ResNet50: 2048, arch.VGG19: 4096} {
		full := Trainer{net: arch.MustNew(arch.Full(name))}
		if got := full.FeatureLen(); got != want {
			t.Errorf("%s: %d features, want %d", name, got, want)
		}
	}
}
