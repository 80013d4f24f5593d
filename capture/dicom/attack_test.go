package dicom

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// outcome is what a hostile file cost.
type outcome struct {
	err    error
	took   time.Duration
	memory int64 // most bytes that any worker up to now had in memory
	frames int
}

func attack(t *testing.T, path string, opts Options) outcome {
	t.Helper()
	began := time.Now()
	s, err := Open(context.Background(), path, opts)
	var o outcome
	if err == nil {
		for err == nil {
			if _, err = s.Next(context.Background()); err == nil {
				o.frames++
			}
		}
		s.Close()
	}
	o.err, o.took = err, time.Since(began)
	var children syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children); err != nil {
		t.Fatal(err)
	}
	o.memory = children.Maxrss << 10
	return o
}

// attacks are small files that cost the DICOM library gigabytes or minutes, or
// crash it.
func attacks() map[string][]byte {
	nested := start(explicitLittleEndian)
	for range 1600 { // 32 KB: 12.6 s and 3.7 GB
		nested.head(0x0008_1140, "SQ", undefined).head(0xfffe_e000, "", undefined)
	}
	inRegions := grey8(4, 4, "", make([]byte, 16))
	inRegions.extra = func(b *builder) {
		var value []byte
		for range 1500 { // the same inside the one sequence that is wanted, with true lengths
			var outer builder
			outer.head(0x0018_6011, "SQ", uint32(len(value)+8)).head(0xfffe_e000, "", uint32(len(value)))
			value = append(outer.bytes(), value...)
		}
		b.add(0x0018_6011, "SQ", value)
	}
	huge := start(explicitLittleEndian).head(0x0009_1001, "OB", 0xffff_fff0)
	hugeWanted := start(explicitLittleEndian).head(0x0028_1201, "OW", 0xffff_fff0)
	rows := grey8(4, 4, "", make([]byte, 16))
	rowsAsText := strings.Replace(string(rows.build().bytes()), "\x28\x00\x10\x00US\x02\x00\x04\x00", "\x28\x00\x10\x00LO\x02\x004 ", 1)
	many := grey8(1, 1, "2000000", []byte{7, 7})
	endless := start(explicitLittleEndian)
	for range 200_000 {
		endless.head(0x0009_1001, "OB", 0)
	}
	pieces := fragmentedZeros(300_000)
	return map[string][]byte{
		"32 KB of nested sequences":          nested.bytes(),
		"nested sequences among the regions": inRegions.build().bytes(),
		"two million frames in 240 bytes":    many.build().bytes(),
		"4 GiB in 184 bytes":                 huge.bytes(),
		"4 GiB of colour table":              hugeWanted.bytes(),
		"rows that are text":                 []byte(rowsAsText),
		"300,000 empty pieces of pixel data": pieces,
		"a huge picture":                     grey8(65535, 65535, "", make([]byte, 16)).build().bytes(),
		"frames without number":              grey8(4, 4, "99999999999999999999", make([]byte, 16)).build().bytes(),
		"200,000 elements and no picture":    endless.bytes(),
	}
}

func fragmentedZeros(n int) []byte {
	f := grey8(16, 24, "2", nil)
	f.syntax = jpegBaseline
	b := f.build().head(0x7fe0_0010, "OB", undefined)
	for range n {
		b.head(0xfffe_e000, "", 0)
	}
	return b.bytes()
}

func TestAttacks(t *testing.T) {
	for name, file := range attacks() {
		t.Run(name, func(t *testing.T) {
			o := attack(t, write(t, file), Options{Patience: 5 * time.Second})
			t.Logf("%d bytes: %v, %d frames, %d MB, %v", len(file), o.took.Round(time.Millisecond), o.frames, o.memory>>20, o.err)
			const most = 128 << 20
			if o.memory > most {
				t.Errorf("the worker took %d MB", o.memory>>20)
			}
			late := errors.Is(o.err, ErrLimit) && strings.Contains(o.err.Error(), "more than 5s")
			if late {
				t.Error("it was stopped by its deadline only")
			}
			switch name {
			case "two million frames in 240 bytes", "frames without number":
				// What is there may be read: a frame or two.
				if o.frames > 2 {
					t.Errorf("%d frames came out of nothing", o.frames)
				}
			case "32 KB of nested sequences":
				if !errors.Is(o.err, ErrLimit) {
					t.Errorf("error %v, want a refusal for its depth", o.err)
				}
			case "nested sequences among the regions":
				if !errors.Is(o.err, io.EOF) && !errors.Is(o.err, ErrLimit) {
					t.Errorf("error %v: the picture should be read without its regions, or refused", o.err)
				}
			default:
				if !errors.Is(o.err, ErrDamaged) && !errors.Is(o.err, ErrLimit) && !errors.Is(o.err, ErrUnsupported) {
					t.Errorf("error %v, want a refusal", o.err)
				}
			}
		})
	}
}

// A file that is right and needs much memory is refused by the limit, not by luck.
func TestMemoryLimit(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes the address space that the limit is about")
	}
	const rows, columns = 3000, 4000
	f := picture{rows: rows, columns: columns, samples: 3, photometric: "RGB"}
	head := f.build().head(0x7fe0_0010, "OW", 3*rows*columns).bytes()
	path := write(t, head)
	if err := os.Truncate(path, int64(len(head))+3*rows*columns); err != nil { // a hole: no room on disk
		t.Fatal(err)
	}
	if o := attack(t, path, Options{}); !errors.Is(o.err, io.EOF) || o.frames != 1 {
		t.Errorf("with the default limit: %d frames, %v", o.frames, o.err)
	}
	o := attack(t, path, Options{Memory: 24 << 20})
	if !errors.Is(o.err, ErrLimit) || !strings.Contains(o.err.Error(), "24 MB of memory") {
		t.Errorf("with 24 MB: %d frames, %v", o.frames, o.err)
	}
}

// A worker that says nothing, or nonsense, or dies costs one error.
func TestBadWorkers(t *testing.T) {
	path := write(t, grey8(2, 2, "", make([]byte, 4)).build().bytes())
	header := `H\000\000\000\044{"Rows":2,"Columns":2,"Frames":1}   `
	tests := []struct {
		name, script, says string
	}{
		{"silent", "exec sleep 600", "more than 200ms"},
		{"silent, with a child", "sleep 600 & sleep 600; wait", "more than 200ms"},
		{"dies", "exit 3", "exit status 3"},
		{"dies with a message", "echo 'panic: oh no' >&2; exit 2", "panic: oh no"},
		{"killed", "kill -9 $$", "killed"},
		{"nonsense", "echo 'Hello, this is not a header at all'", "makes no sense"},
		{"endless header", `printf 'H\377\377\377\377'; exec cat /dev/zero`, "makes no sense"},
		{"picture too large", `printf 'H\000\000\000\054{"Rows":999999,"Columns":999999,"Frames":1}  '`, "makes no sense"},
		{"frame of another size", "printf '" + header + `F\177\377\377\377'; exec cat /dev/zero`, "makes no sense"},
		{"silent after the header", "printf '" + header + "'; exec sleep 600", "more than 200ms"},
		{"gone after the header", "printf '" + header + "'", "died"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			script := filepath.Join(t.TempDir(), "worker")
			if err := os.WriteFile(script, []byte("#!/bin/sh\n"+test.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			_, _, err := read(t, path, Options{Worker: []string{script}, Patience: 200 * time.Millisecond})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %q", err, test.says)
			}
		})
	}
	_, _, err := read(t, path, Options{Worker: []string{"/no/such/worker"}})
	if err == nil || !strings.Contains(err.Error(), "cannot start") {
		t.Errorf("error %v", err)
	}
}

// No scratch folder stays behind, and no program.
func TestNothingStaysBehind(t *testing.T) {
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	plain, _ := uncompressed(t, "RGB", 48, 33)
	packed := filepath.Join(t.TempDir(), "packed.dcm")
	run(t, "dcmcrle", plain, packed)
	for _, path := range []string{packed, write(t, []byte("rubbish"))} {
		read(t, path, Options{})
		left, err := os.ReadDir(scratch)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range left {
			if strings.HasPrefix(entry.Name(), "lungbox-") {
				t.Errorf("%s is left", entry.Name())
			}
		}
	}
}

// Without its program a syntax is named, and the package that has it.
func TestMissingProgram(t *testing.T) {
	plain, _ := uncompressed(t, "MONOCHROME2", 48, 33)
	packed := filepath.Join(t.TempDir(), "packed.dcm")
	run(t, "dcmcrle", plain, packed)
	t.Setenv("PATH", t.TempDir())
	_, _, err := read(t, packed, Options{})
	if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "RLE") || !strings.Contains(err.Error(), "install dcmtk") {
		t.Errorf("error %v", err)
	}
}

func FuzzScan(f *testing.F) {
	for _, file := range attacks() {
		if len(file) < 64<<10 {
			f.Add(file)
		}
	}
	f.Add(grey8(2, 2, "", []byte{1, 2, 3, 4}).build().bytes())
	f.Fuzz(func(t *testing.T, file []byte) {
		in := strings.NewReader(string(file))
		l, err := scan(in, int64(len(file)))
		if err != nil || !l.readable() {
			return
		}
		p, err := newPictures(in, l)
		if err != nil || int64(p.header.Rows)*int64(p.header.Columns) > 1<<20 {
			return
		}
		for i := range min(p.whole, 3) {
			p.frame(i) // must not panic
		}
	})
}
