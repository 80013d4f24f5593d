package dicom

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"strings"
	"testing"
)

func reading(stream []byte) *messages {
	return &messages{in: bufio.NewReader(bytes.NewReader(stream))}
}

// What the worker writes is what the parent reads.
func TestWireRoundTrip(t *testing.T) {
	header := Header{Rows: 2, Columns: 3, Frames: 1, Rate: 29.97, Simulated: true, Regions: []image.Rectangle{image.Rect(0, 0, 2, 2)}}
	picture := image.NewGray(image.Rect(0, 0, 3, 2))
	copy(picture.Pix, []byte{1, 2, 3, 4, 5, 255})
	var stream bytes.Buffer
	if err := errors.Join(writeHeader(&stream, header), writeFrame(&stream, picture, 0.25), writeMessage(&stream, kindEnd)); err != nil {
		t.Fatal(err)
	}
	m := reading(stream.Bytes())
	if err := m.readHeader(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.header.Regions, header.Regions) || m.header.Rate != header.Rate || m.header.Frames != 1 {
		t.Errorf("header %+v, want %+v", m.header, header)
	}
	frame, err := m.readFrame()
	if err != nil || !bytes.Equal(frame.Image.Pix, picture.Pix) || frame.Colour != 0.25 || !frame.Simulated {
		t.Errorf("frame %+v, %v", frame, err)
	}
	if _, err := m.readFrame(); !errors.Is(err, io.EOF) {
		t.Errorf("the end reads as %v", err)
	}
}

// Errors keep their text and stay what they are.
func TestWireErrors(t *testing.T) {
	for _, sentinel := range []error{ErrDamaged, ErrUnsupported, ErrLimit, io.ErrClosedPipe} {
		var stream bytes.Buffer
		sent := fmt.Errorf("%w: tag (0028,0010)", sentinel)
		if err := writeError(&stream, sent); err != nil {
			t.Fatal(err)
		}
		got := reading(stream.Bytes()).readHeader()
		if got == nil || got.Error() != sent.Error() {
			t.Errorf("sent %q, got %v", sent, got)
		}
		for _, known := range []error{ErrDamaged, ErrUnsupported, ErrLimit} {
			if errors.Is(got, known) != errors.Is(sent, known) {
				t.Errorf("%q: is %v changes on the way", sent, known)
			}
		}
	}
	var stream bytes.Buffer
	if err := writeError(&stream, errors.New(strings.Repeat("x", 1<<20))); err != nil || stream.Len() > maxError+5 {
		t.Errorf("an endless error is sent with %d bytes, %v", stream.Len(), err)
	}
}

// A reader of hostile messages allocates no more than its limits.
func TestWireLimits(t *testing.T) {
	message := func(kind byte, size uint32, body string) []byte {
		return append([]byte{kind, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}, body...)
	}
	good := `{"Rows":2,"Columns":2,"Frames":1}`
	tests := map[string][]byte{
		"nothing":              nil,
		"cut head":             {kindHeader, 0, 0},
		"cut body":             message(kindHeader, 60, good),
		"frame first":          message(kindFrame, 8, "01234567"),
		"4 GB of header":       message(kindHeader, 0xffff_ffff, good),
		"4 GB of error":        message(kindError, 0xffff_ffff, "d"),
		"error without class":  message(kindError, 0, ""),
		"no JSON":              message(kindHeader, 4, "good"),
		"too many pixels":      message(kindHeader, 43, `{"Rows":99999,"Columns":99999,"Frames":1}  `),
		"negative rows":        message(kindHeader, 34, `{"Rows":-2,"Columns":2,"Frames":1}`),
		"region out of bounds": message(kindHeader, 92, fmt.Sprintf("%-92s", `{"Rows":2,"Columns":2,"Frames":1,"Regions":[{"Min":{"X":0,"Y":0},"Max":{"X":9,"Y":9}}]}`)),
	}
	for name, stream := range tests {
		if err := reading(stream).readHeader(); err == nil {
			t.Errorf("%s is taken for a header", name)
		}
	}
	frames := map[string][]byte{
		"wrong size":            message(kindFrame, 9, "012345678"),
		"colour above 1":        message(kindFrame, 8, "\x40\x00\x00\x00abcd"),
		"colour is no number":   message(kindFrame, 8, "\x7f\xc0\x00\x00abcd"),
		"cut picture":           message(kindFrame, 8, "\x00\x00\x00\x00ab"),
		"second header":         message(kindHeader, uint32(len(good)), good),
		"end with a body":       message(kindEnd, 3, "bye"),
		"a kind that is not":    message('?', 0, ""),
		"broken off in silence": nil,
	}
	for name, stream := range frames {
		m := reading(append(message(kindHeader, uint32(len(good)), good), stream...))
		if err := m.readHeader(); err != nil {
			t.Fatal(err)
		}
		if f, err := m.readFrame(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: frame %v, error %v", name, f, err)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add([]byte("H\x00\x00\x00\x21{\"Rows\":2,\"Columns\":2,\"Frames\":1}F\x00\x00\x00\x08\x00\x00\x00\x00abcdZ\x00\x00\x00\x00"))
	f.Add([]byte("E\x00\x00\x00\x05dtext"))
	f.Fuzz(func(_ *testing.T, stream []byte) { // must not panic, nor allocate beyond MaxPixels
		m := reading(stream)
		if m.readHeader() != nil || m.header.Rows*m.header.Columns > 1<<20 {
			return
		}
		for {
			if _, err := m.readFrame(); err != nil {
				return
			}
		}
	})
}
