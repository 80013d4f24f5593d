package tensorflow

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"lungbox/ensemble/arch"
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
