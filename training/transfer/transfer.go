// Package transfer reads weights that others trained, PyTorch's .pth files and
// safetensors in torchvision's or timm's naming, and fits them to our nets.
//
// The file's format is found in its bytes, not in its name. Nothing in a file is run,
// and only tensors that the net needs are read, so that memory is bounded by the net.
// A file fits when it holds every parameter of the net in its shape and nothing else;
// excepted are the last layer, which fresh weights replace when the file has another
// number of classes, and what serves training only.
package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
	"lungbox/training/transfer/torchfile"
)

// ErrFormat is wrapped by errors about files that are in no format of weights.
var ErrFormat = errors.New("neither a PyTorch nor a safetensors file")

// TransformInput says whether a GoogLeNet's weights expect their input normalised to
// mean 0.5 and standard deviation 0.5, as torchvision's pretrained ones do
// (transform_input=True), and not to ImageNet's.
type TransformInput string

// Values of TransformInput; the empty one is TransformAuto.
const (
	TransformAuto TransformInput = "auto" // yes for a GoogLeNet whose file has ImageNet's 1000 classes
	TransformYes  TransformInput = "yes"
	TransformNo   TransformInput = "no"
)

// Options of an import.
type Options struct {
	Seed           uint64 // of the fresh weights of a replaced last layer
	TransformInput TransformInput
}

// Check reports options that cannot be used for the net.
func (options Options) Check(net *arch.Net) error {
	switch options.TransformInput {
	case "", TransformAuto, TransformNo:
	case TransformYes:
		if net.Arch != arch.GoogLeNet {
			return fmt.Errorf("transform input: only a %s has such weights, the net is %s", arch.GoogLeNet, net.Arch)
		}
	default:
		return fmt.Errorf("transform input %q: want %s, %s or %s", options.TransformInput, TransformAuto, TransformYes, TransformNo)
	}
	return nil
}

// Import reads the file and returns weights for the net, which weights.Check accepts.
// Errors name the file; they wrap weights.ErrMismatch when tensors are missing, have
// other shapes, are unknown or hold NaN, and pickle.ErrRefused when the file wants
// code to be run.
func Import(path string, net *arch.Net, options Options) (weights.Set, Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, Report{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, Report{}, err
	}
	set, report, err := Read(file, info.Size(), net, options)
	if err != nil {
		return nil, Report{}, fmt.Errorf("%s: %w", path, err)
	}
	return set, report, nil
}

// Read is Import for a file of size bytes that is open already.
func Read(r io.ReaderAt, size int64, net *arch.Net, options Options) (weights.Set, Report, error) {
	if err := options.Check(net); err != nil {
		return nil, Report{}, err
	}
	foreign, err := open(r, size)
	if err != nil {
		return nil, Report{}, err
	}
	plan, err := match(net, foreign.tensors)
	if err != nil {
		return nil, Report{}, err
	}
	set, err := plan.read(net, foreign, options.Seed)
	if err != nil {
		return nil, Report{}, err
	}
	report := plan.report
	report.Format, report.Arch, report.Classes = foreign.format, net.Arch, net.Classes
	if options.TransformInput == TransformYes ||
		options.TransformInput != TransformNo && net.Arch == arch.GoogLeNet && report.ForeignClasses == imageNetClasses {
		foldInput(set)
		report.InputFolded = true
	}
	if err := weights.Check(net, set); err != nil {
		return nil, Report{}, err
	}
	return set, report, nil
}

// checkpoint is an open file of either format.
type checkpoint struct {
	format  string
	tensors []shaped
	source  weights.Source
}

// shaped is a tensor's name and shape in a file.
type shaped struct {
	name  string
	shape []int
}

func open(r io.ReaderAt, size int64) (*checkpoint, error) {
	start := make([]byte, min(size, 512))
	if n, err := r.ReadAt(start, 0); n < len(start) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte("PK\x03\x04")), bytes.HasPrefix(start, []byte{0x80}) && !looksSafe(start):
		f, err := torchfile.Open(r, size)
		if err != nil {
			return nil, err
		}
		c := &checkpoint{format: f.Format, source: f}
		for _, info := range f.Infos {
			c.tensors = append(c.tensors, shaped{info.Name, info.Shape})
		}
		return c, nil
	case looksSafe(start):
		f, err := weights.ReadSafetensors(r, size)
		if err != nil {
			return nil, err
		}
		c := &checkpoint{format: "safetensors", source: f}
		for _, e := range f.Entries {
			c.tensors = append(c.tensors, shaped{e.Name, e.Shape})
		}
		return c, nil
	}
	return nil, fmt.Errorf("%w%s", ErrFormat, guess(start))
}

// looksSafe reports whether a JSON object follows 8 bytes of length: 0x80 can be the
// first byte of that length, too.
func looksSafe(start []byte) bool { return len(start) > 8 && start[8] == '{' }

// guess says what people often have in the place of a file of weights.
func guess(start []byte) string {
	lower := bytes.ToLower(bytes.TrimSpace(start))
	switch {
	case len(start) == 0:
		return ": it is empty"
	case bytes.HasPrefix(lower, []byte("version https://git-lfs")):
		return ": it is a Git LFS pointer, fetch the file itself with git lfs pull"
	case bytes.HasPrefix(lower, []byte("<!doctype html")), bytes.HasPrefix(lower, []byte("<html")), bytes.HasPrefix(lower, []byte("<?xml")):
		return ": it is a web page, the download went wrong"
	case len(start) > 262 && string(start[257:262]) == "ustar":
		return ": it is a tar archive; from PyTorch before 0.1.10, load and save it with a newer one"
	}
	return ""
}
