package weights

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"
)

// metadataKey is the one name in a header that is not a tensor's.
const metadataKey = "__metadata__"

// parse fills the file from its header. The values begin at base and end at size.
func (f *File) parse(header []byte, base, size int64) error {
	if !utf8.Valid(header) {
		return errors.New("header is not UTF-8")
	}
	if len(header) == 0 || header[0] != '{' {
		return errors.New("header does not begin with {")
	}
	p := headerParser{json.NewDecoder(bytes.NewReader(header))}
	p.UseNumber()
	err := p.object(func(key string) (err error) {
		if key == metadataKey {
			f.Metadata, err = p.metadata()
			return err
		}
		entry, err := p.entry(key)
		f.Entries = append(f.Entries, entry)
		return err
	})
	if err != nil {
		return err
	}
	if _, err := p.Token(); !errors.Is(err, io.EOF) {
		return errors.New("header goes on after its closing }")
	}
	return f.place(base, size)
}

// place sorts the entries by position and checks that together they cover the
// bytes from base to size exactly once, so that no byte of a file is out of sight.
func (f *File) place(base, size int64) error {
	slices.SortStableFunc(f.Entries, func(a, b Entry) int {
		if a.Offset != b.Offset {
			return cmp.Compare(a.Offset, b.Offset)
		}
		return cmp.Compare(a.Length, b.Length) // empty tensors share a neighbour's offset
	})
	end := int64(0)
	f.index = make(map[string]int, len(f.Entries))
	for i := range f.Entries {
		e := &f.Entries[i]
		if e.Offset != end {
			return fmt.Errorf("%s begins at byte %d, its neighbour ends at %d", e.Name, e.Offset, end)
		}
		if e.Length > size-base-end {
			return fmt.Errorf("%s has %d bytes and only %d are there: the file is cut short", e.Name, e.Length, size-base-end)
		}
		end += e.Length
		e.Offset += base
		f.index[e.Name] = i
	}
	if end != size-base {
		return fmt.Errorf("%d bytes behind the last tensor", size-base-end)
	}
	return nil
}

// headerParser walks the header's JSON token by token: unlike Unmarshal it sees
// duplicate names, and it never descends deeper than the format does.
type headerParser struct{ *json.Decoder }

func (p headerParser) delim(want json.Delim) error {
	token, err := p.Token()
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if token != want {
		return fmt.Errorf("header has %v where %v should be", token, want)
	}
	return nil
}

// object calls visit behind every key and refuses a key that comes twice.
func (p headerParser) object(visit func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.More() {
		key, err := p.text()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("%q is there twice", key)
		}
		seen[key] = true
		if err := visit(key); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p headerParser) text() (string, error) {
	token, err := p.Token()
	if err != nil {
		return "", fmt.Errorf("header: %w", err)
	}
	s, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("header has %v where a string should be", token)
	}
	return s, nil
}

func (p headerParser) metadata() (map[string]string, error) {
	out := map[string]string{}
	err := p.object(func(key string) (err error) {
		out[key], err = p.text()
		return err
	})
	return out, err
}

// sizes reads an array of numbers that are sizes or positions.
func (p headerParser) sizes() ([]int, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	out := []int{}
	for p.More() {
		token, err := p.Token()
		if err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
		number, ok := token.(json.Number)
		if !ok {
			return nil, fmt.Errorf("header has %v where a number should be", token)
		}
		n, err := strconv.ParseUint(number.String(), 10, strconv.IntSize-1)
		if err != nil {
			return nil, fmt.Errorf("header has %s where a size should be", number)
		}
		out = append(out, int(n))
	}
	return out, p.delim(']')
}

// entry reads what stands behind a tensor's name. Its offset is still relative to
// the end of the header.
func (p headerParser) entry(name string) (Entry, error) {
	e := Entry{Name: name}
	var offsets []int
	err := p.object(func(key string) (err error) {
		switch key {
		case "dtype":
			var dtype string
			dtype, err = p.text()
			e.DType = DType(dtype)
		case "shape":
			e.Shape, err = p.sizes()
		case "data_offsets":
			offsets, err = p.sizes()
		default:
			err = fmt.Errorf("unknown key %q", key)
		}
		return err
	})
	switch {
	case err != nil:
		return e, fmt.Errorf("%s: %w", name, err)
	case e.DType.Size() == 0:
		return e, fmt.Errorf("%s has the unknown type %q", name, e.DType)
	case e.Shape == nil:
		return e, fmt.Errorf("%s has no shape", name)
	case len(offsets) != 2 || offsets[0] > offsets[1]:
		return e, fmt.Errorf("%s has data_offsets %v", name, offsets)
	}
	e.Offset, e.Length = int64(offsets[0]), int64(offsets[1]-offsets[0])
	if want, ok := bytesOf(e.Shape, e.DType.Size()); !ok || want != e.Length {
		return e, fmt.Errorf("%s has %d bytes, not those of %v values of %s", name, e.Length, e.Shape, e.DType)
	}
	return e, nil
}

// bytesOf multiplies; ok is false when the product does not fit or a factor is
// negative.
func bytesOf(shape []int, size int) (n int64, ok bool) {
	product := uint64(size)
	for _, d := range shape {
		high, low := bits.Mul64(product, uint64(d))
		if d < 0 || high != 0 || low > math.MaxInt64 {
			return 0, false
		}
		product = low
	}
	return int64(product), true
}
