// Package pickle reads Python pickles of plain data without running any of them.
//
// A pickle is a program for a stack machine, and Python's own reader calls any
// function that the program names. This reader knows only the opcodes of protocol
// 2 that PyTorch writes, and a name stands for nothing unless [Decoder.Find] gives
// it a meaning: whatever is not on the caller's list is an error that names it.
//
// Python's values become these: None nil, bool, int and long int64 or *[big.Int],
// float float64, str string, tuple [Tuple], list *[List], dict *[Dict], a class or
// function *[Global], the result of a call whatever Find's function returns. A list
// or dict may contain itself, so no caller may walk down values without a bound.
package pickle

import (
	"errors"
	"fmt"
)

// ErrFormat is wrapped by errors about bytes that are no pickle, or one over the
// limits of this package.
var ErrFormat = errors.New("not a pickle that can be read")

// ErrRefused is wrapped by errors about pickles that name something outside the
// caller's list.
var ErrRefused = errors.New("refused")

// Limits on one pickle. A state dict of a few hundred tensors stays a hundred
// times below them.
const (
	maxBytes  = 4 << 20 // opcodes and their operands
	maxStack  = 1 << 20 // values on the stack
	maxMemo   = 1 << 18 // values remembered for later
	maxMarks  = 1 << 10 // containers begun and not finished
	maxString = 1 << 20 // bytes
)

// Tuple is a Python tuple.
type Tuple []any

// List is a Python list.
type List struct{ Items []any }

// Dict is a Python dict, of any class, in the order in which its items were set. A
// key that was set twice is there twice.
type Dict struct{ Items []Item }

// Item is one key of a dict with its value.
type Item struct{ Key, Value any }

// Get returns the last value that was set for a key that is a string.
func (d *Dict) Get(key string) (any, bool) {
	for i := len(d.Items) - 1; i >= 0; i-- {
		if d.Items[i].Key == key {
			return d.Items[i].Value, true
		}
	}
	return nil, false
}

// Build ignores what a pickle says about a dict's attributes: PyTorch puts version
// numbers of modules there.
func (d *Dict) Build(any) error { return nil }

// Builder is implemented by values to which a pickle may give a state (Python's
// __setstate__).
type Builder interface{ Build(state any) error }

// Global is a class or function that a pickle names.
type Global struct {
	Module, Name string
	// Call makes the value that the class or function would return for the
	// arguments; nil when it may be named but not called.
	Call func(args Tuple) (any, error)
}

func (g *Global) String() string { return g.Module + "." + g.Name }

// NewDict is the Call of a dict class: of no argument, or of a list of pairs, which
// is how Python 2 pickles an OrderedDict.
func NewDict(args Tuple) (any, error) {
	d := &Dict{}
	if len(args) == 0 {
		return d, nil
	}
	pairs, ok := args[0].(*List)
	if !ok || len(args) > 1 {
		return nil, fmt.Errorf("%w: a dict is made of something other than a list of pairs", ErrFormat)
	}
	for _, pair := range pairs.Items {
		var kv []any
		switch p := pair.(type) {
		case *List:
			kv = p.Items
		case Tuple:
			kv = p
		}
		if len(kv) != 2 {
			return nil, fmt.Errorf("%w: a dict is made of something other than a list of pairs", ErrFormat)
		}
		d.Items = append(d.Items, Item{kv[0], kv[1]})
	}
	return d, nil
}
