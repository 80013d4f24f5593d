// Package y4m reads YUV4MPEG2 streams of 4:2:0 full-range pictures: the uncompressed video
// format that ffmpeg writes to a pipe. Unlike bare pixels it states the size after rotation,
// and every picture starts with a marker that shows lost bytes.
package y4m

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"io"
	"strconv"
	"strings"

	"lungbox/capture"
	"lungbox/capture/clip/grey"
)

// Reader reads a stream.
type Reader struct {
	in            *bufio.Reader
	width, height int
	chroma        []byte // Cb then Cr of the present picture
}

// maxLine bounds the stream's header line and the picture markers.
const maxLine = 1024

// NewReader reads the stream header. check refuses sizes in pixels; its error is returned
// as it is. An empty stream gives io.EOF.
func NewReader(pipe io.Reader, check func(width, height int) error) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(pipe, 64<<10)}
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(line)
	if len(fields) == 0 || fields[0] != "YUV4MPEG2" {
		return nil, errors.New("ffmpeg's output is no YUV4MPEG2 stream")
	}
	for _, field := range fields[1:] {
		switch field[0] {
		case 'W':
			r.width, err = strconv.Atoi(field[1:])
		case 'H':
			r.height, err = strconv.Atoi(field[1:])
		}
		if err != nil {
			return nil, fmt.Errorf("ffmpeg's output has a wrong size: %s", field)
		}
	}
	if err := check(r.width, r.height); err != nil {
		return nil, err
	}
	r.chroma = make([]byte, 2*r.chromaWidth()*r.chromaHeight())
	return r, nil
}

func (r *Reader) chromaWidth() int  { return (r.width + 1) / 2 }
func (r *Reader) chromaHeight() int { return (r.height + 1) / 2 }

// Next reads one picture; io.EOF at the end of the stream, io.ErrUnexpectedEOF
// within a picture.
func (r *Reader) Next() (*capture.Frame, error) {
	line, err := r.line()
	if err != nil {
		return nil, err
	}
	if line != "FRAME" && !strings.HasPrefix(line, "FRAME ") {
		return nil, errors.New("ffmpeg's output is out of step")
	}
	luma := image.NewGray(image.Rect(0, 0, r.width, r.height))
	for _, plane := range [][]byte{luma.Pix, r.chroma} {
		if _, err := io.ReadFull(r.in, plane); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
	}
	half := len(r.chroma) / 2
	colour := grey.Colour(grey.Planes{
		Y: luma, Cb: r.chroma[:half], Cr: r.chroma[half:],
		Stride: r.chromaWidth(), Width: r.chromaWidth(), Height: r.chromaHeight(),
	})
	return &capture.Frame{Image: luma, Colour: colour}, nil
}

func (r *Reader) line() (string, error) {
	var line []byte
	for len(line) < maxLine {
		b, err := r.in.ReadByte()
		switch {
		case err != nil && len(line) == 0:
			return "", io.EOF
		case err != nil:
			return "", io.ErrUnexpectedEOF
		case b == '\n':
			return string(line), nil
		}
		line = append(line, b)
	}
	return "", errors.New("ffmpeg's output has an endless line")
}
