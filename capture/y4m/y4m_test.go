package y4m_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"lungbox/capture/clip"
	"lungbox/capture/y4m"
)

// head and picture are a stream of pictures of 2×2 pixels: four of brightness, one
// each of Cb and Cr.
const (
	head    = "YUV4MPEG2 W2 H2 F25:1 Ip C420jpeg\n"
	picture = "FRAME\nabcd\x80\x80"
)

func TestY4M(t *testing.T) {
	tests := []struct {
		name, stream string
		frames       int
		is           error  // nil: any
		says         string // part of the error
	}{
		{"two pictures", head + picture + picture, 2, io.EOF, "EOF"},
		{"marker with parameters", head + "FRAME Ip\nabcd\x80\x80", 1, io.EOF, "EOF"},
		{"no picture", head, 0, io.EOF, "EOF"},
		{"nothing", "", 0, io.EOF, "EOF"},
		{"cut in a marker", head + picture + "FRA", 1, io.ErrUnexpectedEOF, ""},
		{"cut in the brightness", head + picture + "FRAME\nab", 1, io.ErrUnexpectedEOF, ""},
		{"cut before the colours", head + picture + "FRAME\nabcd", 1, io.ErrUnexpectedEOF, ""},
		{"a byte lost", head + "FRAME\nabc\x80\x80" + picture, 1, nil, "out of step"},
		{"another format", "RIFF....AVI \n", 0, nil, "no YUV4MPEG2"},
		{"no size", "YUV4MPEG2 W2 H\n", 0, nil, "wrong size"},
		{"no width", "YUV4MPEG2 H2\n", 0, clip.ErrDamaged, "0×2"},
		{"a huge size", "YUV4MPEG2 W99999 H99999\n", 0, clip.ErrTooLarge, ""},
		{"an endless line", strings.Repeat("Y", 5000), 0, nil, "endless"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			frames := 0
			pictures, err := y4m.NewReader(strings.NewReader(test.stream), clip.CheckSize)
			for err == nil {
				if _, err = pictures.Next(); err == nil {
					frames++
				}
			}
			if frames != test.frames || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%d frames, %v; want %d, %v, %q", frames, err, test.frames, test.is, test.says)
			}
		})
	}
}
