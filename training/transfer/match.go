package transfer

import (
	"fmt"
	"slices"
	"strings"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// plan says which tensor of a file becomes which parameter of the net.
type plan struct {
	from   map[string]string // parameter → tensor in the file; a fresh head is not in it
	report Report
}

// wrappers are the names under which training programs keep the net: several GPUs
// (DataParallel), torch.compile, a Lightning module's usual attribute.
var wrappers = [...]string{"module.", "_orig_mod.", "model."}

// match fits the file's tensors to the net by name and shape, before any is read.
func match(net *arch.Net, tensors []shaped) (plan, error) {
	p := plan{from: map[string]string{}}
	files, err := p.rename(net, tensors)
	if err != nil {
		return p, err
	}
	fresh := p.headIsForeign(net, files)
	var wrong []string
	for _, param := range net.Params() {
		tensor, ok := files[param.Name]
		delete(files, param.Name)
		switch {
		case param.Head && fresh:
		case !ok:
			wrong = append(wrong, param.Name+" is missing")
		case !slices.Equal(tensor.shape, param.Shape):
			wrong = append(wrong, fmt.Sprintf("%s has shape %v, want %v", param.Name, tensor.shape, param.Shape))
		default:
			p.from[param.Name] = tensor.name
			p.report.Tensors++
			p.report.Values += param.Len()
		}
	}
	left := make([]string, 0, len(files))
	for name := range files {
		left = append(left, name+" is not a parameter of the net")
	}
	slices.Sort(left)
	if wrong = append(wrong, left...); len(wrong) == 0 {
		return p, nil
	}
	const shown = 4
	if more := len(wrong) - shown; more > 0 {
		wrong = append(wrong[:shown], fmt.Sprintf("and %d more", more))
	}
	return p, fmt.Errorf("%w (%s): %s", weights.ErrMismatch, net.Arch, strings.Join(wrong, "; "))
}

// rename returns the file's tensors by our names for them, less what serves training
// only.
func (p *plan) rename(net *arch.Net, tensors []shaped) (map[string]shaped, error) {
	prefix := wrapping(tensors)
	p.report.Prefix = prefix
	files := map[string]shaped{}
	dropped := map[string]bool{}
	for _, t := range tensors {
		name := strings.TrimPrefix(t.name, prefix)
		head, _, _ := strings.Cut(name, ".")
		switch {
		case strings.HasSuffix(name, ".num_batches_tracked"):
			continue
		case net.Arch == arch.GoogLeNet && (head == "aux1" || head == "aux2"):
			dropped[head] = true
			continue
		case net.Arch == arch.VGG19:
			name, t.shape = fromTimm(name, t.shape)
		}
		if _, twice := files[name]; twice {
			return nil, fmt.Errorf("%w: %s is there twice", weights.ErrMismatch, name)
		}
		files[name] = t
	}
	for head := range dropped {
		p.report.Dropped = append(p.report.Dropped, head)
	}
	slices.Sort(p.report.Dropped)
	return files, nil
}

// wrapping returns the wrappers that all names have in front.
func wrapping(tensors []shaped) string {
	prefix := ""
	if len(tensors) == 0 {
		return prefix
	}
search:
	for {
		for _, w := range wrappers {
			if !slices.ContainsFunc(tensors, func(t shaped) bool { return !strings.HasPrefix(t.name, prefix+w) }) {
				prefix += w
				continue search
			}
		}
		return prefix
	}
}

// fromTimm translates timm's names of VGG-19's three linear layers, of which it keeps
// the first two as convolutions of 7×7 and 1×1. Flattened row by row they are
// torchvision's matrices.
func fromTimm(name string, shape []int) (string, []int) {
	for theirs, ours := range map[string]string{"pre_logits.fc1.": "classifier.0.", "pre_logits.fc2.": "classifier.3.", "head.fc.": "classifier.6."} {
		rest, ok := strings.CutPrefix(name, theirs)
		if !ok {
			continue
		}
		if len(shape) == 4 {
			in, fits := product(shape[1:])
			if fits {
				shape = []int{shape[0], in}
			}
		}
		return ours + rest, shape
	}
	return name, shape
}

// product multiplies sizes; ok is false for a result that no layer has.
func product(sizes []int) (n int, ok bool) {
	n = 1
	for _, d := range sizes {
		if d < 0 || d > 1<<20 || n*d > 1<<30 {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// headIsForeign reports whether the file's last layer is one of another number of
// classes, or not there at all, and fresh weights take its place.
func (p *plan) headIsForeign(net *arch.Net, files map[string]shaped) bool {
	var weight, bias arch.Param
	for _, param := range net.Params() {
		switch {
		case param.Head && param.Role == arch.RoleMatrix:
			weight = param
		case param.Head && param.Role == arch.RoleBias:
			bias = param
		}
	}
	w, hasWeight := files[weight.Name]
	b, hasBias := files[bias.Name]
	p.report.Head = strings.TrimSuffix(weight.Name, ".weight")
	if !hasWeight && !hasBias {
		p.report.HeadReplaced = true
		return true
	}
	if len(w.shape) != 2 || len(b.shape) != 1 || w.shape[0] != b.shape[0] || w.shape[1] != weight.Shape[1] {
		return false // not a head of this net: its shapes are refused like any other's
	}
	p.report.ForeignClasses = w.shape[0]
	p.report.HeadReplaced = w.shape[0] != net.Classes
	return p.report.HeadReplaced
}
