package weights

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Whatever the bytes are: an error, or a file of which every tensor can be read,
// written and read again.
func FuzzReadSafetensors(f *testing.F) {
	official, err := filepath.Glob("testdata/official_*.safetensors")
	if err != nil || len(official) == 0 {
		f.Fatal("no official files in testdata", err)
	}
	for _, path := range official {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := ReadSafetensors(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		total := int64(0)
		for _, e := range file.Entries {
			total += e.Length
			if e.Offset < 8 || e.Offset+e.Length > int64(len(data)) || int64(e.Len()*e.DType.Size()) != e.Length {
				t.Fatalf("%+v in a file of %d bytes", e, len(data))
			}
		}
		if total > int64(len(data)) {
			t.Fatalf("%d bytes of tensors in a file of %d", total, len(data))
		}
		set, err := file.Set()
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := Write(&out, set, F32, file.Metadata); err != nil {
			t.Fatal(err)
		}
		again, err := opened(t, out.Bytes()).Set()
		if err != nil {
			t.Fatal(err)
		}
		sameSet(t, again, set, func(_ Tensor, a, b float32) bool { return sameBits(a, b) })
	})
}
