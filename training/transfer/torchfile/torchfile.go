// Package torchfile reads the tensors of a state dict from a file that PyTorch's
// torch.save wrote, without Python and without running anything in it.
//
// There are two formats. Since version 1.6 a file is a zip archive of uncompressed
// records: NAME/data.pkl is a pickle of the saved object, in which each storage is
// a persistent id, and NAME/data/KEY holds the storage's bytes. The older one,
// which torchvision's vgg19-dcbb9e9d.pth and googlenet-1378be20.pth still have, is
// five pickles one behind the other (a magic number, the protocol's version, facts
// about the system, the object, the list of storage keys) and then for each key a
// number of values in 8 bytes and the values.
//
// Opening a file reads its pickles; values are read tensor by tensor. All numbers
// in a file are checked against its size before memory is taken for them.
package torchfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"lungbox/ensemble/weights"
	"lungbox/training/transfer/pickle"
)

// ErrFormat is wrapped by errors about files that are not torch.save's, are damaged,
// or hold something other than a state dict.
var ErrFormat = errors.New("not a PyTorch state dict that can be read")

// Info describes one tensor.
type Info struct {
	Name  string
	DType weights.DType
	Shape []int
}

// File is an open file with a state dict. It is not safe for concurrent use.
type File struct {
	Format string // for people: which of the two formats it is
	Infos  []Info // in the order of the state dict

	tensors map[string]*tensor
}

// Open reads the description of all tensors in a file of size bytes. The state dict
// may be the whole object or lie under the key "state_dict", "model" or
// "model_state_dict"; what is not a tensor in it is left out. Errors wrap ErrFormat or
// pickle.ErrFormat, or pickle.ErrRefused when the file names a function or class that
// no state dict needs.
func Open(r io.ReaderAt, size int64) (*File, error) {
	var start [8]byte
	n, err := r.ReadAt(start[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var format string
	var root any
	switch {
	case bytes.HasPrefix(start[:n], []byte("PK\x03\x04")):
		format = "PyTorch zip"
		root, err = readZip(r, size)
	case bytes.HasPrefix(start[:n], []byte{0x80}):
		format = "older PyTorch"
		root, err = readLegacy(r, size)
	default:
		return nil, fmt.Errorf("%w: it begins like neither of torch.save's formats", ErrFormat)
	}
	if errors.Is(err, pickle.ErrRefused) {
		return nil, fmt.Errorf("%w: save the weights alone, torch.save(model.state_dict(), …)", err)
	}
	if err != nil {
		return nil, err
	}
	f := &File{Format: format, tensors: map[string]*tensor{}}
	dict, err := stateDict(root)
	if err != nil {
		return nil, err
	}
	for _, item := range dict.Items {
		t, ok := item.Value.(*tensor)
		if !ok {
			continue
		}
		name, ok := item.Key.(string)
		if !ok {
			return nil, fmt.Errorf("%w: a tensor's name is no string", ErrFormat)
		}
		if f.tensors[name] != nil {
			return nil, fmt.Errorf("%w: %q is there twice", ErrFormat, name)
		}
		f.tensors[name] = t
		f.Infos = append(f.Infos, Info{Name: name, DType: t.storage.dtype, Shape: t.shape})
	}
	return f, nil
}

// Tensor reads one tensor as float32. It reads floating-point types and I64.
func (f *File) Tensor(name string) (weights.Tensor, error) {
	t := f.tensors[name]
	if t == nil {
		return weights.Tensor{}, fmt.Errorf("%w: %s is missing", ErrFormat, name)
	}
	out, err := t.read()
	if err != nil {
		return weights.Tensor{}, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}
