package tensorflow

import (
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// variable is a parameter, or its velocity, with the operations to set and read it.
type variable struct {
	param  arch.Param
	handle tf.Output
	read   tf.Output
	value  tf.Output // placeholder of assign
	assign *tf.Operation
}

// newVariable adds a variable of a kind ("parameter", "velocity"). Its shared name
// matters: TensorFlow takes variables without one for the same variable.
func newVariable(root *op.Scope, kind string, p arch.Param) variable {
	s := root.SubScope(kind).SubScope(p.Name)
	shape := tf.MakeShape(wide(p)...)
	v := variable{param: p}
	v.handle = op.VarHandleOp(s, tf.Float, shape, op.VarHandleOpSharedName(kind+"/"+p.Name))
	v.read = op.ReadVariableOp(s, v.handle, tf.Float)
	v.value = op.Placeholder(s, tf.Float, op.PlaceholderShape(shape))
	v.assign = op.AssignVariableOp(s, v.handle, v.value)
	return v
}

// wide is a parameter's shape in TensorFlow's order: height, width, in, out for
// kernels, in, out for matrices.
func wide(p arch.Param) []int64 {
	d := make([]int64, len(p.Shape))
	for i := range d {
		d[i] = int64(p.Shape[i])
	}
	switch p.Role {
	case arch.RoleKernel:
		return []int64{d[2], d[3], d[1], d[0]}
	case arch.RoleMatrix:
		return []int64{d[1], d[0]}
	}
	return d
}

// places is the number of places (height×width) that a parameter's input channels
// are repeated for: the kernel's window, or the picture in front of a matrix.
func places(net *arch.Net, p arch.Param) int {
	switch p.Role {
	case arch.RoleKernel:
		return p.Shape[2] * p.Shape[3]
	case arch.RoleMatrix:
		in := net.Nodes[net.Nodes[p.Node].Inputs[0]].Out
		return in.H * in.W
	}
	return 1
}

// toTensorFlow turns torchvision's order out, channel, place into place, channel, out.
func toTensorFlow(net *arch.Net, p arch.Param, src []float32) []float32 {
	if p.Role != arch.RoleKernel && p.Role != arch.RoleMatrix {
		return src
	}
	out, n := p.Shape[0], places(net, p)
	channels := len(src) / out / n
	dst := make([]float32, len(src))
	for o := range out {
		for c := range channels {
			for q := range n {
				dst[(q*channels+c)*out+o] = src[(o*channels+c)*n+q]
			}
		}
	}
	return dst
}

// fromTensorFlow is the inverse of toTensorFlow.
func fromTensorFlow(net *arch.Net, p arch.Param, src []float32) []float32 {
	if p.Role != arch.RoleKernel && p.Role != arch.RoleMatrix {
		return src
	}
	out, n := p.Shape[0], places(net, p)
	channels := len(src) / out / n
	dst := make([]float32, len(src))
	for o := range out {
		for c := range channels {
			for q := range n {
				dst[(o*channels+c)*n+q] = src[(q*channels+c)*out+o]
			}
		}
	}
	return dst
}

// Load sets all parameters; velocities start at zero.
func (t *Trainer) Load(set weights.Set) error {
	if err := weights.Check(t.net, set); err != nil {
		return err
	}
	if err := t.assign(t.parameters, set); err != nil {
		return err
	}
	still := weights.Set{}
	for _, v := range t.velocities {
		still[v.param.Name] = weights.Tensor{Shape: v.param.Shape, Data: make([]float32, v.param.Len())}
	}
	return t.assign(t.velocities, still)
}

// Weights returns all parameters as they are now.
func (t *Trainer) Weights() (weights.Set, error) { return t.fetch(t.parameters) }

// LoadVelocity sets the optimiser's velocities, to go on from a checkpoint.
func (t *Trainer) LoadVelocity(set weights.Set) error { return t.assign(t.velocities, set) }

// Velocity returns the optimiser's velocities: one tensor for each learnt parameter.
func (t *Trainer) Velocity() (weights.Set, error) { return t.fetch(t.velocities) }

// assign sets all variables in one call: TensorFlow prepares every new combination
// of feeds anew, which takes longer than the copying.
func (t *Trainer) assign(variables []variable, set weights.Set) error {
	feeds := map[tf.Output]*tf.Tensor{}
	var targets []*tf.Operation
	for _, v := range variables {
		from, ok := set[v.param.Name]
		if !ok || len(from.Data) != v.param.Len() {
			return fmt.Errorf("%s: %w: %s has %d values, want %d", t.net.Arch, weights.ErrMismatch, v.param.Name, len(from.Data), v.param.Len())
		}
		value, err := tf.NewTensor(toTensorFlow(t.net, v.param, from.Data))
		if err != nil {
			return err
		}
		if err := value.Reshape(wide(v.param)); err != nil {
			return err
		}
		feeds[v.value] = value
		targets = append(targets, v.assign)
	}
	if _, err := t.session.Run(feeds, nil, targets); err != nil {
		return fmt.Errorf("set weights of %s: %w", t.net.Arch, err)
	}
	return nil
}

func (t *Trainer) fetch(variables []variable) (weights.Set, error) {
	fetches := make([]tf.Output, len(variables))
	for i, v := range variables {
		fetches[i] = v.read
	}
	out, err := t.session.Run(nil, fetches, nil)
	if err != nil {
		return nil, fmt.Errorf("read weights of %s: %w", t.net.Arch, err)
	}
	set := weights.Set{}
	for i, v := range variables {
		set[v.param.Name] = weights.Tensor{Shape: v.param.Shape, Data: fromTensorFlow(t.net, v.param, flatten(out[i]))}
	}
	return set, nil
}
