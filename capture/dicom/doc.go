// Package dicom reads ultrasound pictures from DICOM files, in a child process.
//
// DICOM files come from outside and the format invites attacks: a file of 32 KB can
// cost a parser gigabytes, one of 184 bytes a 4 GiB allocation. So nothing of a file
// is interpreted in the process of the box:
//
//   - The parent ([Open]) starts a worker, takes frames from it one at a time over a
//     pipe, and kills it when it gives no answer in time.
//   - The worker ([Worker]) limits its own memory, then walks the file once with
//     64-bit lengths that are checked against what is left (scan.go). Only the few
//     elements that a picture needs, each with the expected type and size, are given
//     to the DICOM library; sequences deeper than 16 are refused.
//   - Pixels are read frame by frame, so that memory follows the size of one frame,
//     not what the file claims.
//
// Read are single and multi-frame files, uncompressed (little endian) and JPEG
// baseline, as MONOCHROME1, MONOCHROME2 (8 to 16 bits, with rescale and window), RGB,
// YBR_FULL, YBR_FULL_422 and PALETTE COLOR. Other compressions are undone by the
// programs of dcmtk and gdcm where they are installed; else the error names the
// transfer syntax and the package.
//
// No name, date or identifier is read from the file, and nothing in it becomes a path.
// The one exception is [Identify], for the import of training data.
package dicom

import "errors"

// Errors that callers decide on.
var (
	// ErrDamaged: the file breaks the format or ends too early.
	ErrDamaged = errors.New("damaged DICOM file")
	// ErrUnsupported: the file is right, its pictures are of a kind that cannot be
	// read here, or only with a program that is not installed.
	ErrUnsupported = errors.New("DICOM file cannot be read")
	// ErrLimit: the file needs more memory, time or room than a picture may.
	ErrLimit = errors.New("DICOM file refused")
)

// Limits on what is read.
const (
	// MaxPixels is the largest frame: 64 megapixels.
	MaxPixels = 64 << 20
	// maxDepth is how deep sequences may be nested. Ultrasound files have 3 levels.
	maxDepth = 16
	// maxElements bounds the walk through a file; large real files have some 10,000.
	maxElements = 1 << 20
)
