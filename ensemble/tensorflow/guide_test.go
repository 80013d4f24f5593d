package tensorflow

import (
	"math"
	"testing"

	tf "github.com/wamuir/graft/tensorflow"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// Guidance draws the evidence for a score to the place of its sign, at which chance would
// have a loss of log 4; pictures whose signs nobody knows add nothing, and a net that
// tells places apart has none.
func TestGuidance(t *testing.T) {
	const pictures = 4
	net := arch.MustNew(arch.Config{Arch: "googlenet", Width: 1.0 / 8, Input: 64, Classes: arch.Scores})
	trainer, err := NewTrainer(net, TrainerOptions{Momentum: 0.9, NoDropout: true, Guide: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer trainer.Close()
	if err := trainer.Load(weights.Random(net, 1)); err != nil {
		t.Fatal(err)
	}
	places := trainer.Guided()
	if places != 4 {
		t.Fatalf("%d places: want 2 by 2", places)
	}
	batch := Batch{
		Images: make([]float32, pictures*64*64), Labels: make([]float32, pictures*arch.Scores),
		Signs: make([]float32, pictures*places), Own: make([]float32, pictures*arch.Scores),
	}
	for i := range pictures {
		for s := range arch.Scores {
			batch.Labels[i*arch.Scores+s] = 0.25 // nothing to learn from the scores
			batch.Own[i*arch.Scores+s] = -1.0 / 3
		}
		batch.Own[i*arch.Scores+i] = 1
		batch.Signs[i*places+i] = 1
		for y := range 32 { // a bright sign in its quarter
			for x := range 32 {
				batch.Images[i*64*64+(i/2*32+y)*64+i%2*32+x] = float32(1 + (x+y)%2)
			}
		}
	}
	guidance := func(b Batch) float64 {
		t.Helper()
		feeds, err := trainer.feeds(b, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		out, err := trainer.session.Run(feeds, []tf.Output{trainer.total, trainer.loss}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return float64(out[0].Value().(float32) - out[1].Value().(float32))
	}
	before := guidance(batch)
	for range 60 {
		if _, _, err := trainer.Step(batch, 0.02, 0); err != nil {
			t.Fatal(err)
		}
	}
	after := guidance(batch)
	t.Logf("%.3f before, %.3f after; chance %.3f", before, after, math.Log(4))
	if !(before > 0.8*math.Log(4)) || !(after < 0.3) {
		t.Errorf("guidance's loss is %.3f before and %.3f after", before, after)
	}
	blind := batch
	blind.Signs = make([]float32, pictures*places)
	if got := guidance(blind); math.Abs(got) > 1e-6 {
		t.Errorf("signs that nobody knows add %v to the loss", got)
	}
	short := batch
	short.Signs = nil
	if _, _, err := trainer.Step(short, 0, 0); err == nil {
		t.Error("no signs are no error")
	}
	vgg, err := NewTrainer(arch.MustNew(arch.Config{Arch: "vgg19", Width: 1.0 / 16, Input: 32, Classes: arch.Scores}), TrainerOptions{Guide: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer vgg.Close()
	if vgg.Guided() != 0 {
		t.Error("VGG-19 is guided")
	}
}
