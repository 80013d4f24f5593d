package weights

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lungbox/ensemble/arch"
)

func smallNet() *arch.Net {
	return arch.MustNew(arch.Config{Arch: arch.ResNet50, Width: 1.0 / 16, Input: 32, Classes: 4})
}

func encoded(t *testing.T, set Set, dtype DType, metadata map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Write(&out, set, dtype, metadata); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func opened(t *testing.T, data []byte) *File {
	t.Helper()
	f, err := ReadSafetensors(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// officialF32 is what make_fixtures.py stores in official_f32.safetensors.
func officialF32() (Set, map[string]string) {
	kernel := make([]float32, 24)
	for i := range kernel {
		kernel[i] = float32(i) / 7
	}
	return Set{
		"conv.weight": {Shape: []int{2, 3, 2, 2}, Data: kernel},
		"bias":        {Shape: []int{2}, Data: []float32{0.1, -0.2}},
		"é<&>":        {Shape: []int{}, Data: []float32{3}},
		"empty":       {Shape: []int{0, 3}, Data: []float32{}},
	}, map[string]string{"format": "pt <&>"}
}

func TestReadsWhatTheOfficialPackageWrote(t *testing.T) {
	got, metadata, err := LoadFile("testdata/official_f32.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	want, wantMetadata := officialF32()
	if !maps.Equal(metadata, wantMetadata) {
		t.Errorf("metadata %v, want %v", metadata, wantMetadata)
	}
	sameSet(t, got, want, func(_ Tensor, a, b float32) bool { return a == b })
}

// Byte for byte: the official package would write our file.
func TestWritesWhatTheOfficialPackageWrites(t *testing.T) {
	want, err := os.ReadFile("testdata/official_f32.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	set, metadata := officialF32()
	if got := encoded(t, set, F32, metadata); !bytes.Equal(got, want) {
		t.Errorf("wrote\n%q, want\n%q", got, want)
	}
}

func TestReadsEveryType(t *testing.T) {
	f, err := OpenFile("testdata/official_types.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	third := float32(1) / 3
	for name, want := range map[string][]float32{
		"f64":  {third, -1e-30, 1e30},
		"f32":  {third, nan, -inf},
		"f16":  {0.33325195, 65504, inf, 1.0 / (1 << 24), 0, 1.0 / (1 << 24), float32(math.Copysign(0, -1))},
		"bf16": {0.33398438, -3.0040553e+38, 1, 1.015625},
	} {
		got, err := f.Tensor(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if !slices.Equal(got.Shape, []int{len(want)}) || !slices.EqualFunc(got.Data, want, sameBits) {
			t.Errorf("%s: %v of shape %v, want %v", name, got.Data, got.Shape, want)
		}
	}
	for _, name := range []string{"i64", "i8", "flag"} {
		if _, err := f.Tensor(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s was read as floating-point: %v", name, err)
		}
	}
	raw, err := f.Raw("i8")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := io.ReadAll(raw); !bytes.Equal(got, []byte{1, 0x81}) {
		t.Errorf("raw bytes of i8: %v", got)
	}
	if _, err := f.Tensor("none"); !errors.Is(err, ErrMismatch) {
		t.Errorf("a tensor that is not there: %v", err)
	}
}

// sameBits treats all NaN as one.
func sameBits(a, b float32) bool {
	return a != a && b != b || math.Float32bits(a) == math.Float32bits(b)
}

func sameSet(t *testing.T, got, want Set, equal func(want Tensor, a, b float32) bool) {
	t.Helper()
	if !slices.Equal(got.Names(), want.Names()) {
		t.Fatalf("tensors %v, want %v", got.Names(), want.Names())
	}
	for name, w := range want {
		g := got[name]
		if !slices.Equal(g.Shape, w.Shape) || len(g.Data) != len(w.Data) {
			t.Fatalf("%s has shape %v and %d values, want %v and %d", name, g.Shape, len(g.Data), w.Shape, len(w.Data))
		}
		for i := range w.Data {
			if !equal(w, g.Data[i], w.Data[i]) {
				t.Fatalf("%s, value %d: %v, want %v", name, i, g.Data[i], w.Data[i])
			}
		}
	}
}

func TestRoundTripOfANet(t *testing.T) {
	net := smallNet()
	want := Formula(net)
	within := func(share float64) func(Tensor, float32, float32) bool {
		return func(w Tensor, a, b float32) bool {
			if len(w.Shape) < 2 {
				return a == b // biases and normalisation stay float32
			}
			return math.Abs(float64(a-b)) <= share*math.Abs(float64(b))+1.0/(1<<25)
		}
	}
	for dtype, equal := range map[DType]func(Tensor, float32, float32) bool{
		F32:  func(_ Tensor, a, b float32) bool { return a == b },
		F16:  within(1.0 / (1 << 11)),
		BF16: within(1.0 / (1 << 8)),
	} {
		path := filepath.Join(t.TempDir(), "w.safetensors")
		if err := SaveFile(path, want, dtype, nil); err != nil {
			t.Fatal(err)
		}
		got, metadata, err := LoadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(metadata) != 0 {
			t.Errorf("%s: metadata %v out of nowhere", dtype, metadata)
		}
		sameSet(t, got, want, equal)
		if err := Check(net, got); err != nil {
			t.Error(err)
		}
	}
}

func TestBytesDependOnTheSetAlone(t *testing.T) {
	set := Formula(smallNet())
	set["a odd"] = Tensor{Shape: []int{1, 3}, Data: []float32{1, 2, 3}} // 3 or 6 bytes in front of wider types
	metadata := map[string]string{"b": "2", "a": "1", "c": "3"}
	for _, dtype := range []DType{F32, F16, BF16, I8} {
		first := encoded(t, set, dtype, metadata)
		for range 3 {
			if !bytes.Equal(first, encoded(t, maps.Clone(set), dtype, maps.Clone(metadata))) {
				t.Fatalf("%s: two writes of one set differ", dtype)
			}
		}
		for _, e := range opened(t, first).Entries {
			if e.Offset%int64(e.DType.Size()) != 0 {
				t.Errorf("%s: %s of type %s begins at %d, not aligned", dtype, e.Name, e.DType, e.Offset)
			}
		}
	}
}

func TestEmptySet(t *testing.T) {
	f := opened(t, encoded(t, Set{}, F32, nil))
	if set, err := f.Set(); err != nil || len(set) != 0 {
		t.Errorf("%v, %v", set, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	one := Tensor{Shape: []int{1, 1}, Data: []float32{1}}
	with := func(v float32) Set { return Set{"w": {Shape: []int{1, 1}, Data: []float32{v}}} }
	nan := float32(math.NaN())
	for _, c := range []struct {
		what  string
		set   Set
		dtype DType
		want  string
	}{
		{"a type that is only read", Set{"w": one}, F64, "F64"},
		{"an unknown type", Set{"w": one}, "F9", "F9"},
		{"too few values", Set{"w": {Shape: []int{2}, Data: []float32{1}}}, F32, "w holds 1 values"},
		{"a negative size", Set{"w": {Shape: []int{0, -1}}}, F32, "[0 -1]"},
		{"a shape that overflows", Set{"w": {Shape: []int{1 << 40, 1 << 40}}}, F32, "w holds 0 values"},
		{"the name of the metadata", Set{"__metadata__": one}, F32, "__metadata__"},
		{"a name that is not text", Set{"\xff": one}, F32, `\xff`},
		{"more than a half holds", with(65520), F16, "65520"},
		{"more than a brain float holds", with(math.MaxFloat32), BF16, "3.40"},
		{"NaN as int8", with(nan), I8, "not a finite number"},
		{"the name of the scales", Set{"w": one, "w.scale": one}, I8, "w.scale"},
	} {
		if err := Write(io.Discard, c.set, c.dtype, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.what, err, c.want)
		}
	}
	for dtype, v := range map[DType]float32{F16: 65519, BF16: 3.3895e38, F32: nan} {
		if err := Write(io.Discard, with(v), dtype, nil); err != nil {
			t.Errorf("%v as %s: %v", v, dtype, err)
		}
	}
	if err := Write(io.Discard, Set{}, F32, map[string]string{"a": "\xff"}); err == nil {
		t.Error("metadata that is not text was written")
	}
}

func TestSaveFileLeavesTheOldFileWhenItFails(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "w.safetensors")
	old := Set{"w": {Shape: []int{1}, Data: []float32{1}}}
	if err := SaveFile(path, old, F32, nil); err != nil {
		t.Fatal(err)
	}
	bad := Set{"w": {Shape: []int{1, 1}, Data: []float32{1e9}}}
	if err := SaveFile(path, bad, F16, nil); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("want an error that names %s, have %v", path, err)
	}
	got, _, err := LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sameSet(t, got, old, func(_ Tensor, a, b float32) bool { return a == b })
	if left, _ := os.ReadDir(folder); len(left) != 1 {
		t.Errorf("%d files left behind, want 1", len(left))
	}
	if err := SaveFile(filepath.Join(folder, "none", "w"), old, F32, nil); err == nil {
		t.Error("wrote into a folder that is not there")
	}
}
