package v4l2

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Structures and numbers of linux/videodev2.h, for 64-bit machines. The kernel refuses
// a request whose structure has another size (ENOTTY).

type capability struct {
	Driver       [16]byte
	Card         [32]byte
	Bus          [32]byte
	Version      uint32
	Capabilities uint32
	DeviceCaps   uint32
	_            [3]uint32
}

type formatDescription struct {
	Index, Type, Flags   uint32
	Description          [32]byte
	PixelFormat, BusCode uint32
	_                    [3]uint32
}

type pixelFormat struct {
	Width, Height, PixelFormat, Field   uint32
	BytesPerLine, SizeImage, Colorspace uint32
	Private, Flags, Encoding            uint32
	Quantization, Transfer              uint32
}

type format struct {
	Type  uint32
	_     uint32
	Pixel pixelFormat
	_     [200 - 48]byte
}

type bufferRequest struct {
	Count, Type, Memory, Capabilities uint32
	_                                 uint32
}

type buffer struct {
	Index, Type, BytesUsed, Flags, Field uint32
	_                                    uint32
	Timestamp                            unix.Timeval
	_                                    [16]byte // timecode
	Sequence, Memory                     uint32
	Offset                               uint32
	_                                    uint32 // the rest of the union
	Length                               uint32
	_                                    [3]uint32
}

type fraction struct{ Numerator, Denominator uint32 }

type streamParameters struct {
	Type         uint32
	Capability   uint32
	Mode         uint32
	TimePerFrame fraction
	_            [200 - 16]byte
}

type input struct {
	Index                uint32
	Name                 [32]byte
	Type, Audio, Tuner   uint32
	Standards            uint64
	Status, Capabilities uint32
	_                    [4]uint32
}

type frameSize struct {
	Index, PixelFormat, Type      uint32
	MinWidth, MaxWidth, StepWidth uint32 // of a discrete size: width, height, -
	MinHeight, MaxHeight, _       uint32
	_                             [2]uint32
}

type frameInterval struct {
	Index, PixelFormat, Width, Height, Type uint32
	Shortest                                fraction
	_                                       [16]byte
	_                                       [2]uint32
}

type timings struct{ _ [132]byte }

const (
	captureType = 1 // V4L2_BUF_TYPE_VIDEO_CAPTURE
	mapped      = 1 // V4L2_MEMORY_MMAP

	capCapture    = 0x00000001
	capStreaming  = 0x04000000
	capDeviceCaps = 0x80000000

	bufferError    = 0x0040
	stampMask      = 0xe000
	stampMonotonic = 0x2000

	inputTimings  = 0x2 // V4L2_IN_CAP_DV_TIMINGS
	inputStandard = 0x4 // V4L2_IN_CAP_STD
	noPower       = 0x1
	noSignal      = 0x2
	noSync        = 0x100 // V4L2_IN_ST_NO_H_LOCK

	discrete = 1 // kind of a frame size or interval

	fullRange      = 1 // V4L2_QUANTIZATION_FULL_RANGE
	limitedRange   = 2
	colorspaceJPEG = 7
)

// Parts of a request's number: its direction, what it is about, and how large its
// structure is.
const (
	read, write = 2 << 30, 1 << 30
	video       = 'V' << 8
)

// Requests.
const (
	queryCapability    = read | unsafe.Sizeof(capability{})<<16 | video // number 0
	enumerateFormats   = read | write | unsafe.Sizeof(formatDescription{})<<16 | video | 2
	setFormat          = read | write | unsafe.Sizeof(format{})<<16 | video | 5
	requestBuffers     = read | write | unsafe.Sizeof(bufferRequest{})<<16 | video | 8
	queryBuffer        = read | write | unsafe.Sizeof(buffer{})<<16 | video | 9
	queueBuffer        = read | write | unsafe.Sizeof(buffer{})<<16 | video | 15
	dequeueBuffer      = read | write | unsafe.Sizeof(buffer{})<<16 | video | 17
	streamOn           = write | unsafe.Sizeof(int32(0))<<16 | video | 18
	streamOff          = write | unsafe.Sizeof(int32(0))<<16 | video | 19
	setParameters      = read | write | unsafe.Sizeof(streamParameters{})<<16 | video | 22
	setStandard        = write | unsafe.Sizeof(uint64(0))<<16 | video | 24
	enumerateInputs    = read | write | unsafe.Sizeof(input{})<<16 | video | 26
	getInput           = read | unsafe.Sizeof(int32(0))<<16 | video | 38
	setInput           = read | write | unsafe.Sizeof(int32(0))<<16 | video | 39
	queryStandard      = read | unsafe.Sizeof(uint64(0))<<16 | video | 63
	enumerateSizes     = read | write | unsafe.Sizeof(frameSize{})<<16 | video | 74
	enumerateIntervals = read | write | unsafe.Sizeof(frameInterval{})<<16 | video | 75
	setTimings         = read | write | unsafe.Sizeof(timings{})<<16 | video | 87
	queryTimings       = read | unsafe.Sizeof(timings{})<<16 | video | 99
)

// ioctl asks a device. The error is the kernel's number.
func ioctl[T any](fd int, request uintptr, arg *T) error {
	for {
		_, _, number := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(arg)))
		if number == 0 {
			return nil
		}
		if !errors.Is(number, unix.EINTR) {
			return number
		}
	}
}

// text is a name in a fixed field.
func text(field []byte) string {
	for i, b := range field {
		if b == 0 {
			return string(field[:i])
		}
	}
	return string(field)
}
