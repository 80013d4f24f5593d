package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// block is a tensor on its way into a file.
type block struct {
	Entry  // the offset is relative to the end of the header
	values []float32
	scale  []float32 // of an I8 tensor, one per output channel
}

// layOut decides what is stored, in which type and where.
func layOut(set Set, dtype DType) ([]block, error) {
	var blocks []block
	for name, t := range set {
		count, ok := bytesOf(t.Shape, 1)
		switch {
		case !ok || count != int64(len(t.Data)):
			return nil, fmt.Errorf("%s holds %d values, not those of shape %v", name, len(t.Data), t.Shape)
		case name == metadataKey || !utf8.ValidString(name):
			return nil, fmt.Errorf("%q cannot be the name of a tensor", name)
		}
		b := block{Entry: Entry{Name: name, DType: dtype, Shape: t.Shape}, values: t.Data}
		if len(t.Shape) < 2 {
			b.DType = F32
		}
		if b.DType == I8 {
			var err error
			if b.scale, err = channelScales(t); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if _, taken := set[name+scaleSuffix]; taken {
				return nil, fmt.Errorf("%s has the name that the scales of %s need", name+scaleSuffix, name)
			}
			blocks = append(blocks, block{Entry: Entry{Name: name + scaleSuffix, DType: F32, Shape: t.Shape[:1]}, values: b.scale})
		}
		blocks = append(blocks, b)
	}
	slices.SortFunc(blocks, func(a, b block) int {
		return cmp.Or(cmp.Compare(b.DType.Size(), a.DType.Size()), cmp.Compare(a.Name, b.Name))
	})
	offset := int64(0)
	for i := range blocks {
		b := &blocks[i]
		b.Offset, b.Length = offset, int64(len(b.values)*b.DType.Size())
		offset += b.Length
	}
	return blocks, nil
}

// headerOf returns the length and the JSON, padded with spaces so that the values
// begin at a multiple of 8.
func headerOf(blocks []block, metadata map[string]string) ([]byte, error) {
	var out bytes.Buffer
	out.Write(make([]byte, 8))
	separator := byte('{')
	quote := json.NewEncoder(&out)
	quote.SetEscapeHTML(false)
	item := func(value any) error {
		err := quote.Encode(value)
		out.Truncate(out.Len() - 1) // Encode ends with a line break
		return err
	}
	field := func(key string, value any) error {
		out.WriteByte(separator)
		separator = ','
		if err := item(key); err != nil {
			return err
		}
		out.WriteByte(':')
		return item(value)
	}
	if len(metadata) > 0 {
		for _, key := range slices.Sorted(maps.Keys(metadata)) {
			if !utf8.ValidString(key) || !utf8.ValidString(metadata[key]) {
				return nil, fmt.Errorf("metadata %q is not UTF-8", key)
			}
		}
		if err := field(metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	for _, b := range blocks {
		err := field(b.Name, struct {
			DType   DType    `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{b.DType, append([]int{}, b.Shape...), [2]int64{b.Offset, b.Offset + b.Length}})
		if err != nil {
			return nil, err
		}
	}
	if separator == '{' {
		out.WriteByte('{')
	}
	out.WriteByte('}')
	for out.Len()%8 != 0 {
		out.WriteByte(' ')
	}
	if out.Len()-8 > maxHeader {
		return nil, fmt.Errorf("a header of %d bytes is over the format's limit of %d", out.Len()-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(out.Bytes(), uint64(out.Len()-8))
	return out.Bytes(), nil
}
