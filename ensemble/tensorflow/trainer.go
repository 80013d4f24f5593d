package tensorflow

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"lungbox/ensemble/arch"
)

// TrainerOptions are the settings that are built into a training graph.
type TrainerOptions struct {
	Options
	Momentum  float32 // of stochastic gradient descent; 0.9 in the paper's Table 2
	L2        float32 // regularisation of kernels and matrices; 1e-4 in Table 2
	NoDropout bool    // for comparing losses with another program
}

// Trainer is a net with variables, gradients and the optimiser: stochastic
// gradient descent with momentum on cross-entropy, as in the paper (sections 2.4.1
// and 2.4.3). It is not safe for concurrent use.
type Trainer struct {
	net     *arch.Net
	session *tf.Session

	images, labels, rate, seed tf.Output // placeholders
	loss, logits               tf.Output // of the training pass
	inferred                   tf.Output // logits of the inference pass
	update                     []*tf.Operation
	parameters, velocities     []variable
}

// NewTrainer builds the training graph of a net. Load must follow.
func NewTrainer(net *arch.Net, opt TrainerOptions) (*Trainer, error) {
	t := &Trainer{net: net}
	root := op.NewScope()
	side := int64(net.Input)
	t.images = op.Placeholder(root.SubScope("images"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, side, side, 1)))
	t.labels = op.Placeholder(root.SubScope("labels"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, int64(net.Classes))))
	t.rate = op.Placeholder(root.SubScope("rate"), tf.Float, op.PlaceholderShape(tf.ScalarShape()))
	t.seed = op.Placeholder(root.SubScope("seed"), tf.Int64, op.PlaceholderShape(tf.ScalarShape()))
	for _, p := range net.Params() {
		t.parameters = append(t.parameters, newVariable(root, "parameter", p))
		if p.Role.Learnt() {
			t.velocities = append(t.velocities, newVariable(root, "velocity", p))
		}
	}

	train := newPass(net, t.parameters)
	train.training, train.dropout, train.seed = true, !opt.NoDropout, t.seed
	t.logits = train.build(root.SubScope("train"), t.images)
	t.inferred = newPass(net, t.parameters).build(root.SubScope("infer"), t.images)
	t.addUpdate(root.SubScope("update"), train, opt)

	graph, err := root.Finalize()
	if err != nil {
		return nil, fmt.Errorf("training graph of %s: %w", net.Arch, err)
	}
	if t.session, err = newSession(graph, opt.Options); err != nil {
		return nil, err
	}
	return t, nil
}

// addUpdate adds the loss, its gradients and everything one step changes.
func (t *Trainer) addUpdate(s *op.Scope, train *pass, opt TrainerOptions) {
	each, _ := op.SoftmaxCrossEntropyWithLogits(s, t.logits, t.labels)
	t.loss = op.Mean(s, each, op.Const(s.SubScope("axis"), []int32{0}))
	var learnt []variable
	var reads []tf.Output
	for _, v := range t.parameters {
		if v.param.Role.Learnt() {
			learnt = append(learnt, v)
			reads = append(reads, train.read[v.param.Name])
		}
	}
	gradients := op.Gradients(s.SubScope("gradients"), []tf.Output{t.loss}, reads)
	if s.Err() != nil {
		return
	}
	momentum, l2 := op.Const(s.SubScope("momentum"), opt.Momentum), op.Const(s.SubScope("l2"), opt.L2)
	for i, v := range learnt {
		at := s.SubScope(v.param.Name)
		gradient := gradients[i]
		if v.param.Role.Decayed() && opt.L2 > 0 {
			gradient = op.AddV2(at, gradient, op.Mul(at, reads[i], l2))
		}
		t.update = append(t.update, op.ResourceApplyMomentum(at, v.handle, t.velocities[i].handle, t.rate, gradient, momentum))
	}
	share := op.Const(s.SubScope("share"), float32(normMomentum))
	for _, v := range t.parameters {
		batch, ok := train.statistics[v.param.Name]
		if !ok {
			continue
		}
		at := s.SubScope(v.param.Name)
		difference := op.Mul(at, op.Sub(at, v.read, batch), share)
		t.update = append(t.update, op.AssignSubVariableOp(at, v.handle, difference))
	}
}

// normMomentum is how much of a batch's statistics goes into the running ones:
// torch.nn.BatchNorm2d's default.
const normMomentum = 0.1

// Batch is a set of training pictures: Images holds n standardised side×side
// planes, Labels n rows of target probabilities.
type Batch struct {
	Images []float32
	Labels []float32
}

// Step trains on one batch with the given learning rate. The seed decides which
// units dropout drops: the same seed gives the same step. It returns the batch's
// mean loss and the logits before the step.
func (t *Trainer) Step(batch Batch, rate float32, seed int64) (loss float32, logits []float32, err error) {
	feeds := map[tf.Output]*tf.Tensor{}
	n := len(batch.Labels) / t.net.Classes
	if feeds[t.images], err = t.pictures(batch.Images, n); err != nil {
		return 0, nil, err
	}
	if feeds[t.labels], err = shaped(batch.Labels, n, t.net.Classes); err != nil {
		return 0, nil, err
	}
	if feeds[t.rate], err = tf.NewTensor(rate); err != nil {
		return 0, nil, err
	}
	if feeds[t.seed], err = tf.NewTensor(seed); err != nil {
		return 0, nil, err
	}
	out, err := t.session.Run(feeds, []tf.Output{t.loss, t.logits}, t.update)
	if err != nil {
		return 0, nil, fmt.Errorf("training step of %s: %w", t.net.Arch, err)
	}
	return out[0].Value().(float32), flatten(out[1]), nil
}

// Logits runs n pictures as inference does: running statistics, no dropout. The
// result has n rows.
func (t *Trainer) Logits(images []float32) ([]float32, error) {
	n := len(images) / t.net.InputShape().Len()
	feed, err := t.pictures(images, n)
	if err != nil {
		return nil, err
	}
	out, err := t.session.Run(map[tf.Output]*tf.Tensor{t.images: feed}, []tf.Output{t.inferred}, nil)
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

// Close ends the session.
func (t *Trainer) Close() error { return t.session.Close() }

// flatten returns a float32 tensor's values in row order.
func flatten(t *tf.Tensor) []float32 {
	n := int64(1)
	for _, d := range t.Shape() {
		n *= d
	}
	if err := t.Reshape([]int64{n}); err != nil {
		panic(err) // the number of values has not changed
	}
	return t.Value().([]float32)
}
