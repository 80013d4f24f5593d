package pickle

import (
	"encoding/binary"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"
)

// proto begins every pickle of protocol 2.
const proto = "\x80\x02"

// decode reads a pickle with the names that the tests know: a dict class, a class
// that can be named and not called, and storages that are their own id.
func decode(program string) (any, error) {
	d := NewDecoder(strings.NewReader(program))
	d.Find = func(module, name string) *Global {
		switch module + "." + name {
		case "collections.OrderedDict":
			return &Global{Module: module, Name: name, Call: NewDict}
		case "torch.FloatStorage":
			return &Global{Module: module, Name: name}
		}
		return nil
	}
	d.Persistent = func(id any) (any, error) { return id, nil }
	return d.Decode()
}

func TestValues(t *testing.T) {
	power := func(n uint, add int64) *big.Int {
		v := new(big.Int).Lsh(big.NewInt(1), n)
		return v.Add(v, big.NewInt(add))
	}
	dict := func(items ...Item) *Dict { return &Dict{Items: items} }
	list := func(items ...any) *List { return &List{Items: items} }
	// The programs are what Python 3.11's pickle.dumps(value, 2) gives, but for the
	// last four: Python 2's strings and OrderedDict, a state and an outside object.
	for _, c := range []struct {
		program string
		want    any
	}{
		{"N.", nil},
		{"\x88.", true},
		{"\x89.", false},
		{"K\x05.", int64(5)},
		{"M,\x01.", int64(300)},
		{"J\xf9\xff\xff\xff.", int64(-7)},
		{"Jp\x11\x01\x00.", int64(70000)},
		{"\x8a\x05\x00\x00\x00\x80\x00.", int64(1) << 31},
		{"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.", int64(-1) << 63},
		{"\x8a\x0a\x01\x00\x00\x00\x00\x00\x00\x00\x00 .", power(77, 1)},
		{"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xc0.", new(big.Int).Neg(power(70, 0))},
		{"\x8a\x00.", int64(0)},
		{"G?\xf8\x00\x00\x00\x00\x00\x00.", 1.5},
		{"X\x02\x00\x00\x00\xc3\xa9q\x00.", "é"},
		{").", Tuple{}},
		{"K\x01\x85q\x00.", Tuple{int64(1)}},
		{"K\x01K\x02\x86q\x00.", Tuple{int64(1), int64(2)}},
		{"K\x01K\x02K\x03\x87q\x00.", Tuple{int64(1), int64(2), int64(3)}},
		{"(K\x01K\x02K\x03K\x04tq\x00.", Tuple{int64(1), int64(2), int64(3), int64(4)}},
		{"]q\x00(K\x01]q\x01K\x02ae.", list(int64(1), list(int64(2)))},
		{"}q\x00(X\x01\x00\x00\x00aq\x01K\x01K\x02K\x03\x85q\x02u.", dict(Item{"a", int64(1)}, Item{int64(2), Tuple{int64(3)}})},
		{"ccollections\nOrderedDict\nq\x00)Rq\x01X\x01\x00\x00\x00aq\x02K\x01s.", dict(Item{"a", int64(1)})},
		{"]q\x00(X\x02\x00\x00\x00xxq\x01h\x01e.", list("xx", "xx")},
		{"(X\x01\x00\x00\x00ar\x00\x01\x00\x00j\x00\x01\x00\x00t.", Tuple{"a", "a"}},
		{"U\x01aT\x01\x00\x00\x00b\x86.", Tuple{"a", "b"}},
		{"ccollections\nOrderedDict\n]](U\x01aK\x01ea\x85R.", dict(Item{"a", int64(1)})},
		{"ccollections\nOrderedDict\n)\x81}b.", dict()},
		{"ctorch\nFloatStorage\n\x85Q.", Tuple{&Global{Module: "torch", Name: "FloatStorage"}}},
	} {
		got, err := decode(proto + c.program)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %#v, %v; want %#v", c.program, got, err, c.want)
		}
	}
}

func TestOneBehindTheOther(t *testing.T) {
	d := NewDecoder(strings.NewReader("K\x01.\x80\x02]q\x00.K\x03.rest"))
	for _, offset := range []int64{3, 9, 12} {
		if _, err := d.Decode(); err != nil || d.Offset() != offset {
			t.Fatalf("ends at %d, %v; want %d", d.Offset(), err, offset)
		}
	}
}

// What people hide in a pickle. None of it may pass, and the message names it.
func TestRefusesCode(t *testing.T) {
	arg := "X\x02\x00\x00\x00ls\x85R."
	for name, program := range map[string]string{
		"os.system":                 "cos\nsystem\n" + arg,
		"posix.system":              "cposix\nsystem\n" + arg,
		"builtins.eval":             "cbuiltins\neval\n" + arg,
		"__builtin__.eval":          "c__builtin__\neval\n" + arg,
		"builtins.getattr":          "cbuiltins\ngetattr\nN.",
		"subprocess.Popen":          "csubprocess\nPopen\n)R.",
		"torch.load":                "ctorch\nload\n" + arg,
		"torch.hub.load":            "ctorch.hub\nload\n" + arg,
		"torch.hub.load ":           "ctorch\nhub.load\n" + arg,
		"collections.OrderedDict.x": "ccollections\nOrderedDict.x\n)R.",
		"collections .OrderedDict":  "ccollections \nOrderedDict\n)R.",
		".":                         "c\n\n)R.",
		"os.system named only":      "}X\x01\x00\x00\x00acos\nsystem\ns.",
		"os.system as a class":      "cos\nsystem\n)\x81.",
	} {
		got, err := decode(proto + program)
		want := strings.Fields(name + " .")[0]
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want a refusal that names it", name, got, err)
		}
	}
	if got, err := decode("ctorch\nFloatStorage\n)R."); !errors.Is(err, ErrRefused) {
		t.Errorf("called what may only be named: %v, %v", got, err)
	}
	if got, err := NewDecoder(strings.NewReader("K\x01Q.")).Decode(); !errors.Is(err, ErrRefused) {
		t.Errorf("a persistent id without a meaning: %v, %v", got, err)
	}
}

func TestBrokenPrograms(t *testing.T) {
	for what, program := range map[string]string{
		"nothing":                      "",
		"no end":                       "K\x01",
		"cut in a number":              "J\x01\x02",
		"cut in a string":              "X\x05\x00\x00\x00ab",
		"cut in a name":                "cos",
		"a string of 4 GB":             "X\xff\xff\xff\xffab",
		"a string over the limit":      "X\x01\x00\x10\x00" + strings.Repeat("a", 1<<20+1) + ".",
		"a name over the limit":        "c" + strings.Repeat("a", 1<<11) + "\nb\n.",
		"a string that is not UTF-8":   "X\x01\x00\x00\x00\xff.",
		"stop on nothing":              ".",
		"tuple of nothing":             "\x85.",
		"tuple of too little":          "K\x01\x86.",
		"tuple without a mark":         "K\x01t.",
		"value from below a mark":      "K\x01(\x85.",
		"stop below a mark":            "K\x01(.",
		"append to a number":           "K\x01K\x02a.",
		"append to nothing":            "K\x02a.",
		"appends to a tuple":           ")(K\x01e.",
		"item of a list":               "]K\x01K\x02s.",
		"key without a value":          "}(K\x01u.",
		"recall of nothing":            "h\x07.",
		"remember nothing":             "q\x00.",
		"call of a number":             "K\x01)R.",
		"call without a tuple":         "ccollections\nOrderedDict\n]R.",
		"dict of a number":             "ccollections\nOrderedDict\nK\x01\x85R.",
		"dict of two lists":            "ccollections\nOrderedDict\n]]\x86R.",
		"dict of a triple":             "ccollections\nOrderedDict\n]K\x01K\x02K\x03\x87a\x85R.",
		"state of a number":            "K\x01}b.",
		"state on nothing":             "}b.",
		"protocol 4":                   "\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00K\x01.",
		"old text opcode":              "I5\n.",
		"INST, which calls by name":    "(ios\nsystem\n.",
		"OBJ, which calls from a mark": "(cos.",
		"STACK_GLOBAL":                 "U\x02osU\x06system\x93.",
		"EXT1":                         "\x82\x01.",
		"POP, which no state dict has": "NN0.",
		"nesting":                      strings.Repeat("(", maxMarks+1) + strings.Repeat("t", maxMarks+1) + ".",
		"a large memo":                 "N" + memo(maxMemo+1) + ".",
		"a tall stack":                 strings.Repeat("N", maxStack+1) + ".",
		"a long program":               strings.Repeat("]", maxStack) + strings.Repeat("a", maxStack-1) + strings.Repeat("Na", maxBytes/2) + ".",
	} {
		if got, err := decode(program); !errors.Is(err, ErrFormat) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %T, %v; want ErrFormat", what, got, err)
		}
	}
}

// memo remembers the value on the stack n times.
func memo(n uint32) string {
	var program []byte
	for i := range n {
		program = binary.LittleEndian.AppendUint32(append(program, opLongBinPut), i)
	}
	return string(program)
}

// Containers in themselves and very deep ones are values like any other: nothing
// here walks them.
func TestRecursion(t *testing.T) {
	got, err := decode(proto + "]q\x00h\x00a.")
	if list, ok := got.(*List); err != nil || !ok || list.Items[0] != got {
		t.Errorf("a list in itself: %v", err)
	}
	if _, err := decode("N" + strings.Repeat("\x85", maxBytes-2) + "."); err != nil {
		t.Errorf("four million nested tuples: %v", err)
	}
}

func TestGet(t *testing.T) {
	d := &Dict{Items: []Item{{"a", 1}, {Tuple{"a"}, 2}, {"a", 3}}}
	if v, ok := d.Get("a"); !ok || v != 3 {
		t.Errorf("a is %v, want the last value 3", v)
	}
	if _, ok := d.Get("b"); ok {
		t.Error("b is there")
	}
}
