package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
)

// file puts a header in front of so many bytes of values.
func file(header string, values int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, values)...)
}

func TestHeaderAttacks(t *testing.T) {
	entry := func(name, dtype, shape string, begin, end int64) string {
		return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, dtype, shape, begin, end)
	}
	f32 := func(name string, begin, end int64) string {
		return entry(name, "F32", fmt.Sprintf("[%d]", (end-begin)/4), begin, end)
	}
	const most = math.MaxInt64
	for _, c := range []struct {
		what string
		data []byte
		want string
	}{
		{"nothing", nil, "0 bytes"},
		{"seven bytes", make([]byte, 7), "7 bytes"},
		{"length only, empty header", make([]byte, 8), "begin with {"},
		{"header longer than the file", append(binary.LittleEndian.AppendUint64(nil, 100), '{', '}'), "header of 100 bytes"},
		{"header length that wraps", append(binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "{}"...), "header of 18446744073709551615"},
		{"header over the limit", binary.LittleEndian.AppendUint64(nil, maxHeader+1), "limit 100000000"},
		{"space before the header", file(" {}", 0), "begin with {"},
		{"an array", file("[]", 0), "begin with {"},
		{"not JSON", file("{nonsense", 0), "header"},
		{"cut JSON", file(`{"a":{"dtype":"F32"`, 0), "header"},
		{"something behind the header", file("{}{}", 0), "goes on"},
		{"not UTF-8", file("{\"\xff\":1}", 0), "UTF-8"},
		{"deep nesting", file(`{"a":`+strings.Repeat("[", 1<<20), 0), "should be"},
		{"deep shape", file(`{"a":{"shape":`+strings.Repeat("[", 1<<20), 0), "where a number"},
		{"a tensor twice", file("{"+f32("a", 0, 4)+","+f32("a", 4, 8)+"}", 8), `"a" is there twice`},
		{"a tensor twice, written differently", file("{"+f32("a", 0, 4)+","+strings.Replace(f32("a", 4, 8), `"a"`, `"\u0061"`, 1)+"}", 8), `"a" is there twice`},
		{"metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, 0), "twice"},
		{"metadata that is not text", file(`{"__metadata__":{"a":1}}`, 0), "string"},
		{"a key twice", file(`{"a":{"dtype":"F32","dtype":"F64","shape":[],"data_offsets":[0,4]}}`, 4), "twice"},
		{"an unknown key", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}`, 4), `unknown key "x"`},
		{"no type", file(`{"a":{"shape":[1],"data_offsets":[0,4]}}`, 4), "unknown type"},
		{"unknown type", file("{"+entry("a", "Q4", "[1]", 0, 4)+"}", 4), `unknown type "Q4"`},
		{"no shape", file(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4), "no shape"},
		{"no offsets", file(`{"a":{"dtype":"F32","shape":[1]}}`, 4), "data_offsets"},
		{"three offsets", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 4), "data_offsets"},
		{"offsets the wrong way round", file("{"+entry("a", "F32", "[1]", 4, 0)+"}", 4), "data_offsets"},
		{"a negative offset", file("{"+entry("a", "F32", "[1]", -4, 0)+"}", 4), "-4"},
		{"a negative size", file("{"+entry("a", "F32", "[-1,-1]", 0, 4)+"}", 4), "-1"},
		{"a fraction", file("{"+entry("a", "F32", "[1.0]", 0, 4)+"}", 4), "1.0"},
		{"a size beyond 63 bits", file("{"+entry("a", "F32", "[9223372036854775808]", 0, 4)+"}", 4), "9223372036854775808"},
		{"a product that wraps to 4", file("{"+entry("a", "F32", "[4611686018427387905]", 0, 4)+"}", 4), "not those of"},
		{"a product that wraps to 0", file("{"+entry("a", "F32", "[4294967296,4294967296]", 0, 0)+"}", 0), "not those of"},
		{"a product that wraps before a zero", file("{"+entry("a", "F32", "[4294967296,4294967296,0]", 0, 0)+"}", 0), "not those of"},
		{"fewer bytes than the shape", file("{"+entry("a", "F32", "[2]", 0, 4)+"}", 4), "not those of"},
		{"beyond the end", file("{"+f32("a", 0, 8)+"}", 4), "cut short"},
		{"lengths whose sum wraps", file("{"+entry("a", "I8", fmt.Sprint("[", most, "]"), 0, most)+","+f32("b", most, most)+"}", 4), "cut short"},
		{"a hole at the front", file("{"+f32("a", 4, 8)+"}", 8), "begins at byte 4"},
		{"a hole between", file("{"+f32("a", 0, 4)+","+f32("b", 8, 12)+"}", 12), "b begins at byte 8"},
		{"an overlap", file("{"+f32("a", 0, 8)+","+f32("b", 4, 8)+"}", 8), "b begins at byte 4"},
		{"one place for two", file("{"+f32("a", 0, 4)+","+f32("b", 0, 4)+"}", 4), "begins at byte 0"},
		{"bytes behind the last tensor", file("{"+f32("a", 0, 4)+"}", 5), "1 bytes behind"},
		{"bytes and no tensor", file("{}", 3), "3 bytes behind"},
	} {
		f, err := ReadSafetensors(bytes.NewReader(c.data), int64(len(c.data)))
		if err == nil {
			t.Errorf("%s: accepted as %v", c.what, f.Entries)
		} else if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want ErrFormat in one line with %q", c.what, err, c.want)
		}
	}
}

func TestHeaderAccepts(t *testing.T) {
	for what, data := range map[string][]byte{
		"spaces behind":            file("{}   ", 0),
		"tensors in another order": file(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 8),
		"empty beside full":        file(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, 4),
		"types we do not convert":  file(`{"b":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}`, 2),
		"values not aligned":       file(`{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}`, 5),
	} {
		if _, err := ReadSafetensors(bytes.NewReader(data), int64(len(data))); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A header is read without touching the values, and a file that shrinks behind our
// back is an error, not zeros.
func TestOnlyTheHeaderIsRead(t *testing.T) {
	data := encoded(t, Set{"w": {Shape: []int{1000}, Data: make([]float32, 1000)}}, F32, nil)
	cut := data[:len(data)-3999]
	f, err := ReadSafetensors(bytes.NewReader(cut), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if e, err := f.Entry("w"); err != nil || e.Len() != 1000 || e.Length != 4000 {
		t.Errorf("entry %+v, %v", e, err)
	}
	if _, err := f.Tensor("w"); !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "read w") {
		t.Errorf("want the end of the file, have %v", err)
	}
}
