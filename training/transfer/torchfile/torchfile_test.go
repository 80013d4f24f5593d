package torchfile

import (
	"bytes"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"lungbox/ensemble/weights"
	"lungbox/training/transfer/pickle"
)

func openBytes(data []byte) (*File, error) { return Open(bytes.NewReader(data), int64(len(data))) }

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// layouts is the state dict of make_fixtures.py's layouts, in its order.
func layouts() (names []string, want weights.Set) {
	count := func(n, step int) []float32 {
		out := make([]float32, 0, n)
		for i := 0; len(out) < n; i += step {
			out = append(out, float32(i))
		}
		return out
	}
	eighths := count(24, 1)
	for i := range eighths {
		eighths[i] /= 8
	}
	tensor := func(data []float32, shape ...int) weights.Tensor {
		return weights.Tensor{Shape: append([]int{}, shape...), Data: data}
	}
	var transposed, permuted, channelsLast []float32
	for x := range 6 {
		for y := range 4 {
			transposed = append(transposed, float32(6*y+x))
		}
	}
	for c := range 4 {
		for a := range 2 {
			for b := range 3 {
				permuted = append(permuted, float32(12*a+4*b+c))
			}
		}
	}
	channelsLast = count(24, 1) // the same values wherever they lie
	names = []string{"float32", "float64", "float16", "bfloat16", "int64", "scalar", "empty", "transposed", "permuted",
		"sliced", "shared", "expanded", "channels_last", "parameter"}
	return names, weights.Set{
		"float32":       tensor(eighths, 2, 3, 4),
		"float64":       tensor([]float32{1.0 / 3, -1e-30, 1e30}, 3),
		"float16":       tensor([]float32{1.5, 65504, 1.0 / (1 << 24), float32(math.Copysign(0, -1))}, 4),
		"bfloat16":      tensor([]float32{1.5, -3.0040553e+38, 0.33398438}, 3),
		"int64":         tensor([]float32{-1, 1 << 40}, 1, 2),
		"scalar":        tensor([]float32{2.5}),
		"empty":         tensor([]float32{}, 0, 3),
		"transposed":    tensor(transposed, 6, 4),
		"permuted":      tensor(permuted, 4, 2, 3),
		"sliced":        tensor([]float32{5, 8, 11, 14}, 4),
		"shared":        tensor([]float32{20, 21, 22, 23}, 4),
		"expanded":      tensor([]float32{7, 7, 7, 8, 8, 8}, 2, 3),
		"channels_last": tensor(channelsLast, 1, 2, 3, 4),
		"parameter":     tensor([]float32{4, 5}, 2),
	}
}

func TestEveryLayoutInBothFormats(t *testing.T) {
	names, want := layouts()
	for file, format := range map[string]string{"layouts_zip.pth": "PyTorch zip", "layouts_legacy.pth": "older PyTorch"} {
		f, err := openBytes(fixture(t, file))
		if err != nil {
			t.Fatal(err)
		}
		if f.Format != format || len(f.Infos) != len(names) {
			t.Fatalf("%s: %d tensors in format %q, want %d in %q", file, len(f.Infos), f.Format, len(names), format)
		}
		for i, name := range names {
			got, err := f.Tensor(name)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			w := want[name]
			same := slices.EqualFunc(got.Data, w.Data, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
			if f.Infos[i].Name != name || !slices.Equal(f.Infos[i].Shape, w.Shape) || !slices.Equal(got.Shape, w.Shape) || !same {
				t.Errorf("%s: %+v is %v, want %s %v", file, f.Infos[i], got, name, w)
			}
		}
		if f.Infos[2].DType != weights.F16 || f.Infos[4].DType != "I64" {
			t.Errorf("%s: types %s and %s", file, f.Infos[2].DType, f.Infos[4].DType)
		}
		if _, err := f.Tensor("none"); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: a tensor that is not there: %v", file, err)
		}
	}
}

// Files that torch.save wrote and that hold more than weights.
func TestRefusesObjectsByName(t *testing.T) {
	for file, want := range map[string]string{
		"module_zip.pth": "torch.nn.modules.linear.Linear",
		"numpy_zip.pth":  "numpy._core.multiarray.scalar",
	} {
		_, err := openBytes(fixture(t, file))
		if !errors.Is(err, pickle.ErrRefused) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "state_dict()") {
			t.Errorf("%s: %v, want a refusal that names %s and says what to do", file, err, want)
		}
	}
}

// A file cut at any place is an error when it is opened or when a tensor is read.
func TestCutAnywhere(t *testing.T) {
	for _, file := range []string{"layouts_zip.pth", "layouts_legacy.pth"} {
		whole := fixture(t, file)
		for length := range len(whole) {
			f, err := openBytes(whole[:length])
			if err != nil {
				continue
			}
			for _, info := range f.Infos {
				if _, err = f.Tensor(info.Name); err != nil {
					break
				}
			}
			if err == nil {
				t.Fatalf("%s cut to %d of %d bytes was read whole", file, length, len(whole))
			}
		}
	}
}

// A flipped bit in a zip file's values is found by the record's checksum.
func TestDamagedValues(t *testing.T) {
	data := bytes.Clone(fixture(t, "layouts_zip.pth"))
	at := bytes.Index(data, []byte{0, 0, 0, 0x3e, 0, 0, 0x80, 0x3e}) // 1/8 and 1/4 in float32
	if at < 0 {
		t.Fatal("values not found")
	}
	data[at] ^= 1
	f, err := openBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Tensor("float32"); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("%v, want a wrong checksum", err)
	}
	if _, err := f.Tensor("float64"); err != nil {
		t.Errorf("another storage: %v", err)
	}
}
