// Package v4l2 takes live pictures from a video grabber: whatever the Linux kernel
// offers as /dev/videoN.
//
// A grabber may be absent, be unplugged, lose its signal and come back at any time. Each
// of these is an error of [Source.Next], in words, and the next call tries again. What was
// in the grabber's buffers before is never delivered after: they are thrown away with it.
//
// The kernel is spoken to directly (ioctl.go). github.com/vladimirvivien/go4vl v0.5.0,
// which offers the same calls, was tried and left: it needs cgo, which ties the program to
// the C library of the machine that built it; its cgo flags name /usr/include, which is
// wrong when building for another machine; and it hands addresses of stack variables
// through functions as uintptr, so that the kernel writes into freed memory if the stack
// moves meanwhile.
package v4l2
