package transfer

import (
	"fmt"
	"strings"
)

// Report says what an import took, left out and made anew.
type Report struct {
	Format string // "PyTorch zip", "older PyTorch" or "safetensors"
	Arch   string
	// Tensors and Values count what was taken from the file.
	Tensors, Values int
	Prefix          string // in front of every name in the file, e.g. "module."; taken off
	Head            string // name of the last layer
	Classes         int    // of the net
	ForeignClasses  int    // of the file's last layer; 0 when the file has none
	HeadReplaced    bool
	Dropped         []string // auxiliary heads that were left out
	InputFolded     bool     // TransformInput was applied
}

// String returns the report in a few lines for people, each ended by a line break.
func (r Report) String() string {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("%s: took %d tensors with %d values from a file in %s format", r.Arch, r.Tensors, r.Values, r.Format)
	if r.Prefix != "" {
		line("took the prefix %q off every name", r.Prefix)
	}
	switch {
	case r.HeadReplaced && r.ForeignClasses == 0:
		line("the file has no last layer (%s): fresh weights for %d classes, to be trained", r.Head, r.Classes)
	case r.HeadReplaced:
		line("the file's last layer (%s) has %d classes: replaced by fresh weights for %d, to be trained", r.Head, r.ForeignClasses, r.Classes)
	default:
		line("kept the last layer (%s) with its %d classes", r.Head, r.Classes)
	}
	if len(r.Dropped) > 0 {
		line("left out %s: auxiliary heads serve training only", strings.Join(r.Dropped, " and "))
	}
	if r.InputFolded {
		line("folded the weights' own input normalisation (mean 0.5, deviation 0.5) into the first layer: exact inside, slightly different where kernels reach over the picture's border")
	}
	return out.String()
}
