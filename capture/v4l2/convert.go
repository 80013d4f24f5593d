package v4l2

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"sync"

	"lungbox/capture"
	"lungbox/capture/clip/grey"
)

// layout is what the bytes of a picture mean.
type layout struct {
	format        Format
	width, height int // of what a buffer holds: one field where fields come alone
	stride        int // bytes from line to line
	field         field
	limited       bool // black is 16 and white 235
}

// field says how the lines of an interlaced picture lie in a buffer.
type field uint32

// Kinds of fields, as the kernel numbers them.
const (
	progressive field = 1
	top         field = 2
	bottom      field = 3
	interlaced  field = 4
	topFirst    field = 5 // one field after the other
	bottomFirst field = 6
	alternate   field = 7
	interlaced2 field = 8
	interlaced3 field = 9
)

func (f field) woven() bool   { return f == interlaced || f == interlaced2 || f == interlaced3 }
func (f field) stacked() bool { return f == topFirst || f == bottomFirst }
func (f field) alone() bool   { return f == top || f == bottom || f == alternate }
func (f field) halved() bool  { return f.woven() || f.stacked() || f.alone() }

// errBroken says that the bytes are no picture: that frame is lost, the next may be good.
var errBroken = errors.New("a picture arrived broken")

// frame makes a frame of a buffer's bytes, which are not kept. An interlaced picture
// becomes one of its fields with the lines between made from their neighbours: the other
// field was taken at another moment.
func (l layout) frame(data []byte) (*capture.Frame, error) {
	if l.format == MJPEG {
		return l.decode(data)
	}
	if need := l.size(); len(data) < need {
		return nil, fmt.Errorf("%w: %d bytes, want %d", errBroken, len(data), need)
	}
	planes := l.planes(data)
	f := &capture.Frame{Image: l.whole(planes.Y), Colour: -1}
	if l.format != Grey {
		f.Colour = grey.Colour(planes)
	}
	return f, nil
}

// size is how many bytes a picture has.
func (l layout) size() int {
	switch l.format {
	case NV12:
		return l.stride * (l.height + (l.height+1)/2)
	case MJPEG:
		return 0
	}
	return l.stride * l.height
}

// planes takes brightness and colour apart. Colour is taken from every other line: a
// share needs no more.
func (l layout) planes(data []byte) grey.Planes {
	p := grey.Planes{Y: image.NewGray(image.Rect(0, 0, l.width, l.height))}
	luma, chroma := scales(l.limited)
	if l.format != Grey {
		p.Width, p.Height = l.width/2, l.height/2
		p.Stride = p.Width
		p.Cb, p.Cr = make([]byte, p.Stride*p.Height), make([]byte, p.Stride*p.Height)
	}
	for y := range l.height {
		line, out := data[y*l.stride:], p.Y.Pix[y*p.Y.Stride:][:l.width]
		switch l.format {
		case Grey, NV12:
			for x, v := range line[:l.width] {
				out[x] = luma[v]
			}
		case YUYV, UYVY:
			first := 0
			if l.format == UYVY {
				first = 1
			}
			for x := range out {
				out[x] = luma[line[2*x+first]]
			}
		case RGB24:
			for x := range out {
				out[x], _, _ = color.RGBToYCbCr(line[3*x], line[3*x+1], line[3*x+2])
			}
		}
		if y%2 == 1 || y/2 >= p.Height {
			continue
		}
		cb, cr := p.Cb[y/2*p.Stride:][:p.Width], p.Cr[y/2*p.Stride:][:p.Width]
		if l.format == NV12 {
			line = data[l.stride*l.height+y/2*l.stride:]
		}
		for x := range cb {
			switch l.format {
			case NV12:
				cb[x], cr[x] = chroma[line[2*x]], chroma[line[2*x+1]]
			case YUYV:
				cb[x], cr[x] = chroma[line[4*x+1]], chroma[line[4*x+3]]
			case UYVY:
				cb[x], cr[x] = chroma[line[4*x]], chroma[line[4*x+2]]
			case RGB24:
				_, cb[x], cr[x] = color.RGBToYCbCr(line[6*x], line[6*x+1], line[6*x+2])
			}
		}
	}
	return p
}

// scales map the bytes of brightness and colour to the full range.
func scales(limited bool) (luma, chroma *[256]byte) {
	if limited {
		return limitedScales()
	}
	return fullScales()
}

var (
	limitedScales = sync.OnceValues(func() (luma, chroma *[256]byte) { return scale(16, 219, 0), scale(128, 224, 128) })
	fullScales    = sync.OnceValues(func() (luma, chroma *[256]byte) { return scale(0, 255, 0), scale(0, 255, 0) })
)

// scale maps from, from+span to at, at+255.
func scale(from, span, at int) *[256]byte {
	var table [256]byte
	for v := range table {
		scaled := at*span + (v-from)*255
		table[v] = byte(max(0, min(255, (2*scaled+span)/(2*span))))
	}
	return &table
}

// decode reads a motion JPEG picture.
func (l layout) decode(data []byte) (*capture.Frame, error) {
	data = withTables(data)
	head, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	if head.Width != l.width || head.Height != l.height && 2*head.Height != l.height {
		return nil, fmt.Errorf("%w: it is %d×%d, not %d×%d", errBroken, head.Width, head.Height, l.width, l.height)
	}
	picture, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	f := &capture.Frame{}
	f.Image, f.Colour = grey.FromImage(picture)
	f.Image = l.whole(f.Image)
	return f, nil
}

// whole makes a picture of what a buffer held.
func (l layout) whole(p *image.Gray) *image.Gray {
	height := p.Rect.Dy()
	switch {
	case l.field.woven():
		return doubled(p, 0, 2, height/2, height)
	case l.field.stacked():
		return doubled(p, 0, 1, height/2, height)
	case l.field.alone():
		return doubled(p, 0, 1, height, 2*height)
	}
	return p
}

// doubled makes a picture of the given height from lines lines of p, from the first on and
// step apart, with the mean of two between them.
func doubled(p *image.Gray, first, step, lines, height int) *image.Gray {
	if lines == 0 {
		return p
	}
	width := p.Rect.Dx()
	out := image.NewGray(image.Rect(0, 0, width, height))
	line := func(i int) []byte { return p.Pix[(first+min(i, lines-1)*step)*p.Stride:][:width] }
	for y := range height {
		to, above, below := out.Pix[y*out.Stride:][:width], line(y/2), line(y/2+1)
		if y%2 == 0 {
			copy(to, above)
			continue
		}
		for x := range to {
			to[x] = byte((int(above[x]) + int(below[x]) + 1) / 2)
		}
	}
	return out
}

// withTables adds the standard Huffman tables to a picture that has none, as many
// grabbers send it to save room.
func withTables(data []byte) []byte {
	if len(data) < 4 || data[0] != 0xff || data[1] != 0xd8 {
		return data
	}
	for i := 2; i+4 <= len(data) && data[i] == 0xff; {
		switch data[i+1] {
		case 0xc4:
			return data
		case 0xda: // the picture begins, and no tables came
			whole := append([]byte{}, data[:i]...)
			return append(append(whole, standardTables()...), data[i:]...)
		}
		i += 2 + int(data[i+2])<<8 + int(data[i+3])
	}
	return data
}

// standardTables are the Huffman tables of ITU-T T.81, annex K.3, as a JPEG segment: what
// Go's own encoder writes.
var standardTables = sync.OnceValue(func() []byte {
	var out bytes.Buffer
	if jpeg.Encode(&out, image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio444), nil) != nil {
		return nil // it writes to memory
	}
	data, tables := out.Bytes(), []byte(nil)
	for i := 2; data[i+1] != 0xda; {
		n := 2 + int(data[i+2])<<8 + int(data[i+3])
		if data[i+1] == 0xc4 {
			tables = append(tables, data[i:i+n]...)
		}
		i += n
	}
	return tables
})
