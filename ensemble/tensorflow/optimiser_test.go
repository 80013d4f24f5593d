package tensorflow

import (
	"math"
	"runtime"
	"testing"

	"golang.org/x/sys/cpu"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/ensembletest"
	"lungbox/ensemble/weights"
)

// With momentum m the second velocity of a net that stands still is (1 + m) times
// gradient plus L2·value.
func TestL2InTheVelocity(t *testing.T) {
	const momentum, l2 = 0.5, 0.25
	after := func(strength float32) weights.Set {
		trainer := smallTrainer(t, arch.VGG19, TrainerOptions{Momentum: momentum, L2: strength, NoDropout: true})
		for range 2 {
			if _, _, err := trainer.Step(referenceBatch(ensembletest.Training{Side: 64, Batch: 4}, 0), 0, 0); err != nil {
				t.Fatal(err)
			}
		}
		velocity, err := trainer.Velocity()
		if err != nil {
			t.Fatal(err)
		}
		return velocity
	}
	net := arch.MustNew(arch.Config{Arch: arch.VGG19, Width: 0.125, Input: 64, Classes: 4})
	value, without, with := weights.Formula(net), after(0), after(l2)
	for _, p := range net.Params() {
		pull := float32(0)
		if p.Role.Decayed() {
			pull = (1 + momentum) * l2
		}
		for i, start := range value[p.Name].Data {
			want := without[p.Name].Data[i] + pull*start
			if got := with[p.Name].Data[i]; math.Abs(float64(got-want)) > 1e-5*max(1, math.Abs(float64(want))) {
				t.Fatalf("velocity of %s[%d] is %v, want %v", p.Name, i, got, want)
			}
		}
	}
}

// Mixed precision follows float32 as far as bfloat16's eight bits go. GoogLeNet is left
// out: with formula weights it turns such rounding into a third of its logits.
func TestMixedPrecision(t *testing.T) {
	// On a CPU without AVX-512 TensorFlow leaves everything in float32: there is nothing to
	// compare, but it must not differ either.
	without := testDevice() == "cpu" && runtime.GOARCH == "amd64" && !cpu.X86.HasAVX512F
	for _, name := range []string{arch.ResNet50, arch.VGG19} {
		opt := TrainerOptions{Momentum: 0.9, L2: 1e-4, NoDropout: true}
		exact := smallTrainer(t, name, opt)
		opt.MixedPrecision = true
		mixed := smallTrainer(t, name, opt)
		for step := range 3 {
			b := referenceBatch(ensembletest.Training{Side: 64, Batch: 4}, step)
			want, _, err := exact.Step(b, 1e-4, 0)
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := mixed.Step(b, 1e-4, 0)
			if err != nil {
				t.Fatal(err)
			}
			if r := math.Abs(float64(got/want - 1)); !(r < 0.1) || r == 0 != without {
				t.Errorf("%s step %d: loss %v in mixed precision, %v in float32", name, step, got, want)
			}
		}
	}
}
