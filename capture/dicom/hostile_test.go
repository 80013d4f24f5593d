package dicom

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lungbox/sync/faultstest"
)

// TestHostileFiles reads files that were made to do harm: right ones of many kinds, cut off,
// with wrong lengths, value representations, sizes and sequences, and what of them is compressed
// rotten. None may cost more than 256 MB, none may end the program. LUNGBOX_HOSTILE says how
// many; how long the slowest took is printed.
func TestHostileFiles(t *testing.T) {
	count := faultstest.Times(t, "LUNGBOX_HOSTILE", 300)
	right := rightFiles(t)
	path := filepath.Join(t.TempDir(), "hostile.dcm")
	var slowest time.Duration
	kinds := map[string]int{}
	var memory int64
	for i := range count {
		d := rand.New(rand.NewPCG(uint64(i), 1))
		file := spoil(d, right[i%len(right)])
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		o := attack(t, path, Options{Memory: 256 << 20})
		slowest, memory = max(slowest, o.took), max(memory, o.memory)
		kind := "read"
		switch {
		case o.err == nil || errors.Is(o.err, io.EOF):
		case errors.Is(o.err, ErrDamaged):
			kind = "damaged"
		case errors.Is(o.err, ErrLimit):
			kind = "beyond a limit"
		case errors.Is(o.err, ErrUnsupported):
			kind = "not supported"
		default:
			kind = "other"
			t.Errorf("file %d: %v: no kind of refusal", i, o.err)
		}
		kinds[kind]++
		if o.err != nil && strings.Contains(o.err.Error(), "\n") {
			t.Errorf("file %d: an error of several lines: %q", i, o.err)
		}
		if o.memory > 256<<20 {
			t.Fatalf("file %d: its worker took %d MB", i, o.memory>>20)
		}
	}
	t.Logf("%d files: %v; slowest %v, most memory %d MB", count, kinds, slowest.Round(time.Millisecond), memory>>20)
	if count >= 300 && (kinds["read"] == 0 || kinds["damaged"] == 0) {
		t.Error("the files are not as hostile, or not as near to right ones, as they should be")
	}
}

// rightFiles are what is spoilt.
func rightFiles(t *testing.T) (files [][]byte) {
	noise := func(n int) []byte {
		out := make([]byte, n)
		for i := range out {
			out[i] = byte(i * 7 % 251)
		}
		return out
	}
	grey := grey8(48, 64, "3", noise(3*48*64))
	files = append(files, grey.build().bytes())
	grey.syntax = implicitLittleEndian
	files = append(files, grey.build().bytes())
	files = append(files, picture{rows: 24, columns: 32, samples: 3, photometric: "RGB", pixels: noise(3 * 24 * 32)}.build().bytes())
	files = append(files, picture{rows: 24, columns: 32, samples: 1, photometric: "MONOCHROME2", bits: [3]uint16{16, 12, 11}, pixels: noise(2 * 24 * 32)}.build().bytes())
	for _, tool := range []string{"dcmcjpeg", "dcmcrle", "dcmcjpls"} {
		plain, _ := uncompressed(t, "MONOCHROME2", 48, 33)
		packed := filepath.Join(t.TempDir(), "packed.dcm")
		run(t, tool, plain, packed)
		text, err := os.ReadFile(packed)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, text)
	}
	for _, name := range []string{"32 KB of nested sequences", "nested sequences among the regions", "rows that are text", "two million frames in 240 bytes"} {
		files = append(files, attacks()[name])
	}
	return files
}

// spoil changes a file in one to four ways.
func spoil(d *rand.Rand, right []byte) []byte {
	file := bytes.Clone(right)
	for range 1 + d.IntN(4) {
		if len(file) < 140 {
			return file
		}
		at := 128 + d.IntN(len(file)-128) // what stands before is read by nobody
		switch d.IntN(10) {
		case 0: // cut off
			file = file[:at]
		case 1: // a byte
			file[at] ^= 1 << d.IntN(8)
		case 2: // many bytes
			for range 1 + d.IntN(64) {
				file[128+d.IntN(len(file)-128)] = byte(d.Uint32())
			}
		case 3: // a length, most likely
			extremes := []uint32{0, 1, 0xffff_ffff, 0xffff_fffe, 0x7fff_ffff, 0x8000_0000, uint32(len(file)), 0xffff}
			if at+4 <= len(file) {
				binary.LittleEndian.PutUint32(file[at:], extremes[d.IntN(len(extremes))])
			}
		case 4: // another value representation
			all := []string{"SQ", "OB", "OW", "UN", "US", "IS", "DS", "LO", "UI", "UT", "AT", "FD", "??"}
			vr := all[d.IntN(len(all))]
			if found := bytes.Index(file[at:], []byte([]string{"US", "CS", "UI", "OB", "OW", "IS", "PN"}[d.IntN(7)])); found >= 0 {
				copy(file[at+found:], vr)
			}
		case 5: // giant or tiny sizes: rows, columns, samples, bits
			tag := []uint16{0x0010, 0x0011, 0x0002, 0x0100, 0x0101, 0x0102}[d.IntN(6)]
			head := binary.LittleEndian.AppendUint16([]byte{0x28, 0}, tag)
			if found := bytes.Index(file, head); found >= 0 && found+10 <= len(file) {
				binary.LittleEndian.PutUint16(file[found+8:], []uint16{0, 1, 0xffff, 0x7fff, uint16(d.Uint32())}[d.IntN(5)])
			}
		case 6: // sequences in sequences
			var nested builder
			for range 1 + d.IntN(2000) {
				nested.head(0x0040_a730, "SQ", undefined).head(0xfffe_e000, "", undefined)
			}
			file = append(file[:at:at], append(nested.bytes(), file[at:]...)...)
		case 7: // a piece twice, or many times
			piece := bytes.Clone(file[at:min(len(file), at+1+d.IntN(512))])
			file = append(file[:at:at], append(bytes.Repeat(piece, 1+d.IntN(100)), file[at:]...)...)
		case 8: // a number of frames that nobody has
			if found := bytes.Index(file, []byte{0x28, 0, 0x08, 0, 'I', 'S'}); found >= 0 && found+10 <= len(file) {
				copy(file[found+8:], fmt.Sprint(d.Int32())[:2])
			}
		case 9: // a bomb: pixels of zeros in a thousand pieces
			b := &builder{}
			b.head(0x7fe0_0010, "OB", undefined)
			for range d.IntN(5000) {
				b.head(0xfffe_e000, "", 0)
			}
			file = append(file[:at:at], b.bytes()...)
		}
	}
	return file
}
