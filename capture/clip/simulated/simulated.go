// Package simulated marks pictures that a phantom made, and finds the mark again.
// A simulated picture must never pass for a patient's, so the mark lies in the
// file itself and follows the picture into every result.
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
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"strings"
)

// Comment is the mark for every format that has a free text.
const Comment = "lungbox simulated"

const (
	keyword = "Lungbox"
	value   = "simulated"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// headerEnd is where a PNG's first chunk (IHDR, always 13 bytes) ends: other
// chunks may follow from there.
const headerEnd = len(pngSignature) + 4 + 4 + 13 + 4

// InText reports whether a comment holds the mark.
func InText(comment string) bool {
	return strings.Contains(strings.ToLower(comment), Comment)
}

// WritePNG writes the picture as a PNG that carries the mark.
func WritePNG(w io.Writer, picture image.Image) error {
	var plain bytes.Buffer
	if err := png.Encode(&plain, picture); err != nil {
		return err
	}
	marked, err := MarkPNG(plain.Bytes())
	if err != nil {
		return err
	}
	_, err = w.Write(marked)
	return err
}

// MarkPNG returns a copy of a PNG file's bytes with the mark put in.
func MarkPNG(file []byte) ([]byte, error) {
	if len(file) < headerEnd || string(file[:len(pngSignature)]) != pngSignature {
		return nil, errors.New("cannot mark the picture as simulated: it is not a PNG file")
	}
	body := "tEXt" + keyword + "\x00" + value
	marked := make([]byte, 0, len(file)+8+len(body))
	marked = append(marked, file[:headerEnd]...)
	marked = binary.BigEndian.AppendUint32(marked, uint32(len(body)-len("tEXt")))
	marked = append(marked, body...)
	marked = binary.BigEndian.AppendUint32(marked, crc32.ChecksumIEEE([]byte(body)))
	return append(marked, file[headerEnd:]...), nil
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
