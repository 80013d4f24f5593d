package serial

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// FuzzBytes reads the bytes of a tower as a technician writes them.
func FuzzBytes(f *testing.F) {
	for _, text := range []string{"A0 01 01 A2", "", "zz", "a", "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", "\t0A\n0b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := parse(text)
		if err != nil {
			return
		}
		if len(b) == 0 || len(b) > longest {
			t.Fatalf("%q gives %d bytes", text, len(b))
		}
		if again, err := parse(hex.EncodeToString(b)); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q gives % x, then % x, %v", text, b, again, err)
		}
	})
}
