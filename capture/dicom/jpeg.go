package dicom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"

	"lungbox/capture/clip/grey"
)

// splitFragments tells which pieces of compressed pixel data make up each frame: one piece
// each, as the standard wants for JPEG; otherwise the basic offset table says, or
// the start marker of a JPEG does.
func (p *pictures) splitFragments() ([][]span, error) {
	pieces, n := p.layout.pixels.fragments, p.header.Frames
	if n == 1 && len(pieces) > 0 {
		return [][]span{pieces}, nil
	}
	if len(pieces) <= n {
		frames := make([][]span, len(pieces))
		for i := range pieces {
			frames[i] = pieces[i : i+1]
		}
		return frames, nil
	}
	starts, err := p.frameStarts()
	if err != nil {
		return nil, err
	}
	var frames [][]span
	for i, piece := range pieces {
		if starts[i] || len(frames) == 0 {
			frames = append(frames, nil)
		}
		last := len(frames) - 1
		frames[last] = append(frames[last], piece)
	}
	return frames, nil
}

// frameStarts marks the pieces that begin a frame.
func (p *pictures) frameStarts() ([]bool, error) {
	pieces, offsets := p.layout.pixels.fragments, p.layout.pixels.offsets
	starts := make([]bool, len(pieces))
	if size := 4 * int64(p.header.Frames); offsets.size() >= size {
		table := make([]byte, size)
		if _, err := p.file.ReadAt(table, offsets.from); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		place := map[int64]int{}
		for i, piece := range pieces {
			place[piece.from-itemHeader-offsets.to] = i
		}
		for ; len(table) > 0; table = table[4:] {
			i, ok := place[int64(binary.LittleEndian.Uint32(table))]
			if !ok {
				return nil, fmt.Errorf("%w: its basic offset table points between the frames", ErrDamaged)
			}
			starts[i] = true
		}
		return starts, nil
	}
	for i, piece := range pieces {
		var head [2]byte
		if piece.size() < 2 {
			continue
		}
		if _, err := p.file.ReadAt(head[:], piece.from); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		starts[i] = head == [2]byte{0xff, 0xd8}
	}
	return starts, nil
}

func (p *pictures) jpegFrame(i int) (*image.Gray, float64, error) {
	var file []byte
	for _, piece := range p.compressed[i] {
		if int64(len(file))+piece.size() > 2*MaxPixels {
			return nil, 0, fmt.Errorf("%w: frame %d has more than %d MB", ErrLimit, i, 2*MaxPixels>>20)
		}
		part := make([]byte, piece.size())
		if _, err := p.file.ReadAt(part, piece.from); err != nil {
			return nil, 0, fmt.Errorf("%w: frame %d: %w", ErrDamaged, i, err)
		}
		file = append(file, part...)
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: frame %d: %w", ErrDamaged, i, err)
	}
	if config.Width != p.header.Columns || config.Height != p.header.Rows {
		return nil, 0, fmt.Errorf("%w: frame %d is %d×%d, the file says %d×%d", ErrDamaged, i,
			config.Width, config.Height, p.header.Columns, p.header.Rows)
	}
	picture, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: frame %d: %w", ErrDamaged, i, err)
	}
	// Three colours without a transform, and nothing in the JPEG that says so: Go
	// takes them for Y, Cb and Cr. A JFIF header does say that they are.
	ycbcr, ok := picture.(*image.YCbCr)
	if ok && p.format.photometric == "RGB" && ycbcr.SubsampleRatio == image.YCbCrSubsampleRatio444 && !bytes.Contains(file[:min(len(file), 64)], []byte("JFIF\x00")) {
		return p.untransformed(ycbcr)
	}
	luma, colour := grey.FromImage(picture)
	if p.format.photometric == "MONOCHROME1" {
		for j := range luma.Pix {
			luma.Pix[j] = 255 - luma.Pix[j]
		}
	}
	return luma, colour, nil
}

// untransformed reads planes that Go took for Y, Cb and Cr as red, green and blue.
func (p *pictures) untransformed(picture *image.YCbCr) (*image.Gray, float64, error) {
	w, h := p.header.Columns, p.header.Rows
	var planes [3][]byte
	for c, from := range [3][]byte{picture.Y, picture.Cb, picture.Cr} {
		stride := picture.YStride
		if c > 0 {
			stride = picture.CStride
		}
		for y := range h {
			planes[c] = append(planes[c], from[y*stride:][:w]...)
		}
	}
	luma, colour := grey.FromImage(rgbPicture(image.Rect(0, 0, w, h), planes))
	return luma, colour, nil
}
