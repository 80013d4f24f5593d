package dicom

import (
	"fmt"
	"image"
	"io"

	"lungbox/capture/clip/grey"
)

// pictures reads the frames of a scanned file, one at a time.
type pictures struct {
	file   io.ReaderAt
	layout *layout
	header Header
	format pixelFormat

	compressed [][]span  // the pieces of each frame, nil for native files
	tone       []byte    // stored value → grey level, for monochrome files
	colours    [3][]byte // stored value → red, green, blue, for palette files
	whole      int       // frames that are there in full
}

func newPictures(file io.ReaderAt, l *layout) (*pictures, error) {
	header, format, err := parse(file, l)
	if err != nil {
		return nil, err
	}
	if !l.pixels.found {
		return nil, fmt.Errorf("%w: it holds no picture", ErrUnsupported)
	}
	p := &pictures{file: file, layout: l, header: header, format: format}
	if l.syntax == jpegBaseline {
		p.compressed, err = p.splitFragments()
		p.whole = min(len(p.compressed), header.Frames)
	} else {
		if p.format.halfwide && header.Columns%2 == 1 {
			return nil, fmt.Errorf("%w: YBR_FULL_422 with an odd width of %d", ErrDamaged, header.Columns)
		}
		p.whole = int(min(l.pixels.native.size()/p.frameBytes(), int64(header.Frames)))
	}
	if err == nil && p.whole == 0 {
		err = fmt.Errorf("%w: it says it has %d frames and holds none", ErrDamaged, header.Frames)
	}
	return p, err
}

// frameBytes is the size of one uncompressed frame, at most 6·MaxPixels.
func (p *pictures) frameBytes() int64 {
	pixels := int64(p.header.Rows) * int64(p.header.Columns)
	samples := int64(p.format.samples)
	if p.format.halfwide {
		samples = 2 // two Y, one Cb and one Cr for two pixels
	}
	return pixels * samples * int64(p.format.allocated/8)
}

// frame returns frame i as full-range grey and the share of it that is coloured.
func (p *pictures) frame(i int) (*image.Gray, float64, error) {
	if p.layout.syntax == jpegBaseline {
		return p.jpegFrame(i)
	}
	raw := make([]byte, p.frameBytes())
	if _, err := p.file.ReadAt(raw, p.layout.pixels.native.from+int64(i)*p.frameBytes()); err != nil {
		return nil, 0, fmt.Errorf("%w: frame %d: %w", ErrDamaged, i, err)
	}
	switch {
	case p.format.samples == 1 && !p.format.hasPalette:
		return p.monochrome(raw), 0, nil
	case p.format.hasPalette:
		luma, colour := grey.FromImage(p.palette(raw))
		return luma, colour, nil
	}
	luma, colour := grey.FromImage(p.colour(p.narrow(raw)))
	return luma, colour, nil
}

// narrow brings 16-bit samples down to the upper 8 of the bits that count.
func (p *pictures) narrow(raw []byte) []byte {
	if p.format.allocated == 8 && p.format.stored == 8 {
		return raw
	}
	size := p.format.allocated / 8
	out := make([]byte, len(raw)/size)
	for i := range out {
		v := p.format.value(raw[i*size:])
		if p.format.stored > 8 {
			v >>= p.format.stored - 8
		} else {
			v <<= 8 - p.format.stored
		}
		out[i] = byte(v)
	}
	return out
}

// value returns the bits that count of the sample at the start of raw, unsigned.
func (f pixelFormat) value(raw []byte) int {
	v := int(raw[0])
	if f.allocated == 16 {
		v |= int(raw[1]) << 8
	}
	return v >> (f.highBit + 1 - f.stored) & (1<<f.stored - 1)
}

// colour arranges 8-bit samples as a picture.
func (p *pictures) colour(raw []byte) image.Image {
	w, h := p.header.Columns, p.header.Rows
	bounds := image.Rect(0, 0, w, h)
	luminance := p.format.photometric == "YBR_FULL" || p.format.halfwide
	if p.format.halfwide {
		picture := image.NewYCbCr(bounds, image.YCbCrSubsampleRatio422)
		for i := range w * h / 2 { // Y1 Y2 Cb Cr
			quad := raw[4*i:][:4]
			picture.Y[2*i], picture.Y[2*i+1], picture.Cb[i], picture.Cr[i] = quad[0], quad[1], quad[2], quad[3]
		}
		return picture
	}
	n := w * h
	planes := [3][]byte{raw[:n], raw[n : 2*n], raw[2*n : 3*n]}
	if !p.format.planar {
		mixed := make([]byte, 3*n)
		for i := range n {
			mixed[i], mixed[n+i], mixed[2*n+i] = raw[3*i], raw[3*i+1], raw[3*i+2]
		}
		planes = [3][]byte{mixed[:n], mixed[n : 2*n], mixed[2*n:]}
	}
	if luminance {
		return &image.YCbCr{Y: planes[0], Cb: planes[1], Cr: planes[2], YStride: w, CStride: w,
			SubsampleRatio: image.YCbCrSubsampleRatio444, Rect: bounds}
	}
	return rgbPicture(bounds, planes)
}

func rgbPicture(bounds image.Rectangle, planes [3][]byte) *image.RGBA {
	picture := image.NewRGBA(bounds)
	for i := range planes[0] {
		px := picture.Pix[4*i:][:4]
		px[0], px[1], px[2], px[3] = planes[0][i], planes[1][i], planes[2][i], 255
	}
	return picture
}

func (p *pictures) palette(raw []byte) image.Image {
	if p.colours[0] == nil {
		for c := range p.colours {
			p.colours[c] = make([]byte, 1<<p.format.stored)
			for v := range p.colours[c] {
				p.colours[c][v] = p.format.palettes[c].at(p.format.meaning(v))
			}
		}
	}
	n, size := p.header.Rows*p.header.Columns, p.format.allocated/8
	picture := image.NewRGBA(image.Rect(0, 0, p.header.Columns, p.header.Rows))
	for i := range n {
		v, px := p.format.value(raw[i*size:]), picture.Pix[4*i:][:4]
		px[0], px[1], px[2], px[3] = p.colours[0][v], p.colours[1][v], p.colours[2][v], 255
	}
	return picture
}
