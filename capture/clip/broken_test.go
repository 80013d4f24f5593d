package clip

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lungbox/capture/dicom"
)

// hugePNG is the head of a picture of 20,000 × 20,000 pixels.
func hugePNG() []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), 20000)
	chunk = append(binary.BigEndian.AppendUint32(chunk, 20000), 8, 0, 0, 0, 0)
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(chunk))
}

// Each broken file is one line that names it and says what is wrong.
func TestBrokenFiles(t *testing.T) {
	folder := t.TempDir()
	clip, err := os.ReadFile(filepath.Join(demo, "reg_recommendations_alines_mov1.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := os.ReadFile(writePNG(t, 200, 200))
	if err != nil {
		t.Fatal(err)
	}
	front := filepath.Join(folder, "front.mp4") // its index lies in front of the pictures
	ffmpeg(t, "-i", filepath.Join(demo, "reg_recommendations_alines_mov1.mp4"), "-c", "copy", "-movflags", "faststart", front)
	streamed, err := os.ReadFile(front)
	if err != nil {
		t.Fatal(err)
	}
	noisy := slices.Clone(streamed)
	for i := len(noisy) / 2; i < len(noisy)*3/4; i++ {
		noisy[i] = byte(i * i >> 3)
	}
	sound := filepath.Join(folder, "sound.mp4")
	ffmpeg(t, "-f", "lavfi", "-i", "sine=duration=0.2", sound)
	big := filepath.Join(folder, "wide.avi")
	ffmpeg(t, "-f", "lavfi", "-i", "color=size=16000x6000:duration=0.04", "-c:v", "png", big)

	tests := []struct {
		name    string
		content []byte // nil: the file is there, or must not be
		is      error
		says    string
		frames  [2]int // at least, at most
	}{
		{"absent.mp4", nil, os.ErrNotExist, "no such file", [2]int{}},
		{".", nil, nil, "folder", [2]int{}},
		{"empty.mp4", []byte{}, ErrFormat, "empty", [2]int{}},
		{"notes.mp4", []byte("these are notes, not a film"), ErrFormat, "not a video", [2]int{}},
		{"no-index.mp4", clip[:len(clip)/2], ErrDamaged, "moov atom not found", [2]int{}},
		{"half.mp4", streamed[:len(streamed)/2], ErrDamaged, "of 90 frames", [2]int{20, 70}},
		{"noise.mp4", noisy, ErrDamaged, "frames", [2]int{20, 90}},
		{"sound.mp4", nil, ErrFormat, "holds no video", [2]int{}},
		{"wide.avi", nil, ErrTooLarge, "16000×6000", [2]int{}},
		{"cut.png", picture[:len(picture)*2/3], ErrDamaged, "not enough pixel data", [2]int{}},
		{"huge.png", hugePNG(), ErrTooLarge, "20000×20000", [2]int{}},
		{"cut.jpg", []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00"), ErrDamaged, "EOF", [2]int{}},
		{"cut.dcm", append(make([]byte, 128), "DICM\x02\x00\x10\x00UI\xff\x00"...), dicom.ErrDamaged, "0 are left", [2]int{}},
		{"picture.webp", []byte("RIFF\x10\x00\x00\x00WEBPVP8 "), ErrFormat, "PNG", [2]int{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(folder, test.name)
			if test.content != nil {
				write(t, path, test.content)
			}
			frames, _, err := read(t, path, Options{})
			if err == nil {
				t.Fatalf("%d frames and no error", len(frames))
			}
			t.Log(strings.TrimPrefix(err.Error(), folder))
			if !strings.HasPrefix(err.Error(), path+": ") || strings.Count(err.Error(), path) != 1 || strings.Contains(err.Error(), "\n") {
				t.Errorf("not one line that starts with the file: %q", err)
			}
			if test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %q, want %v and %q", err, test.is, test.says)
			}
			if n := len(frames); n < test.frames[0] || n > test.frames[1] {
				t.Errorf("%d frames were delivered, want %v", n, test.frames)
			}
		})
	}
}

func TestMissingPrograms(t *testing.T) {
	path := filepath.Join(demo, "vir_whitelung_h1n1.mp4")
	for _, opts := range []Options{{FFmpeg: "no-such-ffmpeg"}, {FFprobe: "no-such-ffprobe"}} {
		_, _, err := read(t, path, opts)
		if !errors.Is(err, ErrProgram) || !strings.Contains(err.Error(), "apt-get install ffmpeg") {
			t.Errorf("error %v", err)
		}
	}
}

// A decoder that stops answering costs its patience, not the run.
func TestPatience(t *testing.T) {
	path := filepath.Join(demo, "vir_whitelung_h1n1.mp4")
	for _, opts := range []Options{{FFmpeg: script(t, "exec sleep 600")}, {FFprobe: script(t, "exec sleep 600")}} {
		opts.Patience = 50 * time.Millisecond
		if _, _, err := read(t, path, opts); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "50ms") {
			t.Errorf("error %v", err)
		}
	}
}
