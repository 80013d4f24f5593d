package tensorflow

import (
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/wamuir/graft/tensorflow/op"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// The binding frees graphs and tensors when Go collects them. With a collector that
// never rests, sessions must start (a graph that was freed meanwhile left them waiting
// for ever, or ended the process) and steps give the same numbers.
func TestCollectedMeanwhile(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	config := arch.Full(arch.ResNet50)
	config.Width, config.Input = 1.0/16, 32
	net, err := arch.New(config)
	if err != nil {
		t.Fatal(err)
	}
	images := make([]float32, 2*net.InputShape().Len())
	for i := range images {
		images[i] = float32(i%251) / 251
	}
	labels := []float32{1, 0, 0, 0, 0, 0, 1, 0}
	var first []float32
	for range 12 {
		slowStart(t)
		trainer, err := NewTrainer(net, TrainerOptions{Options: Options{Device: "cpu", Threads: 1, Deterministic: true}, Momentum: 0.9})
		if err != nil {
			t.Fatal(err)
		}
		if err := trainer.Load(weights.Formula(net)); err != nil {
			t.Fatal(err)
		}
		var got []float32
		for step := range 3 {
			loss, logits, err := trainer.Step(Batch{Images: images, Labels: labels}, 0.01, int64(step))
			if err != nil {
				t.Fatal(err)
			}
			got = append(append(got, loss), logits...)
		}
		trainer.Close()
		if first == nil {
			first = got
		} else if !slices.Equal(first, got) {
			t.Fatalf("the same steps gave %v and %v", first, got)
		}
	}
}

// slowStart starts a session that takes long, because it has many devices, on a graph
// that nothing else holds, and gives up the memory of graphs that were freed.
func slowStart(t *testing.T) {
	root := op.NewScope()
	op.Const(root, make([]float32, 1000))
	graph, err := root.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	var freed atomic.Bool
	runtime.AddCleanup(graph, func(*atomic.Bool) { freed.Store(true) }, &freed)
	c, err := Options{Device: "cpu", Threads: 1}.proto()
	if err != nil {
		t.Fatal(err)
	}
	c.DeviceCount["CPU"] = 2000
	session, err := startSession(graph, c)
	if freed.Load() {
		t.Fatal("the graph was freed while its session started")
	}
	if err != nil {
		t.Fatal(err)
	}
	session.Close()
}
