package ota

import "testing"

// FuzzPieces reads the list of pieces that a download goes by. It is signed; the one who signs
// may be mistaken.
func FuzzPieces(f *testing.F) {
	files := []File{{Name: "net.bin", Bytes: 1000}, {Name: "b", Bytes: 0}}
	f.Add([]byte(`{"net.bin":[[500,"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],[500,"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]]}`))
	f.Add([]byte(`{"net.bin":[[9223372036854775807,"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],[9223372036854775807,""]]}`))
	f.Add([]byte(`{"b":null,"c":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := decodePieces(text, files)
		if err != nil {
			return
		}
		for name, list := range p {
			for _, piece := range list {
				if piece.Offset < 0 || piece.Bytes < 0 || name == "net.bin" && piece.Offset+piece.Bytes > 1000 || name == "b" && piece.Bytes > 0 {
					t.Fatalf("%s: %+v", name, piece)
				}
			}
		}
		if _, err := p.Encode(); err != nil {
			t.Fatal(err)
		}
	})
}
