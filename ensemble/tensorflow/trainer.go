package tensorflow

import (
	"fmt"
	"runtime"
	"slices"

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
	Guide     float32 // weight of the loss of pictures whose signs' places are given, on nets with Places; 0: none
}

// Trainer is a net with variables, gradients and the optimiser: stochastic
// gradient descent with momentum on cross-entropy, as in the paper (sections 2.4.1
// and 2.4.3). It is not safe for concurrent use.
type Trainer struct {
	net     *arch.Net
	session *tf.Session
	device  string

	images, labels, factors, rate, seed tf.Output       // placeholders
	signs, own                          tf.Output       // placeholders of guidance; see guide
	guided                              int             // places of the feature map; 0 without guidance
	loss, logits                        tf.Output       // of the training pass
	total                               tf.Output       // what is made small: the loss, and the guidance's
	inferred, features                  tf.Output       // logits of the inference pass, and what its last layer gets
	update, still                       []*tf.Operation // change everything in a step; set velocities to zero
	parameters, velocities              []variable
}

// NewTrainer builds the training graph of a net. Load must follow.
func NewTrainer(net *arch.Net, opt TrainerOptions) (*Trainer, error) {
	t := &Trainer{net: net}
	root := op.NewScope()
	side := int64(net.Input)
	t.images = op.Placeholder(root.SubScope("images"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, side, side, 1)))
	t.labels = op.Placeholder(root.SubScope("labels"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, int64(net.Classes))))
	t.factors = op.Placeholder(root.SubScope("factors"), tf.Float, op.PlaceholderShape(tf.MakeShape(-1)))
	t.rate = op.Placeholder(root.SubScope("rate"), tf.Float, op.PlaceholderShape(tf.ScalarShape()))
	t.seed = op.Placeholder(root.SubScope("seed"), tf.Int64, op.PlaceholderShape(tf.ScalarShape()))
	for _, p := range net.Params() {
		t.parameters = append(t.parameters, newVariable(root, "parameter", p))
		if p.Role.Learnt() {
			t.velocities = append(t.velocities, newVariable(root, "velocity", p))
		}
	}

	_, gpu, err := firstDevice(opt.Options)
	if err != nil {
		return nil, err
	}
	train := newPass(net, t.parameters)
	train.training, train.dropout, train.seed, train.products = true, !opt.NoDropout, t.seed, !gpu
	t.logits = train.build(root.SubScope("train"), t.images)
	infer := newPass(net, t.parameters)
	t.inferred = infer.build(root.SubScope("infer"), t.images)
	t.features = reshape(root.SubScope("features"), infer.last, -1, t.FeatureLen())
	t.addLoss(root.SubScope("loss"))
	if at := net.Places(); opt.Guide > 0 && at >= 0 {
		t.guided = net.Nodes[at].Out.H * net.Nodes[at].Out.W
		t.guide(root.SubScope("guide"), train, opt.Guide)
	}
	t.addUpdate(root.SubScope("update"), train, opt)

	graph, err := root.Finalize()
	if err != nil {
		return nil, fmt.Errorf("training graph of %s: %w", net.Arch, err)
	}
	if t.session, err = newSession(graph, opt.Options); err != nil {
		return nil, err
	}
	t.device, _ = device(t.session, opt.Options)
	return t, nil
}

// Batch is a set of training pictures: Images holds n standardised side×side
// planes, Labels n rows of target probabilities that add up to 1. Weights holds a
// factor for each picture's loss; nil stands for ones. Signs holds n rows of one share for
// each place of the net's last feature map, of what shows the picture's score: they add up
// to 1, or are all 0 where that is not known. Own holds n rows of one value for each class:
// what is added up to the evidence for the picture's score. Both are nil without guidance.
type Batch struct {
	Images  []float32
	Labels  []float32
	Weights []float32
	Signs   []float32
	Own     []float32
}

// Step trains on one batch with the given learning rate. The seed decides which
// units dropout drops: the same seed gives the same step. It returns the mean over
// the batch of weight times cross-entropy, and the logits before the step.
func (t *Trainer) Step(batch Batch, rate float32, seed int64) (loss float32, logits []float32, err error) {
	feeds, err := t.feeds(batch, rate, seed)
	if err != nil {
		return 0, nil, err
	}
	out, err := t.session.Run(feeds, []tf.Output{t.loss, t.logits}, t.update)
	if err != nil {
		return 0, nil, fmt.Errorf("training step of %s: %w", t.net.Arch, err)
	}
	loss = out[0].Value().(float32)
	runtime.KeepAlive(out) // see flatten
	return loss, flatten(out[1]), nil
}

// feeds are the tensors of one step.
func (t *Trainer) feeds(batch Batch, rate float32, seed int64) (feeds map[tf.Output]*tf.Tensor, err error) {
	feeds = map[tf.Output]*tf.Tensor{}
	n := len(batch.Labels) / t.net.Classes
	if feeds[t.images], err = t.pictures(batch.Images, n); err != nil {
		return nil, err
	}
	if feeds[t.labels], err = shaped(batch.Labels, n, t.net.Classes); err != nil {
		return nil, err
	}
	factors := batch.Weights
	if factors == nil {
		factors = slices.Repeat([]float32{1}, n)
	}
	if len(factors) != n {
		return nil, fmt.Errorf("%s: %d weights for %d pictures", t.net.Arch, len(factors), n)
	}
	if feeds[t.factors], err = tf.NewTensor(factors); err != nil {
		return nil, err
	}
	if feeds[t.rate], err = tf.NewTensor(rate); err != nil {
		return nil, err
	}
	if feeds[t.seed], err = tf.NewTensor(seed); err != nil {
		return nil, err
	}
	if t.guided > 0 {
		if feeds[t.signs], err = shaped(batch.Signs, n, t.guided); err != nil {
			return nil, err
		}
		if feeds[t.own], err = shaped(batch.Own, n, t.net.Classes); err != nil {
			return nil, err
		}
	}
	return feeds, nil
}

// Guided is the number of places that a batch's Signs have for each picture, 0 without
// guidance.
func (t *Trainer) Guided() int { return t.guided }

// Device says what the session runs on, for people: "cpu, 2 threads".
func (t *Trainer) Device() string { return t.device }

// Close ends the session.
func (t *Trainer) Close() error { return t.session.Close() }
