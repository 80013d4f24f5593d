package clip

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	"lungbox/capture"
	"lungbox/capture/clip/grey"
	"lungbox/capture/clip/simulated"
)

// maxStillBytes bounds a still picture's file: 256 MiB, uncompressed 64 megapixels
// in colour.
const maxStillBytes = 4 * MaxPixels

// openStill reads and decodes a picture, once; every round delivers a copy.
func openStill(path string, format Format) (opener, Info, error) {
	file, err := readBounded(path)
	if err != nil {
		return nil, Info{}, err
	}
	config, decode, marked := png.DecodeConfig, png.Decode, simulated.InPNG
	if format == JPEG {
		config, decode, marked = jpeg.DecodeConfig, jpeg.Decode, simulated.InJPEG
	}
	head, err := config(bytes.NewReader(file))
	if err != nil {
		return nil, Info{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err := CheckSize(head.Width, head.Height); err != nil {
		return nil, Info{}, err
	}
	picture, err := decode(bytes.NewReader(file))
	if err != nil {
		return nil, Info{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	luma, colour := grey.FromImage(picture)
	still := &capture.Frame{Image: luma, Colour: colour}
	open := func(context.Context) (stream, error) { return &once{frame: still}, nil }
	return open, Info{Frames: 1, Simulated: marked(file)}, nil
}

func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxStillBytes+1))
	if err != nil {
		return nil, reason(err)
	}
	if len(content) > maxStillBytes {
		return nil, fmt.Errorf("%w: more than %d MB", ErrTooLarge, maxStillBytes>>20)
	}
	return content, nil
}

// CheckSize refuses pictures that are too large, or are none; sizes are in pixels.
func CheckSize(width, height int) error {
	if width <= 0 || height <= 0 {
		return fmt.Errorf("%w: its size is %d×%d", ErrDamaged, width, height)
	}
	if int64(width)*int64(height) > MaxPixels {
		return fmt.Errorf("%w: %d×%d, the limit is %d megapixels", ErrTooLarge, width, height, MaxPixels>>20)
	}
	return nil
}

// once is a stream of one picture.
type once struct {
	frame *capture.Frame
	taken bool
}

func (o *once) Next(context.Context) (*capture.Frame, error) {
	if o.taken {
		return nil, io.EOF
	}
	o.taken = true
	frame := *o.frame
	frame.Image = image.NewGray(o.frame.Image.Rect)
	copy(frame.Image.Pix, o.frame.Image.Pix)
	return &frame, nil
}

func (o *once) Close() error { return nil }
