package tensorflow

import (
	"fmt"
	"runtime"

	tf "github.com/wamuir/graft/tensorflow"

	"lungbox/ensemble/weights"
)

// Load sets all parameters; velocities start at zero.
func (t *Trainer) Load(set weights.Set) error {
	if err := weights.Check(t.net, set); err != nil {
		return err
	}
	if err := t.assign(t.parameters, set); err != nil {
		return err
	}
	if _, err := t.session.Run(nil, nil, t.still); err != nil {
		return fmt.Errorf("set velocities of %s: %w", t.net.Arch, err)
	}
	return nil
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
	// A variable takes over the tensor that it is set to. A tensor that Go has not
	// let go of would make the next step copy the variable.
	defer runtime.GC()
	feeds := map[tf.Output]*tf.Tensor{}
	var targets []*tf.Operation
	for _, v := range variables {
		from, ok := set[v.param.Name]
		if !ok || len(from.Data) != v.param.Len() {
			return fmt.Errorf("%s: %w: %s has %d values, want %d", t.net.Arch, weights.ErrMismatch, v.param.Name, len(from.Data), v.param.Len())
		}
		value, err := tf.ReadTensor(tf.Float, wide(v.param), newLayout(t.net, v.param, from.Data))
		if err != nil {
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

// fetch copies variables out of TensorFlow.
func (t *Trainer) fetch(variables []variable) (weights.Set, error) {
	// Before: the copies of the last checkpoint are as large as the variables. After:
	// the fetched tensors are the variables' own memory, as in assign.
	runtime.GC()
	defer runtime.GC()
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
		values := make([]float32, v.param.Len())
		if _, err := out[i].WriteContentsTo(newLayout(t.net, v.param, values)); err != nil {
			return nil, fmt.Errorf("read %s of %s: %w", v.param.Name, t.net.Arch, err)
		}
		set[v.param.Name] = weights.Tensor{Shape: v.param.Shape, Data: values}
	}
	runtime.KeepAlive(out) // see flatten
	return set, nil
}
