package torchfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// Parts of pickles, as torch.save writes them.
const (
	magic  = "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
	v1001  = "\x80\x02M\xe9\x03."
	system = "\x80\x02}(X\x0d\x00\x00\x00little_endian\x88u."
)

func str(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// num is LONG1, which holds any int64.
func num(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func tuple(items ...string) string {
	out := "("
	for _, item := range items {
		out += item
	}
	return out + "t"
}

func nums(values ...int64) string {
	var items []string
	for _, v := range values {
		items = append(items, num(v))
	}
	return tuple(items...)
}

// storageID mentions a storage; the older format has a last part.
func storageID(class, key string, count int64, rest ...string) string {
	return tuple(append([]string{str("storage"), "c" + class + "\n", str(key), str("cpu"), num(count)}, rest...)...) + "Q"
}

const float = "torch\nFloatStorage"

// rebuild makes a tensor with the function of newer PyTorch.
func rebuild(storage string, first int64, shape, stride string) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n" + tuple(storage, num(first), shape, stride, "\x89", "ccollections\nOrderedDict\n)R") + "R"
}

// dict is a state dict of names and values in turn.
func dict(items ...string) string {
	out := "}("
	for i, item := range items {
		if i%2 == 0 {
			item = str(item)
		}
		out += item
	}
	return out + "u"
}

// record is one entry of a zip archive.
type record struct {
	name    string
	content string
	method  uint16
}

// zipFile is a file in the newer format with the pickle and the records.
func zipFile(t testing.TB, program string, records ...record) []byte {
	t.Helper()
	return archive(t, append([]record{{name: "a/data.pkl", content: "\x80\x02" + program + "."}}, records...)...)
}

func archive(t testing.TB, records ...record) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, r := range records {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: r.name, Method: r.method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write([]byte(r.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// block is a storage in the older format: number of values, values.
func block(count int64, content string) string {
	return string(binary.LittleEndian.AppendUint64(nil, uint64(count))) + content
}

// legacyFile is a file in the older format with the pickle, the list of keys and what
// follows.
func legacyFile(program, keys, rest string) []byte {
	return fmt.Appendf(nil, "%s%s%s\x80\x02%s.\x80\x02](%se.%s", magic, v1001, system, program, keys, rest)
}
