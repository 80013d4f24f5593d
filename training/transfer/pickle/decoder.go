package pickle

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Decoder reads pickles that stand one behind the other.
type Decoder struct {
	// Find says what a name in the pickle stands for, nil when it may not be there.
	Find func(module, name string) *Global
	// Persistent returns the object that stands outside the pickle under the id.
	Persistent func(id any) (any, error)

	reader  *bufio.Reader
	read    int64 // bytes, of all pickles so far
	start   int64 // of the current pickle
	scratch [8]byte
}

// NewDecoder returns a decoder that knows no names and no persistent ids.
func NewDecoder(r io.Reader) *Decoder {
	return &Decoder{
		Find:       func(string, string) *Global { return nil },
		Persistent: func(any) (any, error) { return nil, fmt.Errorf("%w: a persistent id", ErrRefused) },
		reader:     bufio.NewReader(r),
	}
}

// Offset is the number of bytes that the pickles read so far took.
func (d *Decoder) Offset() int64 { return d.read }

// Decode reads one pickle and returns its value.
func (d *Decoder) Decode() (any, error) {
	d.start = d.read
	m := machine{decoder: d, memo: map[uint32]any{}}
	value, err := m.run()
	if err != nil {
		return nil, fmt.Errorf("pickle, byte %d: %w", d.read, err)
	}
	return value, nil
}

func (d *Decoder) count(n int) error {
	if d.read+int64(n)-d.start > maxBytes {
		return fmt.Errorf("%w: longer than %d bytes", ErrFormat, maxBytes)
	}
	d.read += int64(n)
	return nil
}

func (d *Decoder) byte() (byte, error) {
	if err := d.count(1); err != nil {
		return 0, err
	}
	b, err := d.reader.ReadByte()
	return b, cut(err)
}

// operand reads n bytes, at most 8, that are valid until the next call.
func (d *Decoder) operand(n int) ([]byte, error) {
	if err := d.count(n); err != nil {
		return nil, err
	}
	_, err := io.ReadFull(d.reader, d.scratch[:n])
	return d.scratch[:n], cut(err)
}

func (d *Decoder) uint32() (uint32, error) {
	b, err := d.operand(4)
	return binary.LittleEndian.Uint32(b), err
}

func (d *Decoder) float64() (float64, error) {
	b, err := d.operand(8)
	return math.Float64frombits(binary.BigEndian.Uint64(b)), err
}

// text reads n bytes. They arrive before room is made for more of them, so that a
// length that lies costs nothing.
func (d *Decoder) text(n uint32) (string, error) {
	if n > maxString {
		return "", fmt.Errorf("%w: a string of %d bytes", ErrFormat, n)
	}
	if err := d.count(int(n)); err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(d.reader, int64(n)))
	if err == nil && len(b) < int(n) {
		err = io.EOF
	}
	return string(b), cut(err)
}

// line reads to the end of a line, of a name at most 1 KB long.
func (d *Decoder) line() (string, error) {
	var line []byte
	for len(line) < 1<<10 {
		b, err := d.byte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return string(line), nil
		}
		line = append(line, b)
	}
	return "", fmt.Errorf("%w: a name longer than %d bytes", ErrFormat, len(line))
}

// cut says what the end of the input means here.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends too early, the file is cut short", ErrFormat)
	}
	return err
}
