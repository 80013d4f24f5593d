package tensorflow

import (
	"fmt"
	"runtime"

	tf "github.com/wamuir/graft/tensorflow"
)

// Logits runs n pictures as inference does: running statistics, no dropout. The
// result has n rows of one value for each class.
func (t *Trainer) Logits(images []float32) ([]float32, error) { return t.infer(images, t.inferred) }

// Features runs n pictures as Logits does and returns what the net's last layer gets:
// n rows of FeatureLen values.
func (t *Trainer) Features(images []float32) ([]float32, error) { return t.infer(images, t.features) }

// FeatureLen is the number of features of a picture: at full width 1024 for
// GoogLeNet, 2048 for ResNet-50, 4096 for VGG-19.
func (t *Trainer) FeatureLen() int {
	last := t.net.Nodes[t.net.Logits()]
	return t.net.Nodes[last.Inputs[0]].Out.Len()
}

func (t *Trainer) infer(images []float32, what tf.Output) ([]float32, error) {
	n := len(images) / t.net.InputShape().Len()
	feed, err := t.pictures(images, n)
	if err != nil {
		return nil, err
	}
	out, err := t.session.Run(map[tf.Output]*tf.Tensor{t.images: feed}, []tf.Output{what}, nil)
	if err != nil {
		return nil, fmt.Errorf("inference of %s: %w", t.net.Arch, err)
	}
	return flatten(out[0]), nil
}

func (t *Trainer) pictures(images []float32, n int) (*tf.Tensor, error) {
	if n == 0 || len(images) != n*t.net.InputShape().Len() {
		return nil, fmt.Errorf("%s: %d values for %d pictures of %v", t.net.Arch, len(images), n, t.net.InputShape())
	}
	return shaped(images, n, t.net.Input, t.net.Input, 1)
}

// flatten returns a float32 tensor's values in row order. The binding copies them from
// TensorFlow's memory without holding the tensor: collected meanwhile, it would take
// that memory with it.
func flatten(t *tf.Tensor) []float32 {
	n := int64(1)
	for _, d := range t.Shape() {
		n *= d
	}
	if err := t.Reshape([]int64{n}); err != nil {
		panic(err) // the number of values has not changed
	}
	values := t.Value().([]float32)
	runtime.KeepAlive(t)
	return values
}
