package torchfile

import (
	"archive/zip"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"lungbox/training/transfer/pickle"
)

const eight = "\x00\x00\x80\x3f\x00\x00\x00\x40" // 1 and 2 in float32

// The builders make files that can be read; the attacks below differ in one point.
func TestHandmadeFiles(t *testing.T) {
	id := storageID(float, "0", 2)
	old := storageID(float, "0", 2, "N")
	value := record{name: "a/data/0", content: eight}
	vector := rebuild(id, 0, nums(2), nums(1))
	for what, data := range map[string][]byte{
		"zip":            zipFile(t, dict("w", vector), value),
		"legacy":         legacyFile(dict("w", rebuild(old, 0, nums(2), nums(1))), str("0"), block(2, eight)),
		"under model":    zipFile(t, dict("epoch", "K\x05", "model", dict("state_dict", dict("w", vector, "n", "K\x01"))), value),
		"from a GPU":     zipFile(t, dict("w", rebuild(storageID("torch.cuda\nFloatStorage", "0", 2), 0, nums(2), nums(1))), value),
		"byte order":     zipFile(t, dict("w", vector), value, record{name: "a/byteorder", content: "little"}),
		"climbing paths": zipFile(t, dict("w", vector), value, record{name: "../../etc/passwd", content: "x"}),
		// As PyTorch before 0.4 wrote it: no _v2, and a Parameter with its state.
		"old tensor":    legacyFile(dict("w", "ctorch._utils\n_rebuild_tensor\n"+tuple(old, num(0), nums(2), nums(1))+"R"), str("0"), block(2, eight)),
		"old parameter": legacyFile(dict("w", "ctorch.nn.parameter\nParameter\n"+tuple(rebuild(old, 0, nums(2), nums(1)))+"R"+tuple("\x88", "\x89", "N")+"b"), str("0"), block(2, eight)),
		"sizes as Size": zipFile(t, dict("w", rebuild(id, 0, "ctorch\nSize\n"+tuple(nums(2))+"R", nums(1))), value),
	} {
		f, err := openBytes(data)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if got, err := f.Tensor("w"); err != nil || !slices.Equal(got.Data, []float32{1, 2}) {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
}

func TestAttacks(t *testing.T) {
	id := storageID(float, "0", 2)
	value := record{name: "a/data/0", content: eight}
	zipped := func(tensor string) []byte { return zipFile(t, dict("w", tensor), value) }
	view := func(first int64, shape, stride string) []byte { return zipped(rebuild(id, first, shape, stride)) }
	vector := rebuild(id, 0, nums(2), nums(1))
	legacy := func(id, keys, rest string) []byte {
		return legacyFile(dict("w", rebuild(id, 0, nums(2), nums(1))), keys, rest)
	}
	old := storageID(float, "0", 2, "N")
	const most = math.MaxInt64
	for _, c := range []struct {
		what string
		data []byte
		want string
	}{
		{"code beside the weights", zipFile(t, dict("w", vector, "x", "cos\nsystem\n"+tuple(str("ls"))+"R"), value), `"os.system"`},
		{"code in place of the object, older format", legacyFile("cbuiltins\neval\n"+tuple(str("1"))+"R", "", ""), `"builtins.eval"`},
		{"code in the magic number", []byte("\x80\x02cos\nsystem\n."), `"os.system"`},
		{"code in place of the keys", []byte(magic + v1001 + system + "N.cos\nsystem\n."), `"os.system"`},
		{"a storage class that is called", zipped("ctorch\nFloatStorage\n)R"), "refused"},
		{"a storage class of another module", zipped(rebuild(storageID("os\nFloatStorage", "0", 2), 0, nums(2), nums(1))), `"os.FloatStorage"`},
		{"quantised", zipped("ctorch._utils\n_rebuild_qtensor\n)R"), `"torch._utils._rebuild_qtensor"`},

		{"one value too far", view(1, nums(2), nums(1)), "beyond its storage"},
		{"scalar too far", view(2, nums(), nums()), "beyond its storage"},
		{"stride too far", view(0, nums(2), nums(2)), "beyond its storage"},
		{"a stride that wraps", view(0, nums(5), nums(1<<62)), "beyond its storage"},
		{"a sum that wraps", view(2, nums(3), nums(most)), "beyond its storage"},
		{"offset that wraps", view(most, nums(2), nums(most)), "beyond its storage"},
		{"negative offset", view(-1, nums(2), nums(1)), "a tensor of shape"},
		{"negative stride", view(1, nums(2), nums(-1)), "a tensor of shape"},
		{"negative size", view(0, nums(-2), nums(1)), "a tensor of shape"},
		{"a size beyond 63 bits", view(0, tuple("\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01"), nums(1)), "a tensor of shape"},
		{"huge by stride 0", view(0, nums(1<<20, 1<<20), nums(0, 0)), "more than"},
		{"a product that wraps", view(0, nums(1<<28, 1<<36), nums(0, 0)), "more than"},
		{"65 dimensions", view(0, nums(make([]int64, 65)...), nums(make([]int64, 65)...)), "a tensor of shape"},
		{"fewer strides than sizes", view(0, nums(1, 2), nums(1)), "a tensor of shape"},
		{"a list for a shape", zipped(rebuild(id, 0, "]", "]")), "a tensor of shape"},
		{"a number for a storage", zipped(rebuild("K\x01", 0, nums(1), nums(1))), "a tensor of shape"},
		{"too few arguments", zipped("ctorch._utils\n_rebuild_tensor_v2\n)R"), "0 arguments"},
		{"a parameter of nothing", zipped("ctorch._utils\n_rebuild_parameter\n)R"), "no tensor"},
		{"a tensor with another state", zipped(vector + "}b"), "unknown state"},
		{"Size of a number", zipped("ctorch\nSize\nK\x01\x85R"), "torch.Size"},

		{"a negative number of values", zipped(rebuild(storageID(float, "0", -1), 0, nums(0), nums(1))), "id of something other"},
		{"a number of values that wraps", zipped(rebuild(storageID(float, "0", 1<<62), 0, nums(2), nums(1))), "id of something other"},
		{"an id that is no tuple", zipped("K\x01Q"), "id of something other"},
		{"a module's source", zipped(tuple(str("module"), "N", "N", "N", "N") + "Q"), "id of something other"},
		{"a class that is no storage", zipped(rebuild(storageID("collections\nOrderedDict", "0", 2), 0, nums(2), nums(1))), "collections.OrderedDict"},
		{"a view of a storage", legacy(storageID(float, "0", 2, nums(1, 0, 1)), str("0"), block(2, eight)), "newer PyTorch"},
		{"one storage in two types", zipFile(t, dict("w", vector, "v", rebuild(storageID("torch\nHalfStorage", "0", 2), 0, nums(2), nums(1))), value), "two types or sizes"},
		{"one storage in two sizes", zipFile(t, dict("w", vector, "v", rebuild(storageID(float, "0", 3), 0, nums(2), nums(1))), value), "two types or sizes"},

		{"a name twice", zipFile(t, dict("w", vector, "w", vector), value), `"w" is there twice`},
		{"a name that is no string", zipFile(t, "}("+num(1)+vector+"u", value), "no string"},
		{"no dict", zipFile(t, vector, value), "state_dict()"},
		{"an empty dict", zipFile(t, "}"), "no tensors"},
		{"a dict in itself", zipFile(t, "}q\x00("+str("model")+"h\x00u"), "no tensors"},

		{"no record", zipFile(t, dict("w", vector)), "record is missing"},
		{"a record for the path of another", zipFile(t, dict("w", rebuild(storageID(float, "../data.pkl", 2), 0, nums(2), nums(1)))), "record is missing"},
		{"a short record", zipFile(t, dict("w", vector), record{name: "a/data/0", content: "1234"}), "4 bytes, want 8"},
		{"a compressed record", zipFile(t, dict("w", vector), record{name: "a/data/0", content: eight, method: zip.Deflate}), "compressed"},
		{"a compressed object", archive(t, record{name: "a/data.pkl", content: "N.", method: zip.Deflate}), "compressed"},
		{"a record twice", zipFile(t, dict("w", vector), value, value), "there twice"},
		{"two objects", zipFile(t, dict("w", vector), value, record{name: "b/data.pkl", content: "N."}), "two objects"},
		{"big-endian", zipFile(t, dict("w", vector), value, record{name: "a/byteorder", content: "big"}), `"big"`},
		{"TorchScript", zipFile(t, dict("w", vector), value, record{name: "a/constants.pkl", content: "N."}), "TorchScript"},
		{"an archive of something else", archive(t, record{name: "a/readme", content: "x"}), "without data.pkl"},

		{"older format, other magic", []byte("\x80\x02\x8a\x01\x05."), "magic"},
		{"older format, other version", []byte(magic + "\x80\x02K\x05."), "version other than 1001"},
		{"older format, big-endian", []byte(strings.Replace(magic+v1001+system, "\x88", "\x89", 1)), "big-endian"},
		{"older format, no system", []byte(magic + v1001 + "N."), "system"},
		{"older format, keys no list", []byte(magic + v1001 + system + "N.}."), "no list"},
		{"older format, other number of values", legacy(old, str("0"), block(3, eight)), "3 values, its tensors say 2"},
		{"older format, a number that wraps", legacy(old, str("0"), block(-1, eight)), "18446744073709551615"},
		{"older format, cut values", legacy(old, str("0"), block(2, "1234567")), "cut short"},
		{"older format, a key twice", legacy(old, str("0")+str("0"), block(2, eight)+block(2, eight)), "listed twice"},
		{"older format, a key of nothing", legacy(old, str("1"), block(2, eight)), "not used"},
		{"older format, a key that is a number", legacy(old, "K\x00", block(2, eight)), "not used"},
		{"older format, no such storage", legacy(old, "", ""), "not in the file"},
		{"something else", []byte("hello"), "neither"},
		{"nothing", nil, "neither"},
	} {
		f, err := openBytes(c.data)
		if err == nil {
			_, err = f.Tensor("w")
		}
		known := errors.Is(err, ErrFormat) || errors.Is(err, pickle.ErrFormat) || errors.Is(err, pickle.ErrRefused)
		if !known || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", c.what, err, c.want)
		}
	}
}

// Small files that claim much take little memory.
func TestBombs(t *testing.T) {
	zeros := strings.Repeat("\x00", 64<<20)
	var directory []record
	for i := range 200_000 {
		directory = append(directory, record{name: "a/data/" + strings.Repeat("x", 40) + str(num(int64(i)))})
	}
	for what, data := range map[string][]byte{
		"a pickle that unpacks to 64 MB":  archive(t, record{name: "a/data.pkl", content: zeros, method: zip.Deflate}),
		"values that unpack to 64 MB":     zipFile(t, dict("w", rebuild(storageID(float, "0", 16<<20), 0, nums(16<<20), nums(1))), record{name: "a/data/0", content: zeros, method: zip.Deflate}),
		"200,000 records":                 zipFile(t, "N", directory...),
		"a terabyte in the older format":  legacyFile(dict("w", rebuild(storageID(float, "0", 1<<40, "N"), 0, nums(1<<28), nums(1))), str("0"), block(1<<40, eight)),
		"a gigabyte that is not there":    legacyFile(dict("w", rebuild(storageID(float, "0", 1<<28, "N"), 0, nums(1<<28), nums(1))), "", ""),
		"a string that is not there":      []byte("\x80\x02X\xff\xff\x0f\x00"),
		"a pickle that grows by memory's": zipFile(t, "]q\x00"+strings.Repeat("(h\x00h\x00e", 1<<18)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := openBytes(data)
		if err == nil {
			_, err = f.Tensor("w")
		}
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: read", what)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > 64<<20 {
			t.Errorf("%s: took %d MB", what, taken>>20)
		}
	}
}
