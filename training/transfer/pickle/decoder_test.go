package pickle

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// The bytes may come in any pieces.
func TestSlowReader(t *testing.T) {
	const program = "\x80\x02}q\x00(X\x03\x00\x00\x00abcK\x01X\x01\x00\x00\x00dG?\xf8\x00\x00\x00\x00\x00\x00u."
	want := &Dict{Items: []Item{{"abc", int64(1)}, {"d", 1.5}}}
	d := NewDecoder(iotest.OneByteReader(strings.NewReader(program + "rest")))
	got, err := d.Decode()
	if err != nil || !reflect.DeepEqual(got, want) || d.Offset() != int64(len(program)) {
		t.Errorf("%v, %v, ends at %d", got, err, d.Offset())
	}
}

// A disk that fails is not a broken file.
func TestReadError(t *testing.T) {
	broken := errors.New("broken disk")
	for _, program := range []string{"", "K", "J\x01", "X\x05\x00\x00\x00ab", "cos"} {
		d := NewDecoder(iotest.ErrReader(broken))
		if program != "" {
			d = NewDecoder(&thenError{strings.NewReader(program), broken})
		}
		if _, err := d.Decode(); !errors.Is(err, broken) || errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, want the disk's error", program, err)
		}
	}
}

// thenError fails where the text ends.
type thenError struct {
	text *strings.Reader
	err  error
}

func (r *thenError) Read(p []byte) (int, error) {
	if r.text.Len() == 0 {
		return 0, r.err
	}
	return r.text.Read(p)
}

// Each pickle has the limit on bytes for itself, and the place of an error is one in
// the whole input.
func TestPlaceOfAnError(t *testing.T) {
	first := "N" + strings.Repeat("\x85", maxBytes/2) + "."
	d := NewDecoder(strings.NewReader(first + first + "K\x01\xff."))
	for range 2 {
		if _, err := d.Decode(); err != nil {
			t.Fatal(err)
		}
	}
	_, err := d.Decode()
	if err == nil || !strings.Contains(err.Error(), "byte 4194311") || !strings.Contains(err.Error(), "opcode 0xff") {
		t.Errorf("%v, want opcode 0xff at byte 4194311", err)
	}
}
