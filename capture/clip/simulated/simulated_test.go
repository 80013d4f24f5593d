package simulated

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"testing"
)

func TestPNG(t *testing.T) {
	picture := image.NewGray(image.Rect(0, 0, 20, 10))
	picture.Pix[7] = 200
	var plain bytes.Buffer
	if err := png.Encode(&plain, picture); err != nil {
		t.Fatal(err)
	}
	marked := text(plain.Bytes(), "Lungbox\x00simulated")
	if InPNG(plain.Bytes()) {
		t.Error("a plain PNG passes for simulated")
	}
	if !InPNG(marked) {
		t.Error("the mark is not found again")
	}
	// Decoders check the chunk's CRC, so this proves the chunk well-formed.
	back, err := png.Decode(bytes.NewReader(marked))
	if err != nil {
		t.Fatal(err)
	}
	if got := back.(*image.Gray); !bytes.Equal(got.Pix, picture.Pix) {
		t.Error("marking changed the picture")
	}
	for _, other := range []string{"Lungbox\x00", "Lungbox simulated", "Comment\x00simulated", "Lungbox\x00not simulated"} {
		if InPNG(text(plain.Bytes(), other)) {
			t.Errorf("the text %q passes for the mark", other)
		}
	}
	if InPNG(marked[:50]) || InPNG(append([]byte("GIF89a"), marked[6:]...)) {
		t.Error("a file that is no PNG, or cut within the mark, passes for simulated")
	}
}

// text puts a tEXt chunk behind the first chunk of a PNG file (IHDR, 13 bytes).
func text(file []byte, content string) []byte {
	const headerEnd = 8 + 4 + 4 + 13 + 4
	chunk := append([]byte("tEXt"), content...)
	out := binary.BigEndian.AppendUint32(bytes.Clone(file[:headerEnd]), uint32(len(content)))
	out = append(out, chunk...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(chunk))
	return append(out, file[headerEnd:]...)
}

// comment puts a COM segment behind the start of a JPEG file.
func comment(file []byte, text string) []byte {
	out := append([]byte{}, file[:2]...)
	out = append(out, 0xff, 0xfe, byte((len(text)+2)>>8), byte(len(text)+2))
	return append(append(out, text...), file[2:]...)
}

func TestJPEG(t *testing.T) {
	var plain bytes.Buffer
	if err := jpeg.Encode(&plain, image.NewGray(image.Rect(0, 0, 16, 16)), nil); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		file []byte
		want bool
	}{
		{"plain", plain.Bytes(), false},
		{"marked", comment(plain.Bytes(), "made by Lungbox SIMULATED phantom"), true},
		{"second comment", comment(comment(plain.Bytes(), Comment), "scanner"), true},
		{"other comment", comment(plain.Bytes(), "lungbox"), false},
		{"cut short", comment(plain.Bytes(), Comment)[:10], false},
		{"fill bytes", append([]byte{0xff, 0xd8, 0xff}, comment(plain.Bytes(), Comment)[2:]...), true},
	}
	for _, test := range tests {
		if got := InJPEG(test.file); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func FuzzFiles(f *testing.F) {
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		f.Fatal(err)
	}
	f.Add(text(file.Bytes(), "Lungbox\x00simulated"))
	f.Add(comment([]byte{0xff, 0xd8, 0xff, 0xd9}, Comment))
	f.Fuzz(func(_ *testing.T, file []byte) { // must not panic or hang
		InPNG(file)
		InJPEG(file)
	})
}
