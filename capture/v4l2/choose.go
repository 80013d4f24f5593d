package v4l2

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Format is how a grabber sends pictures.
type Format string

// Formats that are understood, the one with the least work first. Grey is the last choice
// for all that: without colour a menu looks more like ultrasound.
const (
	NV12  Format = "NV12"
	YUYV  Format = "YUYV"
	UYVY  Format = "UYVY"
	RGB24 Format = "RGB24"
	MJPEG Format = "MJPEG"
	Grey  Format = "GREY"
)

// formats in the order of preference, with the kernel's names. Some cards call their
// motion JPEG plain JPEG.
func formats() []struct {
	name Format
	code uint32
} {
	return []struct {
		name Format
		code uint32
	}{
		{NV12, fourCC("NV12")}, {YUYV, fourCC("YUYV")}, {UYVY, fourCC("UYVY")},
		{RGB24, fourCC("RGB3")}, {MJPEG, fourCC("MJPG")}, {MJPEG, fourCC("JPEG")}, {Grey, fourCC("GREY")},
	}
}

func fourCC(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// codeName writes a kernel's name as people write it.
func codeName(code uint32) string {
	for _, f := range formats() {
		if f.code == code {
			return string(f.name)
		}
	}
	return strings.TrimSpace(string([]byte{byte(code), byte(code >> 8), byte(code >> 16), byte(code >> 24)}))
}

// mode is a way in which a grabber can be run.
type mode struct {
	code          uint32
	width, height int
	rate          float64 // the highest; 0: not said
}

// What is asked for where the configuration asks for nothing: the nets see 224×224, so
// more lines than these cost time and show nothing.
const (
	enoughWidth, enoughHeight = 1280, 720
	smooth                    = 24.0 // frames per second
)

// modes asks a grabber what it can do: every understood format with every size.
func modes(fd int, c Config) (can []mode, offered []string) {
	for i := uint32(0); ; i++ {
		d := formatDescription{Index: i, Type: captureType}
		if ioctl(fd, enumerateFormats, &d) != nil {
			return can, offered
		}
		offered = append(offered, codeName(d.PixelFormat))
		known := slices.IndexFunc(formats(), func(f struct {
			name Format
			code uint32
		}) bool {
			return f.code == d.PixelFormat && (c.Format == "" || f.name == c.Format)
		})
		if known < 0 {
			continue
		}
		for _, size := range sizes(fd, d.PixelFormat, c) {
			can = append(can, mode{d.PixelFormat, size[0], size[1], fastest(fd, d.PixelFormat, size)})
		}
	}
}

// sizes are the picture sizes of a format; {0, 0} where the driver does not say.
func sizes(fd int, code uint32, c Config) (all [][2]int) {
	for i := uint32(0); ; i++ {
		s := frameSize{Index: i, PixelFormat: code}
		if ioctl(fd, enumerateSizes, &s) != nil {
			break
		}
		if s.Type == discrete {
			all = append(all, [2]int{int(s.MinWidth), int(s.MaxWidth)}) // width and height
			continue
		}
		return [][2]int{{
			within(cmp.Or(c.Width, enoughWidth), s.MinWidth, s.MaxWidth),
			within(cmp.Or(c.Height, enoughHeight), s.MinHeight, s.MaxHeight),
		}}
	}
	if all == nil {
		all = [][2]int{{c.Width, c.Height}}
	}
	return all
}

func within(n int, least, most uint32) int { return max(int(least), min(int(most), n)) }

// fastest is the highest rate of a format at a size, 0 where the driver does not say.
func fastest(fd int, code uint32, size [2]int) (rate float64) {
	for i := uint32(0); ; i++ {
		v := frameInterval{Index: i, PixelFormat: code, Width: uint32(size[0]), Height: uint32(size[1])}
		if ioctl(fd, enumerateIntervals, &v) != nil {
			return rate
		}
		rate = max(rate, v.Shortest.rate())
		if v.Type != discrete {
			return rate
		}
	}
}

func (f fraction) rate() float64 {
	if f.Numerator == 0 {
		return 0
	}
	return float64(f.Denominator) / float64(f.Numerator)
}

// best chooses a mode: the wanted size, or the largest that is not more than enough;
// smooth before large, as people watch it; then the format with the least work.
func best(can []mode, c Config) (mode, error) {
	rank := func(code uint32) int {
		return slices.IndexFunc(formats(), func(f struct {
			name Format
			code uint32
		}) bool {
			return f.code == code
		})
	}
	fits := func(m mode) bool {
		if c.Width > 0 && m.width != c.Width || c.Height > 0 && m.height != c.Height {
			return false
		}
		return true
	}
	var left []mode
	for _, m := range can {
		if fits(m) {
			left = append(left, m)
		}
	}
	if len(left) == 0 {
		var have []string
		for _, m := range can {
			have = append(have, fmt.Sprintf("%d×%d", m.width, m.height))
		}
		return mode{}, fmt.Errorf("it has no pictures of %d×%d: set source.width and source.height to one of %s", c.Width, c.Height, strings.Join(slices.Compact(have), ", "))
	}
	enough := cmp.Or(c.Rate, smooth)
	return slices.MaxFunc(left, func(a, b mode) int {
		return cmp.Or(
			first(a.rate == 0 || a.rate >= enough, b.rate == 0 || b.rate >= enough),
			first(modest(a, c), modest(b, c)),
			cmp.Compare(larger(a, c), larger(b, c)),
			cmp.Compare(rank(b.code), rank(a.code)),
			cmp.Compare(a.rate, b.rate),
		)
	}), nil
}

// modest says whether a picture is no larger than needed, unless its size is wanted.
func modest(m mode, c Config) bool {
	return c.Width > 0 || c.Height > 0 || m.width <= enoughWidth && m.height <= enoughHeight
}

// larger is better among modest pictures, smaller among others.
func larger(m mode, c Config) int {
	if modest(m, c) {
		return m.width * m.height
	}
	return -m.width * m.height
}

func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// signal looks whether anything comes in, and sets a grabber to what it is: timings of a
// digital signal, the colour standard of an analogue one.
func signal(fd int, wanted int) error {
	in, known, err := chosenInput(fd, wanted)
	if err != nil || !known {
		return err
	}
	if in.Status&(noPower|noSignal|noSync) != 0 {
		return errNoSignal
	}
	if in.Capabilities&inputTimings != 0 {
		return takeTimings(fd)
	}
	if in.Capabilities&inputStandard != 0 {
		var standard uint64
		if ioctl(fd, queryStandard, &standard) == nil && standard != 0 {
			_ = ioctl(fd, setStandard, &standard) // it stays as it is where it cannot be set
		}
	}
	return nil
}

// chosenInput sets a card to an input, unless wanted is negative, and says what the input
// is. It is not known of cards without a choice.
func chosenInput(fd int, wanted int) (in input, known bool, err error) {
	index := int32(wanted)
	if wanted >= 0 {
		if ioctl(fd, setInput, &index) != nil {
			return in, false, fmt.Errorf("it has no input %d: set source.input", wanted)
		}
	} else if ioctl(fd, getInput, &index) != nil {
		return in, false, nil //nolint:nilerr // a card without a choice
	}
	in.Index = uint32(index)
	return in, ioctl(fd, enumerateInputs, &in) == nil, nil
}

// takeTimings sets a card to the signal that comes in.
func takeTimings(fd int) error {
	var t timings
	err := ioctl(fd, queryTimings, &t)
	switch {
	case err == nil:
		return ioctl(fd, setTimings, &t)
	case errors.Is(err, unix.ENOLINK), errors.Is(err, unix.ENOLCK):
		return errNoSignal
	case errors.Is(err, unix.ERANGE):
		return errors.New("the scanner's picture has a size or rate that it cannot take: choose another at the scanner")
	}
	return nil // a driver that cannot say
}
