package dicom

import (
	"encoding/binary"
	"fmt"
	"io"
)

// tagID is a DICOM tag: group in the upper 16 bits, element in the lower.
type tagID uint32

func (t tagID) String() string { return fmt.Sprintf("(%04x,%04x)", uint32(t)>>16, uint32(t)&0xffff) }

const (
	tagTransferSyntax tagID = 0x0002_0010
	tagPixelData      tagID = 0x7fe0_0010
	tagItem           tagID = 0xfffe_e000
	tagItemEnd        tagID = 0xfffe_e00d
	tagSequenceEnd    tagID = 0xfffe_e0dd
)

// undefined is the length of a value that lasts until its delimiter.
const undefined = 0xffff_ffff

// span is a part of the file.
type span struct{ from, to int64 }

func (s span) size() int64 { return s.to - s.from }

// layout is what one walk through a file finds: where things lie, not what they
// mean.
type layout struct {
	syntax   string // transfer syntax UID
	implicit bool   // value representations are not written
	elements []span // the wanted elements with their headers, in file order
	pixels   pixelSpans
}

// pixelSpans says where the pixel data lie.
type pixelSpans struct {
	found     bool
	native    span   // uncompressed: one block
	offsets   span   // compressed: the basic offset table's value
	fragments []span // compressed: the values of the items after it
}

// element is one header.
type element struct {
	tag    tagID
	vr     string // "" in implicit files
	length uint32
	start  int64 // of the header
	value  int64
}

func (e element) end() int64 { return e.value + int64(e.length) }

// scanner walks through a file. Every length is checked against what is left
// before it is used.
type scanner struct {
	file  io.ReaderAt
	size  int64
	count int
	cache []byte // a window of the file, from cacheAt
	at    int64
}

const windowSize = 64 << 10

// bytes returns n ≤ windowSize bytes at a place; they are valid until the next call.
func (s *scanner) bytes(at int64, n int) ([]byte, error) {
	if at < 0 || at+int64(n) > s.size {
		return nil, fmt.Errorf("%w: it ends at byte %d, within an element", ErrDamaged, s.size)
	}
	if at < s.at || at+int64(n) > s.at+int64(len(s.cache)) {
		window := make([]byte, min(windowSize, s.size-at))
		if _, err := s.file.ReadAt(window, at); err != nil && err != io.EOF {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		s.cache, s.at = window, at
	}
	return s.cache[at-s.at:][:n], nil
}

// header reads the element header at a place.
func (s *scanner) header(at int64, implicit bool) (element, error) {
	if s.count++; s.count > maxElements {
		return element{}, fmt.Errorf("%w: it has more than %d elements", ErrLimit, maxElements)
	}
	raw, err := s.bytes(at, 8)
	if err != nil {
		return element{}, err
	}
	le := binary.LittleEndian
	e := element{tag: tagID(le.Uint16(raw))<<16 | tagID(le.Uint16(raw[2:])), start: at, value: at + 8}
	if implicit || e.tag>>16 == 0xfffe { // items and delimiters never have a type
		e.length = le.Uint32(raw[4:])
		return e, nil
	}
	e.vr = string(raw[4:6])
	if !knownVR(e.vr) {
		return element{}, fmt.Errorf("%w: %v has the unknown type %q", ErrDamaged, e.tag, e.vr)
	}
	if !longVR(e.vr) {
		e.length = uint32(le.Uint16(raw[6:]))
		return e, nil
	}
	if raw, err = s.bytes(at+8, 4); err != nil {
		return element{}, err
	}
	e.length, e.value = le.Uint32(raw), at+12
	return e, nil
}

// scan walks through a whole file.
func scan(file io.ReaderAt, size int64) (*layout, error) {
	s := &scanner{file: file, size: size}
	l, at, err := s.meta()
	if err != nil || transcoderOf(l.syntax).program != "" {
		return l, err // the rest may be deflated or big endian: not ours to read
	}
	if !l.readable() {
		return l, fmt.Errorf("%w: %s", ErrUnsupported, transcoderOf(l.syntax).describe(l.syntax))
	}
	seen := map[tagID]bool{}
	for at < size {
		e, err := s.header(at, l.implicit)
		if err != nil {
			return nil, err
		}
		if e.tag == tagPixelData {
			return l, s.pixelData(e, &l.pixels)
		}
		end, err := s.skip(e, l.implicit, 0)
		if err != nil {
			return nil, err
		}
		if rule, ok := wanted(e.tag); ok {
			if err := rule.check(e, end, l.implicit); err != nil {
				return nil, err
			}
			if seen[e.tag] {
				return nil, fmt.Errorf("%w: %v is there twice", ErrDamaged, e.tag)
			}
			seen[e.tag] = true
			if rule.types != "SQ" || s.flat(span{e.value, end}, l.implicit) {
				l.elements = append(l.elements, span{e.start, end})
			}
		}
		at = end
	}
	return l, nil
}

// meta finds the transfer syntax and where the data set starts.
func (s *scanner) meta() (*layout, int64, error) {
	const preamble = 128
	l, at := &layout{}, int64(0)
	if magic, err := s.bytes(preamble, 4); err == nil && string(magic) == "DICM" {
		at = preamble + 4
	}
	for at < s.size {
		group, err := s.bytes(at, 2)
		if err != nil {
			return nil, 0, err
		}
		if binary.LittleEndian.Uint16(group) != 0x0002 {
			break
		}
		e, err := s.header(at, false)
		if err != nil {
			return nil, 0, err
		}
		const longestUID = 64
		if e.tag == tagTransferSyntax && e.length <= longestUID {
			uid, err := s.bytes(e.value, int(e.length))
			if err != nil {
				return nil, 0, err
			}
			l.syntax = trimUID(uid)
		}
		if at, err = s.skip(e, false, 0); err != nil {
			return nil, 0, err
		}
	}
	if l.syntax == "" {
		l.syntax = s.guess(at)
	}
	l.implicit = l.syntax == implicitLittleEndian
	return l, at, nil
}

// guess tells explicit from implicit files that do not say: an explicit one has
// two letters that name a type in its first element.
func (s *scanner) guess(at int64) string {
	if raw, err := s.bytes(at, 6); err == nil && knownVR(string(raw[4:6])) {
		if raw[0] == 0 && raw[1] != 0 { // group number with its bytes the other way round
			return explicitBigEndian
		}
		return explicitLittleEndian
	}
	return implicitLittleEndian
}

// skip returns where an element ends. Values of undefined length are walked through.
func (s *scanner) skip(e element, implicit bool, depth int) (int64, error) {
	if e.length != undefined {
		if e.end() > s.size {
			return 0, fmt.Errorf("%w: %v says it has %d bytes, %d are left", ErrDamaged, e.tag, e.length, max(0, s.size-e.value))
		}
		return e.end(), nil
	}
	switch e.vr {
	case "SQ", "UN", "": // "" in implicit files: only sequences have no length there
	default:
		return 0, fmt.Errorf("%w: %v of type %s has no length", ErrDamaged, e.tag, e.vr)
	}
	// A sequence hidden in an unknown value is written implicitly (PS3.5 section 6.2.2).
	return s.sequenceEnd(e.value, implicit || e.vr == "UN", depth+1)
}

// sequenceEnd walks through items up to the sequence delimiter.
func (s *scanner) sequenceEnd(at int64, implicit bool, depth int) (int64, error) {
	if depth > maxDepth {
		return 0, fmt.Errorf("%w: its sequences are nested more than %d deep", ErrLimit, maxDepth)
	}
	for {
		e, err := s.header(at, implicit)
		switch {
		case err != nil:
			return 0, err
		case e.tag == tagSequenceEnd:
			return e.value, nil
		case e.tag != tagItem:
			return 0, fmt.Errorf("%w: a sequence holds %v where an item belongs", ErrDamaged, e.tag)
		case e.length != undefined:
			if at, err = s.skip(e, implicit, depth); err != nil {
				return 0, err
			}
		default:
			if at, err = s.itemEnd(e.value, implicit, depth); err != nil {
				return 0, err
			}
		}
	}
}

// itemEnd walks through elements up to the item delimiter.
func (s *scanner) itemEnd(at int64, implicit bool, depth int) (int64, error) {
	for {
		e, err := s.header(at, implicit)
		if err != nil {
			return 0, err
		}
		if e.tag == tagItemEnd {
			return e.value, nil
		}
		if at, err = s.skip(e, implicit, depth); err != nil {
			return 0, err
		}
	}
}

// flat reports whether a wanted sequence holds items of plain values only. The
// library's cost rises with the square of the depth, and no sequence that is wanted
// needs another one inside; such a one is left out.
func (s *scanner) flat(value span, implicit bool) bool {
	for at := value.from; at < value.to; {
		e, err := s.header(at, implicit)
		switch {
		case err != nil:
			return false
		case e.tag == tagItem || e.tag == tagItemEnd || e.tag == tagSequenceEnd:
			at = e.value // into the item
		case e.length == undefined || e.vr == "SQ" || e.vr == "UN" || e.end() > value.to || implicit && !regionValue(e.tag):
			return false
		default:
			at = e.end()
		}
	}
	return true
}
