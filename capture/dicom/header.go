package dicom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"math"
	"strconv"
	"strings"

	library "github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"

	"lungbox/capture/clip/simulated"
)

// Header is what a file says about its pictures.
type Header struct {
	Rows, Columns int
	Frames        int
	Rate          float64 // frames per second, 0 when the file does not say
	Simulated     bool    // marked in Image Comments, see package simulated
	// Regions are the 2-D tissue pictures that the file states (Sequence of
	// Ultrasound Regions, PS3.3 C.8.5.5), in pixels. Regions that do not lie in the
	// picture are left out: a file that was made smaller keeps its old ones.
	Regions []image.Rectangle
}

// pixelFormat says how a sample is stored and what it means.
type pixelFormat struct {
	samples     int
	allocated   int // bits a sample takes: 8 or 16
	stored      int // bits that count
	highBit     int
	signed      bool
	photometric string
	planar      bool // all red, then all green, then all blue

	slope, intercept     float64
	windowed             bool
	center, width        float64
	palettes             [3]palette
	hasPalette, halfwide bool // halfwide: Cb and Cr for every second column, PS3.3 C.7.6.3.1.2
}

// palette maps stored values to one colour.
type palette struct {
	first int
	bits  int
	data  []byte // little-endian 16-bit words, or bytes
}

// parse reads the wanted elements with the DICOM library, from a file put
// together of nothing but them.
func parse(file io.ReaderAt, l *layout) (h Header, f pixelFormat, err error) {
	defer func() { // the library panics on values it does not expect
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: its header makes no sense (%v)", ErrDamaged, r)
		}
	}()
	syntax := explicitLittleEndian
	if l.implicit {
		syntax = implicitLittleEndian
	}
	excerpt := fileStart(syntax)
	for _, s := range l.elements {
		part := make([]byte, s.size())
		if _, err := file.ReadAt(part, s.from); err != nil {
			return h, f, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		excerpt = append(excerpt, part...)
	}
	data, err := library.Parse(bytes.NewReader(excerpt), int64(len(excerpt)), nil, library.SkipPixelData())
	if err != nil {
		return h, f, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	v := values{data}
	if h, err = v.header(); err != nil {
		return h, f, err
	}
	f, err = v.format()
	return h, f, err
}

// fileStart is the smallest DICOM file with nothing in it.
func fileStart(syntax string) []byte {
	if len(syntax)%2 == 1 {
		syntax += "\x00"
	}
	meta := append([]byte{0x02, 0, 0x10, 0, 'U', 'I', byte(len(syntax)), 0}, syntax...)
	start := append(make([]byte, 128), "DICM\x02\x00\x00\x00UL\x04\x00"...)
	start = binary.LittleEndian.AppendUint32(start, uint32(len(meta)))
	return append(start, meta...)
}

// values asks for single values of a data set; what is missing or of another type
// gives the fallback.
type values struct{ data library.Dataset }

func (v values) get(t tag.Tag) any {
	e, err := v.data.FindElementByTag(t)
	if err != nil {
		return nil
	}
	return e.Value.GetValue()
}

func (v values) integer(t tag.Tag, fallback int) int {
	switch list := v.get(t).(type) {
	case []int:
		if len(list) > 0 {
			return list[0]
		}
	case []string:
		if n, err := strconv.Atoi(strings.TrimSpace(list[0])); err == nil {
			return n
		}
	}
	return fallback
}

func (v values) number(t tag.Tag, fallback float64) float64 {
	if list, ok := v.get(t).([]string); ok {
		x, err := strconv.ParseFloat(strings.TrimSpace(list[0]), 64)
		if err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
			return x
		}
	}
	return fallback
}

func (v values) text(t tag.Tag) string {
	list, _ := v.get(t).([]string)
	return strings.TrimSpace(strings.Join(list, "\\"))
}

func (v values) header() (Header, error) {
	h := Header{
		Rows: v.integer(tag.Rows, 0), Columns: v.integer(tag.Columns, 0), Frames: v.integer(tag.NumberOfFrames, 1),
		Simulated: simulated.InText(v.text(tag.ImageComments)),
	}
	switch {
	case h.Rows <= 0 || h.Columns <= 0:
		return h, fmt.Errorf("%w: it holds no picture", ErrUnsupported)
	case int64(h.Rows)*int64(h.Columns) > MaxPixels:
		return h, fmt.Errorf("%w: its picture has %d×%d pixels, the limit is %d megapixels", ErrLimit, h.Columns, h.Rows, MaxPixels>>20)
	case h.Frames <= 0:
		return h, fmt.Errorf("%w: it says it has %d frames", ErrDamaged, h.Frames)
	}
	if time := v.number(tag.FrameTime, 0); time > 0 { // milliseconds
		h.Rate = 1000 / time
	} else if rate := v.number(tag.CineRate, 0); rate > 0 {
		h.Rate = rate
	} else if rate := v.number(tag.RecommendedDisplayFrameRate, 0); rate > 0 {
		h.Rate = rate
	}
	h.Regions = v.regions(image.Rect(0, 0, h.Columns, h.Rows))
	return h, nil
}

// regions reads the 2-D tissue pictures out of the Sequence of Ultrasound Regions.
func (v values) regions(picture image.Rectangle) []image.Rectangle {
	const twoD, tissue = 1, 1 // PS3.3 C.8.5.5.1.1 and C.8.5.5.1.2
	items, _ := v.get(tag.SequenceOfUltrasoundRegions).([]*library.SequenceItemValue)
	var found []image.Rectangle
	for _, item := range items {
		elements, _ := item.GetValue().([]*library.Element)
		r := values{library.Dataset{Elements: elements}}
		if r.integer(tag.RegionSpatialFormat, 0) != twoD || r.integer(tag.RegionDataType, 0) != tissue {
			continue
		}
		stated := image.Rectangle{
			Min: image.Pt(r.integer(tag.RegionLocationMinX0, 0), r.integer(tag.RegionLocationMinY0, 0)),
			Max: image.Pt(r.integer(tag.RegionLocationMaxX1, -1)+1, r.integer(tag.RegionLocationMaxY1, -1)+1),
		}
		// Some writers give the first pixel beyond the picture as the last one.
		place := stated.Intersect(picture)
		if !place.Empty() && stated.In(picture.Inset(-1)) {
			found = append(found, place)
		}
	}
	return found
}
