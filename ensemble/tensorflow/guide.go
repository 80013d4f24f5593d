package tensorflow

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// guide adds to the loss how far the evidence for a picture's score lies elsewhere than its
// signs do: the cross-entropy between the signs' share of each place and the softmax, over
// places, of the class activation map's evidence for the score. Simulated pictures know where
// their signs are; a net that looks there has no use for a scanner's look. (Right for the
// right reasons, Ross et al. 2017, arXiv 1703.03717, and guided attention, Li et al. 2018,
// arXiv 1802.10171, do so with gradients and segmentations.)
func (t *Trainer) guide(s *op.Scope, train *pass, weight float32) {
	t.signs = op.Placeholder(s.SubScope("signs"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, int64(t.guided))))
	t.own = op.Placeholder(s.SubScope("own"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, int64(t.net.Classes))))
	axis := func(name string, i int32) tf.Output { return op.Const(s.SubScope(name), []int32{i}) }
	// The weights as the pass has read them: their gradient is the sum of both uses.
	matrix := train.read[t.net.Nodes[t.net.Logits()].Name+".weight"]
	flat := reshape(s.SubScope("places"), train.places, -1, t.net.Nodes[t.net.Places()].Out.C)
	maps := reshape(s.SubScope("maps"), op.MatMul(s, flat, matrix), -1, t.guided, t.net.Classes)
	own := reshape(s.SubScope("weighed"), t.own, -1, 1, t.net.Classes)
	evidence := op.Sum(s.SubScope("evidence"), op.Mul(s.SubScope("evidence"), maps, own), axis("classes", 2))
	known := op.Sum(s.SubScope("known"), t.signs, axis("all", 1)) // 1 or 0
	// Where nothing is known the target is even, so that each row adds up to 1, and its loss
	// does not count.
	even := op.Mul(s.SubScope("even"), op.Sub(s, op.Const(s.SubScope("one"), float32(1)), known), op.Const(s.SubScope("share"), 1/float32(t.guided)))
	target := op.AddV2(s.SubScope("target"), t.signs, reshape(s.SubScope("column"), even, -1, 1))
	each, _ := op.SoftmaxCrossEntropyWithLogits(s.SubScope("entropy"), evidence, target)
	mean := op.Mean(s.SubScope("mean"), op.Mul(s.SubScope("counted"), each, known), axis("batch", 0))
	t.total = op.AddV2(s.SubScope("total"), t.loss, op.Mul(s.SubScope("scaled"), mean, op.Const(s.SubScope("weight"), weight)))
}
