package torchfile

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Any view of a storage, against the definition: value at index i, j, … lies at
// first + i·stride₀ + j·stride₁ + ….
func TestViewsAgainstTheDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		first := random.IntN(4)
		shape, stride := make([]int64, random.IntN(5)), []int64{}
		count, last := 1, first
		for i := range shape {
			shape[i] = int64(1 + random.IntN(4))
			stride = append(stride, int64(random.IntN(9)))
			count *= int(shape[i])
			last += int(shape[i]-1) * int(stride[i])
		}
		want := make([]float32, count)
		for i := range want {
			at, rest := first, i
			for d := len(shape) - 1; d >= 0; d-- {
				at += rest % int(shape[d]) * int(stride[d])
				rest /= int(shape[d])
			}
			want[i] = float32(at)
		}
		var values []byte
		for i := range last + 1 {
			values = binary.LittleEndian.AppendUint64(values, uint64(i))
		}
		id := storageID("torch\nLongStorage", "0", int64(last+1), "N")
		data := legacyFile(dict("w", rebuild(id, int64(first), nums(shape...), nums(stride...))), str("0"), block(int64(last+1), string(values)))
		f, err := openBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Tensor("w"); err != nil || !slices.Equal(got.Data, want) {
			t.Fatalf("shape %v, strides %v from %d: %v, %v; want %v", shape, stride, first, got.Data, err, want)
		}
		// One value less in the storage, and the last one is beyond it.
		short := strings.Replace(string(data), id, storageID("torch\nLongStorage", "0", int64(last), "N"), 1)
		if _, err := openBytes([]byte(short)); err == nil {
			t.Fatalf("shape %v, strides %v from %d: accepted in a storage of %d values", shape, stride, first, last)
		}
	}
}

// Integers may stand beside the weights; only 64-bit ones are ever read.
func TestIntegerTypes(t *testing.T) {
	for class, read := range map[string]bool{
		"LongStorage": true, "IntStorage": false, "ShortStorage": false, "CharStorage": false, "ByteStorage": false, "BoolStorage": false,
	} {
		dtype := storageTypes[class]
		values := string(binary.LittleEndian.AppendUint64(nil, 1))[:dtype.Size()]
		data := zipFile(t, dict("w", rebuild(storageID("torch\n"+class, "0", 1), 0, nums(), nums())), record{name: "a/data/0", content: values})
		f, err := openBytes(data)
		if err != nil {
			t.Errorf("%s: %v", class, err)
			continue
		}
		got, err := f.Tensor("w")
		switch {
		case read && (err != nil || got.Data[0] != 1):
			t.Errorf("%s: %v, %v", class, got, err)
		case !read && (err == nil || !strings.Contains(err.Error(), "w: values of type "+string(dtype))):
			t.Errorf("%s: %v, %v; want an error that names the type", class, got, err)
		}
	}
}

// As Python 2 wrote a state dict: byte strings, an OrderedDict made of a list of
// lists, sizes as longs.
func TestPython2(t *testing.T) {
	short := func(s string) string { return "U" + string([]byte{byte(len(s))}) + s }
	id := tuple(short("storage"), "c"+float+"\n", short("93"), short("cpu"), "\x8a\x01\x02", "N") + "Q"
	tensor := "ctorch._utils\n_rebuild_tensor\n" + tuple(id, "K\x00", tuple("\x8a\x01\x02"), tuple("\x8a\x01\x01")) + "R"
	program := "ccollections\nOrderedDict\n](](" + short("w") + tensor + "ee\x85R"
	f, err := openBytes(legacyFile(program, short("93"), block(2, eight)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Tensor("w"); err != nil || !slices.Equal(got.Data, []float32{1, 2}) {
		t.Errorf("%v, %v", got, err)
	}
}

// Throughput is of float32 values in memory.
func BenchmarkTensor(b *testing.B) {
	const side = 4096 // VGG-19's second linear layer
	values := strings.Repeat(eight, side*side/2)
	for name, stride := range map[string]string{"dense": nums(side, 1), "transposed": nums(1, side)} {
		b.Run(name, func(b *testing.B) {
			id := storageID(float, "0", side*side)
			data := zipFile(b, dict("w", rebuild(id, 0, nums(side, side), stride)), record{name: "a/data/0", content: values})
			b.SetBytes(4 * side * side)
			for b.Loop() {
				f, err := openBytes(data)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := f.Tensor("w"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
