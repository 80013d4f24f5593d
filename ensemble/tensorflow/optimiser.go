package tensorflow

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// normMomentum is how much of a batch's statistics goes into the running ones:
// torch.nn.BatchNorm2d's default.
const normMomentum = 0.1

// addLoss adds the mean over the batch of factor times cross-entropy.
func (t *Trainer) addLoss(s *op.Scope) {
	each, _ := op.SoftmaxCrossEntropyWithLogits(s, t.logits, t.labels)
	// The factors are on the losses, not on the labels: the operation's gradient takes
	// it that a row of labels adds up to 1.
	t.loss = op.Mean(s, op.Mul(s, each, t.factors), op.Const(s.SubScope("axis"), []int32{0}))
	t.total = t.loss
}

// addUpdate adds the loss's gradients and everything that one step changes.
func (t *Trainer) addUpdate(s *op.Scope, train *pass, opt TrainerOptions) {
	var learnt []variable
	var reads []tf.Output
	for _, v := range t.parameters {
		if v.param.Role.Learnt() {
			learnt = append(learnt, v)
			reads = append(reads, train.read[v.param.Name])
		}
	}
	gradients := op.Gradients(s.SubScope("gradients"), []tf.Output{t.total}, reads)
	if s.Err() != nil {
		return
	}
	momentum := op.Const(s.SubScope("momentum"), opt.Momentum)
	for i, v := range learnt {
		at, gradient, velocity := s.SubScope(v.param.Name), gradients[i], t.velocities[i]
		if v.param.Role.Decayed() && opt.L2 > 0 {
			gradient = regularise(at.SubScope("l2"), reads[i], gradient, velocity, opt)
		}
		// Only when nothing needs the parameter's value any more: TensorFlow would copy
		// the parameter to keep that value.
		var users []*tf.Operation
		for _, user := range reads[i].Consumers() {
			users = append(users, user.Op)
		}
		t.update = append(t.update, op.ResourceApplyMomentum(at.WithControlDependencies(users...), v.handle, velocity.handle, t.rate, gradient, momentum))
		zero := at.SubScope("still")
		shape := op.Const(zero.SubScope("shape"), wide(v.param))
		t.still = append(t.still, op.AssignVariableOp(zero, velocity.handle, op.Fill(zero, shape, op.Const(zero.SubScope("zero"), float32(0)))))
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

// regularise adds L2·value to what the step will put into the velocity and returns the
// gradient that remains. The velocity becomes momentum·velocity + gradient, so
// L2/momentum·value is added to it in place, which needs no memory of its own.
func regularise(s *op.Scope, value, gradient tf.Output, velocity variable, opt TrainerOptions) tf.Output {
	if opt.Momentum == 0 {
		return op.AddV2(s, gradient, op.Mul(s, value, op.Const(s.SubScope("strength"), opt.L2)))
	}
	// "Gradient descent" subtracts.
	op.ResourceApplyGradientDescent(s, velocity.handle, op.Const(s.SubScope("strength"), -opt.L2/opt.Momentum), value)
	return gradient
}
