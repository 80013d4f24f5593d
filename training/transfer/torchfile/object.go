package torchfile

import (
	"fmt"
	"io"
	"strings"

	"lungbox/ensemble/weights"
	"lungbox/training/transfer/pickle"
)

// storageTypes are the classes of storages by the name of the class.
var storageTypes = map[string]weights.DType{
	"DoubleStorage":   weights.F64,
	"FloatStorage":    weights.F32,
	"HalfStorage":     weights.F16,
	"BFloat16Storage": weights.BF16,
	"LongStorage":     "I64",
	"IntStorage":      "I32",
	"ShortStorage":    "I16",
	"CharStorage":     weights.I8,
	"ByteStorage":     "U8",
	"BoolStorage":     "BOOL",
}

// find gives the names in a state dict their meaning. It is the whole list of what
// a file may name.
func find(module, name string) *pickle.Global {
	global := &pickle.Global{Module: module, Name: name}
	switch module + "." + name {
	case "collections.OrderedDict":
		global.Call = pickle.NewDict
	case "torch.Size":
		global.Call = func(args pickle.Tuple) (any, error) {
			if len(args) == 1 {
				if size, ok := args[0].(pickle.Tuple); ok {
					return size, nil
				}
			}
			return nil, fmt.Errorf("%w: torch.Size of something other than a tuple", ErrFormat)
		}
	case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2":
		global.Call = rebuildTensor
	case "torch._utils._rebuild_parameter",
		"torch.nn.parameter.Parameter", "torch.nn.Parameter", "torch.autograd.variable.Variable": // of PyTorch before 0.4
		global.Call = rebuildParameter
	default:
		if _, ok := storageTypes[name]; !ok || module != "torch" && module != "torch.cuda" {
			return nil
		}
	}
	return global
}

// storage is a run of values of one type in the file.
type storage struct {
	dtype weights.DType
	count int64             // values
	bytes *io.SectionReader // nil until the file said where it lies
	check func() error      // looks for damage before the first read; may be nil
}

// storages are those that a pickle mentions, by key.
type storages map[string]*storage

// persistent is Decoder.Persistent: the id is ("storage", class, key, device, number
// of values) and in the older format one more, which is None but for views, which no
// PyTorch since 0.4 writes.
func (s storages) persistent(id any) (any, error) {
	parts, ok := id.(pickle.Tuple)
	if !ok || len(parts) < 5 || len(parts) > 6 || parts[0] != "storage" {
		return nil, fmt.Errorf("%w: an id of something other than a storage", ErrFormat)
	}
	class, isClass := parts[1].(*pickle.Global)
	key, isKey := parts[2].(string)
	count, isCount := parts[4].(int64)
	if !isClass || !isKey || !isCount || count < 0 || count > 1<<40 {
		return nil, fmt.Errorf("%w: an id of something other than a storage", ErrFormat)
	}
	dtype, ok := storageTypes[class.Name]
	if !ok {
		return nil, fmt.Errorf("%w: storage %s is of class %s", ErrFormat, key, class)
	}
	if len(parts) == 6 && parts[5] != nil {
		return nil, fmt.Errorf("%w: storage %s is a view of another: load and save the file with a newer PyTorch", ErrFormat, key)
	}
	known := s[key]
	if known == nil {
		known = &storage{dtype: dtype, count: count}
		s[key] = known
	}
	if known.dtype != dtype || known.count != count {
		return nil, fmt.Errorf("%w: storage %s has two types or sizes", ErrFormat, key)
	}
	return known, nil
}

// stateDict finds the dict that holds tensors, up to two levels down.
func stateDict(root any) (*pickle.Dict, error) {
	keys := []string{"state_dict", "model", "model_state_dict"}
	for range 3 {
		dict, ok := root.(*pickle.Dict)
		if !ok {
			return nil, fmt.Errorf("%w: it holds something other than a dict: save model.state_dict()", ErrFormat)
		}
		for _, item := range dict.Items {
			if _, ok := item.Value.(*tensor); ok {
				return dict, nil
			}
		}
		root = nil
		for _, key := range keys {
			if inner, ok := dict.Get(key); ok {
				root = inner
				break
			}
		}
		if root == nil {
			break
		}
	}
	return nil, fmt.Errorf("%w: no tensors in it, nor under %s", ErrFormat, strings.Join(keys, ", "))
}
