package worker

import (
	"bytes"
	"testing"
)

// FuzzProtocol reads what comes through the pipe between box and worker, which may have gone
// mad.
func FuzzProtocol(f *testing.F) {
	f.Add([]byte("F\x10\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"))
	f.Add([]byte("R\xff\xff\xff\xff"))
	f.Add(append([]byte{1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0}, 1, 2, 3, 4))
	f.Fuzz(func(t *testing.T, stream []byte) {
		const limit = 1 << 16
		in := bytes.NewReader(stream)
		for {
			_, payload, err := receive(in, limit)
			if err != nil {
				break
			}
			_, _, _ = decodeFrame(payload) // must not panic
		}
		if seq, picture, err := decodeFrame(stream); err == nil {
			head, pixels := encodeFrame(seq, picture)
			if !bytes.Equal(append(head, pixels...), stream) {
				t.Fatal("a frame is not what was sent")
			}
		}
	})
}
