package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// DType is how a safetensors file stores one value, by the format's own names.
type DType string

// The types of which this package reads or writes values. A header may name any
// type that the format knows.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I8   DType = "I8"
)

// Size is the number of bytes of one value, 0 for a type that the format does not
// know.
func (d DType) Size() int {
	switch d {
	case F64, "I64", "U64":
		return 8
	case F32, "I32", "U32":
		return 4
	case F16, BF16, "I16", "U16":
		return 2
	case I8, "U8", "BOOL", "F8_E4M3", "F8_E5M2":
		return 1
	}
	return 0
}

// maxHeader is the format's own limit on the length of a header in bytes.
const maxHeader = 100_000_000

// ErrFormat is wrapped by every error about a file that breaks the safetensors
// format.
var ErrFormat = errors.New("not a valid safetensors file")

// Entry describes one tensor of a safetensors file.
type Entry struct {
	Name   string
	DType  DType
	Shape  []int
	Offset int64 // of the first byte, counted from the beginning of the file
	Length int64 // in bytes
}

// Len is the number of values.
func (e Entry) Len() int {
	n := 1
	for _, d := range e.Shape {
		n *= d
	}
	return n
}

// File is a safetensors file whose header was read and checked. Tensors are read
// when they are asked for. It is a Source, and safe for concurrent use.
type File struct {
	Metadata map[string]string
	Entries  []Entry // in the order of their bytes

	index  map[string]int
	reader io.ReaderAt
	closer io.Closer
}

// ReadSafetensors reads the header of a safetensors file of size bytes and checks
// all of it before any tensor is read: the header is at most 100 MB, names are
// unique, every tensor's length is that of its shape and type, and the tensors
// cover what follows the header without overlap or hole. Values may be anything,
// NaN too. Errors wrap ErrFormat.
//
// The format: 8 bytes little-endian length of the header, the header in JSON
// ({"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}, …} with an
// optional "__metadata__" of strings, padded with spaces), the values.
func ReadSafetensors(r io.ReaderAt, size int64) (*File, error) {
	var prefix [8]byte
	if size < int64(len(prefix)) {
		return nil, fmt.Errorf("%w: %d bytes hold no header", ErrFormat, size)
	}
	if n, err := r.ReadAt(prefix[:], 0); n < len(prefix) {
		return nil, fmt.Errorf("read safetensors header: %w", err)
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader || int64(length) > size-int64(len(prefix)) {
		return nil, fmt.Errorf("%w: header of %d bytes in a file of %d (limit %d)", ErrFormat, length, size, maxHeader)
	}
	header := make([]byte, length)
	if n, err := r.ReadAt(header, int64(len(prefix))); n < len(header) {
		return nil, fmt.Errorf("read safetensors header: %w", err)
	}
	f := &File{reader: r}
	if err := f.parse(header, int64(len(prefix)+len(header)), size); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return f, nil
}

// OpenFile opens a safetensors file and reads its header. The caller closes it.
func OpenFile(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		var f *File
		if f, err = ReadSafetensors(file, info.Size()); err == nil {
			f.closer = file
			return f, nil
		}
	}
	file.Close()
	return nil, fmt.Errorf("%s: %w", path, err)
}

// LoadFile reads all tensors of a safetensors file as float32, int8 tensors times
// their scales, and its metadata.
func LoadFile(path string) (Set, map[string]string, error) {
	f, err := OpenFile(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	set, err := f.Set()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return set, f.Metadata, nil
}

// Close closes a file that OpenFile opened.
func (f *File) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}
