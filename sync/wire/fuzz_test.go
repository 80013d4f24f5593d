package wire

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzWire reads messages as a hub gets them from anybody with a certificate: what is taken
// must come out the same when it is written again, and nothing may take more room than is
// allowed.
func FuzzWire(f *testing.F) {
	batch, err := Batch{Epoch: "e-1", Bodies: [][]byte{[]byte(`{"epoch":"e-1","seq":1}`), []byte(`{"epoch":"e-1","seq":2,"score":null}`)}}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(batch)
	f.Add(pack([]byte(`{"v":1,"epoch":"e-1"}` + "\n" + `{"epoch":"e-1","seq":18446744073709551615}`)))
	f.Add([]byte(`{"epoch":"e-1","last":7,"state":"running"}`))
	f.Add(Acked{Epoch: "e-1", Upto: 9}.Encode())
	f.Add([]byte("lungbox/v1/site/box/result"))
	f.Fuzz(func(t *testing.T, message []byte) {
		if epoch, items, err := Decode(message); err == nil {
			all := Batch{Epoch: epoch}
			for _, i := range items {
				if bytes.ContainsAny(i.Body, "\n") || i.Seq == 0 {
					t.Fatalf("result %d: %q", i.Seq, i.Body)
				}
				all.Bodies = append(all.Bodies, i.Body)
			}
			again, err := all.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if e, same, err := Decode(again); err != nil || e != epoch || len(same) != len(items) {
				t.Fatalf("%d results become %d, %v", len(items), len(same), err)
			}
		}
		if s, err := DecodeStatus(message); err == nil {
			if again, err := DecodeStatus(s.Encode()); err != nil || again.Epoch != s.Epoch {
				t.Fatalf("%+v becomes %+v, %v", s, again, err)
			}
		}
		if a, err := DecodeAck(message); err == nil {
			if _, err := DecodeAck(a.Encode()); err != nil {
				t.Fatalf("%+v: %v", a, err)
			}
		}
		_, _ = DecodeNotes(message) // must not panic
		if b, k, err := Parse(string(message)); err == nil && (strings.ContainsAny(b.Site+b.Device, "/+#\x00") || k == "") {
			t.Fatalf("topic %q is of %v, %q", message, b, k)
		}
	})
}
