package tensorflow

import (
	"cmp"
	"math"
	"os"
	"strings"
	"testing"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/ensembletest"
	"lungbox/ensemble/weights"
)

// testDevice is the device of the parity test: the CPU, unless make gpu-check says.
func testDevice() string { return cmp.Or(os.Getenv("LUNGBOX_TEST_DEVICE"), "cpu") }

// The same initial weights and the same batches give PyTorch's losses and, after
// the steps, PyTorch's inference: gradients, momentum, regularisation and running
// statistics are all in it.
func TestTrainingFollowsPyTorch(t *testing.T) {
	const tolerance = 0.01
	for name, want := range ensembletest.TrainingReference(t) {
		config := arch.Full(name)
		config.Input = want.Side
		net := arch.MustNew(config)
		trainer, err := NewTrainer(net, TrainerOptions{Momentum: 0.9, L2: 1e-4, NoDropout: true, Options: Options{Device: testDevice()}})
		if err != nil {
			t.Fatal(err)
		}
		if on := trainer.Device(); testDevice() != "cpu" && strings.HasPrefix(on, "cpu") {
			t.Fatalf("the trainer runs on %s: %s", on, WhyNoGPU(Options{Device: testDevice()}))
		}
		if err := trainer.Load(weights.Formula(net)); err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for step, wantLoss := range want.Losses {
			loss, _, err := trainer.Step(referenceBatch(want, step), want.Rate, 0)
			if err != nil {
				t.Fatal(err)
			}
			difference := math.Abs(float64(loss)-wantLoss) / wantLoss
			worst = max(worst, difference)
			if !(difference <= tolerance) {
				t.Errorf("%s step %d: loss %v, PyTorch gave %v", name, step, loss, wantLoss)
			}
		}
		t.Logf("%s on %s: %d losses within %.1e of PyTorch's in float64; PyTorch's in float32 are within %.1e", name, trainer.Device(), len(want.Losses), worst, want.Drift)
		after, err := trainer.Logits(standardised(want.Side, 0))
		if err != nil {
			t.Fatal(err)
		}
		// Twice as much as for the losses: 20 steps carry rounding on, GoogLeNet's most, and
		// every CPU rounds in its own order: 1.3 % on one with AVX2, below 1 % on one with AVX-512.
		if r := ensembletest.Relative([4]float32(after), want.After); r > 2*tolerance {
			t.Errorf("%s after training: logits %v, PyTorch gave %v", name, after, want.After)
		}
		if err := trainer.Close(); err != nil {
			t.Error(err)
		}
	}
}

func referenceBatch(want ensembletest.Training, step int) Batch {
	var b Batch
	for k := range want.Batch {
		b.Images = append(b.Images, standardised(want.Side, byte(40*k+13*step))...)
		label := make([]float32, 4)
		label[k%4] = 1
		b.Labels = append(b.Labels, label...)
	}
	return b
}

// standardised is the reference picture with something added to every grey level.
func standardised(side int, add byte) []float32 {
	picture := ensembletest.Picture(side, side)
	for i := range picture.Pix {
		picture.Pix[i] += add
	}
	values := make([]float32, side*side)
	arch.Preprocess(values, picture, side)
	return values
}

func smallTrainer(t *testing.T, name string, opt TrainerOptions) *Trainer {
	net := arch.MustNew(arch.Config{Arch: name, Width: 0.125, Input: 64, Classes: 4})
	opt.Device = "cpu"
	trainer, err := NewTrainer(net, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { trainer.Close() })
	if err := trainer.Load(weights.Formula(net)); err != nil {
		t.Fatal(err)
	}
	return trainer
}

// A trainer that is handed another's weights and velocities goes on as the other
// would have: that is what a checkpoint promises.
func TestCheckpointGoesOnBitForBit(t *testing.T) {
	for _, name := range arch.Names() {
		opt := TrainerOptions{Momentum: 0.9, L2: 1e-4}
		shape := ensembletest.Training{Side: 64, Batch: 4}
		through := smallTrainer(t, name, opt)
		for step := range 2 {
			if _, _, err := through.Step(referenceBatch(shape, step), 0.01, int64(step)); err != nil {
				t.Fatal(err)
			}
		}
		set, err := through.Weights()
		if err != nil {
			t.Fatal(err)
		}
		velocity, err := through.Velocity()
		if err != nil {
			t.Fatal(err)
		}
		resumed := smallTrainer(t, name, opt)
		if err := resumed.Load(set); err != nil {
			t.Fatal(err)
		}
		if err := resumed.LoadVelocity(velocity); err != nil {
			t.Fatal(err)
		}
		for step := 2; step < 4; step++ {
			want, _, err := through.Step(referenceBatch(shape, step), 0.01, int64(step))
			if err != nil {
				t.Fatal(err)
			}
			got, _, err := resumed.Step(referenceBatch(shape, step), 0.01, int64(step))
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("%s step %d: loss %v after resuming, %v without a break", name, step, got, want)
			}
		}
	}
}

// Dropout depends on the seed and on nothing else.
func TestDropoutFollowsTheSeed(t *testing.T) {
	losses := map[int64][]float32{}
	for _, seed := range []int64{1, 1, 2} {
		trainer := smallTrainer(t, arch.VGG19, TrainerOptions{})
		loss, _, err := trainer.Step(referenceBatch(ensembletest.Training{Side: 64, Batch: 4}, 0), 0, seed)
		if err != nil {
			t.Fatal(err)
		}
		losses[seed] = append(losses[seed], loss)
	}
	if losses[1][0] != losses[1][1] || losses[1][0] == losses[2][0] {
		t.Errorf("losses by seed: %v", losses)
	}
}

func TestLoadRefusesForeignWeights(t *testing.T) {
	trainer := smallTrainer(t, arch.ResNet50, TrainerOptions{})
	other := weights.Formula(arch.MustNew(arch.Config{Arch: arch.ResNet50, Width: 0.25, Input: 64, Classes: 4}))
	if err := trainer.Load(other); err == nil {
		t.Error("weights of a wider net were taken")
	}
}

// Regularisation pulls kernels and matrices towards zero and leaves the rest alone.
func TestL2(t *testing.T) {
	const rate, l2 = 0.5, 0.25
	after := func(strength float32) weights.Set {
		trainer := smallTrainer(t, arch.VGG19, TrainerOptions{L2: strength, NoDropout: true})
		if _, _, err := trainer.Step(referenceBatch(ensembletest.Training{Side: 64, Batch: 4}, 0), rate, 0); err != nil {
			t.Fatal(err)
		}
		set, err := trainer.Weights()
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	net := arch.MustNew(arch.Config{Arch: arch.VGG19, Width: 0.125, Input: 64, Classes: 4})
	before, without, with := weights.Formula(net), after(0), after(l2)
	for _, p := range net.Params() {
		pull := float32(0)
		if p.Role.Decayed() {
			pull = rate * l2
		}
		for i, start := range before[p.Name].Data {
			want := without[p.Name].Data[i] - pull*start
			if got := with[p.Name].Data[i]; math.Abs(float64(got-want)) > 1e-5 {
				t.Fatalf("%s[%d] is %v, want %v", p.Name, i, got, want)
			}
		}
	}
}
