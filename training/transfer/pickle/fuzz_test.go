package pickle

import (
	"errors"
	"testing"
)

// Whatever the bytes are, the decoder stops, within its limits, with a value or with
// one of its two errors.
func FuzzDecode(f *testing.F) {
	f.Add("\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01K\x01K\x02K\x03\x85q\x02u.")
	f.Add("\x80\x02ccollections\nOrderedDict\n]](U\x01aK\x01ea\x85R}b.")
	f.Add("\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.")
	f.Add("ctorch\nFloatStorage\n\x85Q.")
	f.Add("\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.")
	f.Fuzz(func(t *testing.T, program string) {
		_, err := decode(program)
		if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrRefused) {
			t.Fatalf("%q: %v", program, err)
		}
	})
}
