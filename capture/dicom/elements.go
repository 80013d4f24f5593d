package dicom

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// rule says what a wanted element must look like before the library sees it.
type rule struct {
	types   string // permitted types, with spaces
	longest int64  // bytes of the whole element
}

const (
	shortValue   = 1 << 10
	commentValue = 12 << 10
	paletteValue = 132 << 10 // 65,536 entries of 16 bits
	regionsValue = 64 << 10
)

// wanted tells the elements that a picture needs. Nothing else of a file is read.
func wanted(t tagID) (rule, bool) {
	switch t {
	case 0x0028_0002, // Samples per Pixel
		0x0028_0006,              // Planar Configuration
		0x0028_0010, 0x0028_0011, // Rows, Columns
		0x0028_0100, 0x0028_0101, 0x0028_0102, 0x0028_0103: // Bits Allocated, Bits Stored, High Bit, Pixel Representation
		return rule{"US", shortValue}, true
	case 0x0028_0004: // Photometric Interpretation
		return rule{"CS", shortValue}, true
	case 0x0028_0008, 0x0018_0040, 0x0008_2144: // Number of Frames, Cine Rate, Recommended Display Frame Rate
		return rule{"IS", shortValue}, true
	case 0x0018_1063, // Frame Time
		0x0028_1050, 0x0028_1051, // Window Center, Window Width
		0x0028_1052, 0x0028_1053: // Rescale Intercept, Rescale Slope
		return rule{"DS", shortValue}, true
	case 0x0020_4000: // Image Comments
		return rule{"LT", commentValue}, true
	case 0x0028_1101, 0x0028_1102, 0x0028_1103: // palette descriptors
		return rule{"US SS", shortValue}, true
	case 0x0028_1201, 0x0028_1202, 0x0028_1203: // palettes
		return rule{"OW", paletteValue}, true
	case 0x0018_6011: // Sequence of Ultrasound Regions
		return rule{"SQ", regionsValue}, true
	}
	return rule{}, false
}

func (r rule) check(e element, end int64, implicit bool) error {
	if !implicit && !slices.Contains(strings.Fields(r.types), e.vr) {
		return fmt.Errorf("%w: %v has the type %s, not %s", ErrDamaged, e.tag, e.vr, r.types)
	}
	if end-e.start > r.longest {
		return fmt.Errorf("%w: %v has %d bytes, at most %d make sense", ErrLimit, e.tag, end-e.start, r.longest)
	}
	return nil
}

// knownVR tells the value representations of PS3.5 section 6.2.
func knownVR(vr string) bool {
	switch vr {
	case "AE", "AS", "AT", "CS", "DA", "DS", "DT", "FL", "FD", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US":
		return true
	}
	return longVR(vr)
}

// longVR tells those that have a length of 32 bits.
func longVR(vr string) bool {
	switch vr {
	case "OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV":
		return true
	}
	return false
}

func trimUID(raw []byte) string { return string(bytes.TrimRight(raw, "\x00 ")) }

// regionValue tells the elements of one ultrasound region, none of them a sequence:
// implicit files do not say which of their values are sequences.
func regionValue(t tagID) bool { return t >= 0x0018_6012 && t <= 0x0018_605a }
