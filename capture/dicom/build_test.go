package dicom

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lungbox/capture"
)

// builder writes DICOM files byte by byte, so that they can be as wrong as wanted.
type builder struct {
	implicit bool
	data     bytes.Buffer
}

// add writes one element; pad brings its value to an even length.
func (b *builder) add(tag uint32, vr string, value []byte) *builder {
	if len(value)%2 == 1 {
		pad := byte(' ')
		if vr == "UI" || vr == "OB" {
			pad = 0
		}
		value = append(bytes.Clone(value), pad)
	}
	b.head(tag, vr, uint32(len(value)))
	b.data.Write(value)
	return b
}

// head writes an element's header with any length.
func (b *builder) head(tag uint32, vr string, length uint32) *builder {
	le := binary.LittleEndian
	head := le.AppendUint16(le.AppendUint16(nil, uint16(tag>>16)), uint16(tag))
	switch {
	case b.implicit && tag>>16 != 2 || tag>>16 == 0xfffe:
		head = le.AppendUint32(head, length)
	case longVR(vr):
		head = le.AppendUint32(append(append(head, vr...), 0, 0), length)
	default:
		head = le.AppendUint16(append(head, vr...), uint16(length))
	}
	b.data.Write(head)
	return b
}

func (b *builder) text(tag uint32, vr, value string) *builder { return b.add(tag, vr, []byte(value)) }

func (b *builder) short(tag uint32, values ...uint16) *builder {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint16(raw, v)
	}
	return b.add(tag, "US", raw)
}

func (b *builder) long(tag uint32, v uint32) *builder {
	return b.add(tag, "UL", binary.LittleEndian.AppendUint32(nil, v))
}

func (b *builder) bytes() []byte { return b.data.Bytes() }

// start is a new file with its head; syntax "" leaves the transfer syntax out.
func start(syntax string) *builder {
	b := &builder{implicit: syntax == implicitLittleEndian}
	b.data.WriteString(strings.Repeat("\x00", 128) + "DICM")
	if syntax != "" {
		b.text(0x0002_0010, "UI", syntax)
	}
	return b
}

// picture describes a plain file.
type picture struct {
	syntax        string
	rows, columns uint16
	frames        string // "" for a single frame
	samples       uint16
	photometric   string
	bits          [3]uint16 // allocated, stored, high
	signed        uint16
	planar        uint16
	extra         func(b *builder) // between Pixel Representation and Pixel Data
	pixels        []byte
}

func (p picture) build() *builder {
	if p.syntax == "" {
		p.syntax = explicitLittleEndian
	}
	bits := p.bits
	if bits == [3]uint16{} {
		bits = [3]uint16{8, 8, 7}
	}
	b := start(p.syntax).text(0x0008_0060, "CS", "US").text(0x0010_0010, "PN", "Doe^Jane")
	b.short(0x0028_0002, p.samples).text(0x0028_0004, "CS", p.photometric).short(0x0028_0006, p.planar)
	if p.frames != "" {
		b.text(0x0028_0008, "IS", p.frames)
	}
	b.short(0x0028_0010, p.rows).short(0x0028_0011, p.columns)
	b.short(0x0028_0100, bits[0]).short(0x0028_0101, bits[1]).short(0x0028_0102, bits[2]).short(0x0028_0103, p.signed)
	if p.extra != nil {
		p.extra(b)
	}
	if p.pixels != nil {
		b.add(0x7fe0_0010, "OW", p.pixels)
	}
	return b
}

// grey8 is a monochrome picture of the given pixels, in one or more frames.
func grey8(rows, columns uint16, frames string, pixels []byte) picture {
	return picture{rows: rows, columns: columns, frames: frames, samples: 1, photometric: "MONOCHROME2", pixels: pixels}
}

func write(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.dcm")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// run starts a program of dcmtk or gdcm.
func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// read takes all frames of a file through a worker.
func read(t testing.TB, path string, opts Options) (Header, []*capture.Frame, error) {
	t.Helper()
	s, err := Open(context.Background(), path, opts)
	if err != nil {
		return Header{}, nil, err
	}
	defer s.Close()
	var frames []*capture.Frame
	for {
		frame, err := s.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return s.Header(), frames, nil
		}
		if err != nil {
			return s.Header(), frames, err
		}
		frames = append(frames, frame)
	}
}

func words(values ...int) []byte {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(v))
	}
	return raw
}
