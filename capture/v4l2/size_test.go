package v4l2

import (
	"testing"
	"unsafe"
)

// Sizes as the kernel's headers give them on 64-bit machines (printed by a C program).
func TestSizes(t *testing.T) {
	for name, got := range map[string][2]uintptr{
		"capability": {unsafe.Sizeof(capability{}), 104}, "fmtdesc": {unsafe.Sizeof(formatDescription{}), 64},
		"format": {unsafe.Sizeof(format{}), 208}, "requestbuffers": {unsafe.Sizeof(bufferRequest{}), 20},
		"buffer": {unsafe.Sizeof(buffer{}), 88}, "streamparm": {unsafe.Sizeof(streamParameters{}), 204},
		"input": {unsafe.Sizeof(input{}), 80}, "frmsizeenum": {unsafe.Sizeof(frameSize{}), 44},
		"frmivalenum": {unsafe.Sizeof(frameInterval{}), 52}, "dv_timings": {unsafe.Sizeof(timings{}), 132},
		"buffer.timestamp": {unsafe.Offsetof(buffer{}.Timestamp), 24}, "buffer.sequence": {unsafe.Offsetof(buffer{}.Sequence), 56},
		"buffer.m": {unsafe.Offsetof(buffer{}.Offset), 64}, "buffer.length": {unsafe.Offsetof(buffer{}.Length), 72},
		"input.status": {unsafe.Offsetof(input{}.Status), 56}, "streamparm.timeperframe": {unsafe.Offsetof(streamParameters{}.TimePerFrame), 12},
		"VIDIOC_DQBUF": {dequeueBuffer, 0xc0585611}, "VIDIOC_S_FMT": {setFormat, 0xc0d05605}, "VIDIOC_QUERYCAP": {queryCapability, 0x80685600},
		"VIDIOC_S_STD": {setStandard, 0x40085618}, "VIDIOC_QUERY_DV_TIMINGS": {queryTimings, 0x80845663},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %#x, want %#x", name, got[0], got[1])
		}
	}
}
