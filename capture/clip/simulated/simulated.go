// Package simulated finds the mark of pictures that a phantom made. A simulated
// picture must never pass for a patient's, so the mark lies in the file itself and
// follows the picture into every result.
//
//	PNG    tEXt chunk, keyword "Lungbox", value "simulated"
//	JPEG   comment (COM) that contains "lungbox simulated"
//	video  title or comment of the container that contains "lungbox simulated"
//	DICOM  Image Comments (0020,4000) that contain "lungbox simulated"
//
// Upper and lower case are the same.
package simulated

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Comment is the mark for every format that has a free text.
const Comment = "lungbox simulated"

const (
	keyword = "Lungbox"
	value   = "simulated"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// InText reports whether a comment holds the mark.
func InText(comment string) bool {
	return strings.Contains(strings.ToLower(comment), Comment)
}

// InPNG reports whether a PNG file's bytes carry the mark. Damaged files do not.
func InPNG(file []byte) bool {
	rest, ok := bytes.CutPrefix(file, []byte(pngSignature))
	for ok && len(rest) >= 12 {
		size := uint64(binary.BigEndian.Uint32(rest))
		if size+12 > uint64(len(rest)) {
			return false
		}
		if string(rest[4:8]) == "tEXt" {
			key, text, _ := bytes.Cut(rest[8:8+size], []byte{0})
			if strings.EqualFold(string(key), keyword) && strings.EqualFold(string(text), value) {
				return true
			}
		}
		rest = rest[12+size:]
	}
	return false
}

// InJPEG reports whether a JPEG file's bytes carry the mark in a comment before
// the picture data.
func InJPEG(file []byte) bool {
	const (
		marker  = 0xff
		comment = 0xfe
		scan    = 0xda
	)
	rest, ok := bytes.CutPrefix(file, []byte{marker, 0xd8})
	for ok && len(rest) >= 4 && rest[0] == marker {
		kind, size := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		switch {
		case kind == marker: // a fill byte
			rest = rest[1:]
			continue
		case kind == scan, size < 2, size+2 > len(rest):
			return false
		case kind == comment && InText(string(rest[4:2+size])):
			return true
		}
		rest = rest[2+size:]
	}
	return false
}
