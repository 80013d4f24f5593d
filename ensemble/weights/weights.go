// Package weights holds the numbers of a net: named tensors in torchvision's
// shapes, their files (safetensors) and what inference makes of them (batch
// normalisation folded into kernels and biases).
package weights

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"lungbox/ensemble/arch"
)

// Tensor is a dense array in row-major order.
type Tensor struct {
	Shape []int
	Data  []float32
}

// Set is the weights of one net by parameter name, e.g. "layer1.0.conv1.weight".
type Set map[string]Tensor

// ErrMismatch is wrapped by every error of Check.
var ErrMismatch = errors.New("weights do not fit the net")

// Check reports whether the set holds exactly the net's parameters, each with its
// shape and none with a value that is not finite. The error names the first
// tensors that do not fit.
func Check(net *arch.Net, set Set) error {
	var wrong []string
	known := map[string]bool{}
	for _, p := range net.Params() {
		known[p.Name] = true
		t, ok := set[p.Name]
		switch {
		case !ok:
			wrong = append(wrong, p.Name+" is missing")
		case !slices.Equal(t.Shape, p.Shape):
			wrong = append(wrong, fmt.Sprintf("%s has shape %v, want %v", p.Name, t.Shape, p.Shape))
		case len(t.Data) != p.Len():
			wrong = append(wrong, fmt.Sprintf("%s holds %d values, want %d", p.Name, len(t.Data), p.Len()))
		case !finite(t.Data):
			wrong = append(wrong, p.Name+" holds a value that is not a finite number")
		}
	}
	for _, name := range set.Names() {
		if !known[name] {
			wrong = append(wrong, name+" is not a parameter of the net")
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	const shown = 3
	if more := len(wrong) - shown; more > 0 {
		wrong = append(wrong[:shown], fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("%s: %w: %s", net.Arch, ErrMismatch, strings.Join(wrong, "; "))
}

// Names returns the tensor names in alphabetical order.
func (s Set) Names() []string {
	names := make([]string, 0, len(s))
	for name := range s {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func finite(values []float32) bool {
	for _, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}
