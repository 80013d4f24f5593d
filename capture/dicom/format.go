package dicom

import (
	"fmt"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// format reads how the pixels are stored and refuses what is no picture.
func (v values) format() (pixelFormat, error) {
	f := pixelFormat{
		samples:     v.integer(tag.SamplesPerPixel, 1),
		allocated:   v.integer(tag.BitsAllocated, 8),
		photometric: v.text(tag.PhotometricInterpretation),
		signed:      v.integer(tag.PixelRepresentation, 0) == 1,
		planar:      v.integer(tag.PlanarConfiguration, 0) == 1,
		slope:       v.number(tag.RescaleSlope, 1),
		intercept:   v.number(tag.RescaleIntercept, 0),
		center:      v.number(tag.WindowCenter, 0),
		width:       v.number(tag.WindowWidth, 0),
	}
	f.stored = v.integer(tag.BitsStored, f.allocated)
	f.highBit = v.integer(tag.HighBit, f.stored-1)
	f.windowed = f.width >= 1
	if f.allocated != 8 && f.allocated != 16 {
		return f, fmt.Errorf("%w: %d bits per sample are no ultrasound picture", ErrUnsupported, f.allocated)
	}
	if f.stored < 1 || f.stored > f.allocated || f.highBit < f.stored-1 || f.highBit >= f.allocated {
		return f, fmt.Errorf("%w: %d bits stored up to bit %d of %d", ErrDamaged, f.stored, f.highBit, f.allocated)
	}
	samples := 3
	switch f.photometric {
	case "MONOCHROME1", "MONOCHROME2":
		samples = 1
	case "PALETTE COLOR":
		samples, f.hasPalette = 1, true
		if err := v.palettes(&f); err != nil {
			return f, err
		}
	case "RGB", "YBR_FULL", "YBR_RCT", "YBR_ICT":
	case "YBR_FULL_422":
		f.halfwide = true
	default:
		return f, fmt.Errorf("%w: pictures of kind %q are not supported", ErrUnsupported, f.photometric)
	}
	if f.samples != samples {
		return f, fmt.Errorf("%w: %s with %d samples per pixel", ErrDamaged, f.photometric, f.samples)
	}
	return f, nil
}

// palettes reads the three colour tables (PS3.3 C.7.6.3.1.5).
func (v values) palettes(f *pixelFormat) error {
	tags := [3][2]tag.Tag{
		{tag.RedPaletteColorLookupTableDescriptor, tag.RedPaletteColorLookupTableData},
		{tag.GreenPaletteColorLookupTableDescriptor, tag.GreenPaletteColorLookupTableData},
		{tag.BluePaletteColorLookupTableDescriptor, tag.BluePaletteColorLookupTableData},
	}
	for i, t := range tags {
		descriptor, _ := v.get(t[0]).([]int)
		data, _ := v.get(t[1]).([]byte)
		if len(descriptor) != 3 || len(data) == 0 {
			return fmt.Errorf("%w: the colour table of its pictures is missing or segmented", ErrUnsupported)
		}
		entries, bits := descriptor[0]&0xffff, descriptor[2]
		if entries == 0 {
			entries = 1 << 16
		}
		// A table of 16-bit entries that has only half their bytes has 8-bit ones.
		if bits != 8 && bits != 16 || bits == 16 && len(data) < 2*entries {
			bits = 8
		}
		if len(data) < entries*bits/8 {
			return fmt.Errorf("%w: its colour table has %d bytes for %d entries", ErrDamaged, len(data), entries)
		}
		f.palettes[i] = palette{first: descriptor[1], bits: bits, data: data[:entries*bits/8]}
	}
	return nil
}

// at returns the upper 8 bits of the colour of a stored value; values before and
// after the table take its first and last entry.
func (p palette) at(stored int) byte {
	size := p.bits / 8
	i := min(max(stored-p.first, 0), len(p.data)/size-1)
	return p.data[i*size+size-1]
}
