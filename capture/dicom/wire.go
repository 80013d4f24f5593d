package dicom

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"image"
	"io"
	"math"

	"lungbox/capture"
)

// The worker's standard output is a stream of messages. Each is one byte for its
// kind, four bytes for the length of its body (big endian) and the body:
//
//	H  Header as JSON, at most 64 KiB; first, once
//	F  a frame: coloured share (float32, big endian), then Rows·Columns grey bytes
//	I  Identity as JSON, at most 64 KiB; alone, when asked for
//	E  an error, the last message: one byte for its class, then one line of text
//	Z  the end, the last message: no body
//
// The reader trusts none of it: lengths are checked before anything is allocated.
const (
	kindHeader = 'H'
	kindFrame  = 'F'
	kindError  = 'E'
	kindEnd    = 'Z'

	maxHeader = 64 << 10
	maxError  = 4 << 10
)

// classes of errors, so that they stay what they are on the other side.
var classes = [...]error{'d' - 'a': ErrDamaged, 'u' - 'a': ErrUnsupported, 'l' - 'a': ErrLimit}

func writeMessage(w io.Writer, kind byte, parts ...[]byte) error {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(size))
	for _, part := range append([][]byte{head}, parts...) {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func writeHeader(w io.Writer, h Header) error {
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return writeMessage(w, kindHeader, body)
}

func writeFrame(w io.Writer, picture *image.Gray, colour float64) error {
	share := binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(colour)))
	return writeMessage(w, kindFrame, share, picture.Pix)
}

func writeError(w io.Writer, err error) error {
	class := byte('x')
	for c, sentinel := range classes {
		if sentinel != nil && errors.Is(err, sentinel) {
			class = 'a' + byte(c)
		}
	}
	text := err.Error()
	return writeMessage(w, kindError, []byte{class}, []byte(text[:min(len(text), maxError-1)]))
}

// remoteError is an error of the worker: its text, and the sentinel it wraps.
type remoteError struct {
	text string
	is   error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.is }

// messages reads the worker's answers.
type messages struct {
	in     *bufio.Reader
	header Header
}

// errWire is a worker that does not speak as agreed: it has crashed, or was taken
// over by the file it read.
var errWire = errors.New("the DICOM worker gave an answer that makes no sense")

func (m *messages) next() (kind byte, size int, err error) {
	var head [5]byte
	if _, err := io.ReadFull(m.in, head[:]); err != nil {
		return 0, 0, io.ErrUnexpectedEOF
	}
	return head[0], int(binary.BigEndian.Uint32(head[1:])), nil
}

func (m *messages) body(size, limit int) ([]byte, error) {
	if size > limit {
		return nil, errWire
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(m.in, body); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return body, nil
}

// readHeader reads the first message.
func (m *messages) readHeader() error {
	kind, size, err := m.next()
	if err != nil {
		return err
	}
	if kind == kindError {
		return m.readError(size)
	}
	body, err := m.body(size, maxHeader)
	if err != nil {
		return err
	}
	if kind != kindHeader || json.Unmarshal(body, &m.header) != nil {
		return errWire
	}
	h := &m.header
	if h.Rows <= 0 || h.Columns <= 0 || int64(h.Rows)*int64(h.Columns) > MaxPixels || h.Frames <= 0 {
		return errWire
	}
	for _, r := range h.Regions {
		if !r.In(image.Rect(0, 0, h.Columns, h.Rows)) {
			return errWire
		}
	}
	return nil
}

// readFrame reads a frame; io.EOF after the last one.
func (m *messages) readFrame() (*capture.Frame, error) {
	kind, size, err := m.next()
	switch {
	case err != nil:
		return nil, err
	case kind == kindEnd && size == 0:
		return nil, io.EOF
	case kind == kindError:
		return nil, m.readError(size)
	case kind != kindFrame || size != 4+m.header.Rows*m.header.Columns:
		return nil, errWire
	}
	share, err := m.body(4, 4)
	if err != nil {
		return nil, err
	}
	picture := image.NewGray(image.Rect(0, 0, m.header.Columns, m.header.Rows))
	if _, err := io.ReadFull(m.in, picture.Pix); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	colour := float64(math.Float32frombits(binary.BigEndian.Uint32(share)))
	if !(colour >= 0 && colour <= 1) {
		return nil, errWire
	}
	return &capture.Frame{Image: picture, Colour: colour, Simulated: m.header.Simulated}, nil
}

func (m *messages) readError(size int) error {
	body, err := m.body(size, maxError)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return errWire
	}
	e := &remoteError{text: string(body[1:])}
	if c := int(body[0]) - 'a'; c >= 0 && c < len(classes) {
		e.is = classes[c]
	}
	return e
}
