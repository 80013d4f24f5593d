package arch

// Role says what a parameter is for.
type Role int

// Roles of parameters. Kernels, biases, scales and shifts are learnt; means and
// variances are gathered during training.
const (
	RoleKernel   Role = iota // convolution, shape out×in×kernel×kernel
	RoleMatrix               // linear layer, shape out×in
	RoleBias                 // shape out
	RoleScale                // batch normalisation's gamma
	RoleShift                // batch normalisation's beta
	RoleMean                 // batch normalisation's running mean
	RoleVariance             // batch normalisation's running variance
)

// Learnt reports whether gradients change the parameter.
func (r Role) Learnt() bool { return r != RoleMean && r != RoleVariance }

// Decayed reports whether L2 regularisation applies: to weights, not to biases
// or normalisation.
func (r Role) Decayed() bool { return r == RoleKernel || r == RoleMatrix }

// Param is one named tensor of a net's weights.
type Param struct {
	Name  string // torchvision's, e.g. "layer1.0.bn1.running_mean"
	Role  Role
	Shape []int // torchvision's order
	Node  int   // index of the node that uses it
	Head  bool  // belongs to the last layer, which a transfer to other classes replaces
}

// Len is the number of values.
func (p Param) Len() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Params lists every parameter in the order of the nodes.
func (n *Net) Params() []Param {
	var out []Param
	for i, node := range n.Nodes {
		add := func(name string, role Role, shape ...int) {
			out = append(out, Param{Name: name, Role: role, Shape: shape, Node: i, Head: i == n.Logits()})
		}
		switch node.Op {
		case OpConv:
			add(node.Name+".weight", RoleKernel, node.Out.C, n.inChannels(node), node.Kernel, node.Kernel)
		case OpLinear:
			add(node.Name+".weight", RoleMatrix, node.Out.C, n.Nodes[node.Inputs[0]].Out.Len())
		default:
			continue
		}
		if node.Bias {
			add(node.Name+".bias", RoleBias, node.Out.C)
		}
		if node.Norm != "" {
			add(node.Norm+".weight", RoleScale, node.Out.C)
			add(node.Norm+".bias", RoleShift, node.Out.C)
			add(node.Norm+".running_mean", RoleMean, node.Out.C)
			add(node.Norm+".running_var", RoleVariance, node.Out.C)
		}
	}
	return out
}

func (n *Net) inChannels(node Node) int {
	in := n.Nodes[node.Inputs[0]]
	if in.Op == OpInput {
		return inputChannels
	}
	return in.Out.C
}

// LearntParams counts the values that training changes: the figure papers quote.
func (n *Net) LearntParams() int {
	total := 0
	for _, p := range n.Params() {
		if p.Role.Learnt() {
			total += p.Len()
		}
	}
	return total
}
