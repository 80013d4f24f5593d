package clip

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Format is the kind of a file.
type Format string

// Kinds of files. Video stands for all that ffmpeg decodes: MP4, MOV, AVI,
// Matroska, WebM, GIF, MPEG, WMV, and stills as BMP and TIFF.
const (
	Video Format = "video"
	PNG   Format = "png"
	JPEG  Format = "jpeg"
	DICOM Format = "dicom"
)

// headSize is enough for every signature: DICOM's lies at 128, the second packet
// of an MPEG transport stream at 188.
const headSize = 256

// signatures at fixed places; order matters only where one is part of another.
var signatures = []struct {
	at     int
	bytes  string
	format Format
}{
	{128, "DICM", DICOM},
	{0, "\x89PNG\r\n\x1a\n", PNG},
	{0, "\xff\xd8\xff", JPEG},
	{4, "ftyp", Video}, {4, "moov", Video}, {4, "mdat", Video}, {4, "wide", Video}, {4, "free", Video}, {4, "skip", Video},
	{8, "AVI ", Video},
	{0, "\x1a\x45\xdf\xa3", Video}, // Matroska, WebM
	{0, "GIF87a", Video}, {0, "GIF89a", Video},
	{0, "\x00\x00\x01\xba", Video}, {0, "\x00\x00\x01\xb3", Video}, // MPEG program and video streams
	{0, "\x30\x26\xb2\x75\x8e\x66\xcf\x11", Video}, // WMV (ASF)
	{0, "BM", Video}, {0, "II*\x00", Video}, {0, "MM\x00*", Video}, // BMP, TIFF
	{0, "\x08\x00\x05\x00", DICOM}, {0, "\x08\x00\x00\x00", DICOM}, // without the preamble: starts with group 0008
	{0, "\x02\x00\x00\x00UL", DICOM}, {0, "\x08\x00\x08\x00", DICOM},
	{0, "\x08\x00\x12\x00", DICOM}, {0, "\x08\x00\x16\x00", DICOM},
}

// Detect finds the kind of a file by its first bytes.
func Detect(head []byte) (Format, error) {
	for _, s := range signatures {
		if len(head) >= s.at+len(s.bytes) && string(head[s.at:s.at+len(s.bytes)]) == s.bytes {
			return s.format, nil
		}
	}
	const packet = 188
	if len(head) > packet && head[0] == 'G' && head[packet] == 'G' { // MPEG transport stream
		return Video, nil
	}
	switch {
	case len(head) == 0:
		return "", fmt.Errorf("%w: the file is empty", ErrFormat)
	case bytes.HasPrefix(head, []byte("RIFF")) && bytes.Contains(head, []byte("WEBP")):
		return "", fmt.Errorf("%w: convert WebP pictures to PNG", ErrFormat)
	}
	return "", ErrFormat
}

func detectFile(path string) (Format, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", reason(err)
	}
	switch {
	case info.IsDir():
		return "", errors.New("is a folder; name the files in it, or let Walk do it")
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%w: it is not a regular file", ErrFormat)
	}
	file, err := os.Open(path)
	if err != nil {
		return "", reason(err)
	}
	defer file.Close()
	head := make([]byte, headSize)
	n, err := io.ReadFull(file, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", reason(err)
	}
	format, err := Detect(head[:n])
	// A DICOM file without its preamble may start with anything; its worker decides.
	if err != nil && n > 0 && strings.EqualFold(filepath.Ext(path), ".dcm") {
		return DICOM, nil
	}
	return format, err
}

// reason drops the operation and the path from a file error: the line that is
// shown starts with the path already.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
