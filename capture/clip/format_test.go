package clip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lungbox/capture/clip/simulated"
	"lungbox/capture/dicom"
)

func ramp(w, h int) *image.Gray {
	p := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p.SetGray(x, y, color.Gray{Y: uint8(x * 255 / (w - 1))})
		}
	}
	return p
}

func writePNG(t testing.TB, w, h int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), fmt.Sprintf("%dx%d.png", w, h))
	var out bytes.Buffer
	if err := png.Encode(&out, ramp(w, h)); err != nil {
		t.Fatal(err)
	}
	write(t, path, out.Bytes())
	return path
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeDICOM makes a file of three frames with dcmtk, from committed pictures.
func writeDICOM(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	out := filepath.Join(folder, "clip.dcm")
	args := []string{"-i", "JPEG", "--new-sc"}
	for i := range 3 {
		picture := filepath.Join(folder, fmt.Sprintf("%d.jpg", i))
		var file bytes.Buffer
		if err := jpeg.Encode(&file, ramp(64, 48), &jpeg.Options{Quality: 60 + 10*i}); err != nil {
			t.Fatal(err)
		}
		write(t, picture, file.Bytes())
		args = append(args, picture)
	}
	if text, err := exec.Command("img2dcm", append(args, out)...).CombinedOutput(); err != nil {
		t.Fatalf("img2dcm (package dcmtk): %v\n%s", err, text)
	}
	return out
}

// What a DICOM file states about its ultrasound regions and itself is known from
// Open on, and the clip tells the region step.
func TestDICOMInfo(t *testing.T) {
	path := writeDICOM(t)
	args := []string{"-nb", "-i", "(0020,4000)=lungbox simulated", "-i", "(0018,1063)=50"}
	for tag, value := range map[string]string{"6012": "1", "6014": "1", "6018": "4", "601a": "2", "601c": "59", "601e": "39"} {
		args = append(args, "-i", "(0018,6011)[0].(0018,"+tag+")="+value)
	}
	if text, err := exec.Command("dcmodify", append(args, path)...).CombinedOutput(); err != nil {
		t.Fatalf("dcmodify (package dcmtk): %v\n%s", err, text)
	}
	frames, info, err := read(t, path, Options{})
	want := []image.Rectangle{image.Rect(4, 2, 60, 40)}
	if err != nil || len(frames) != 3 || info.Format != DICOM || info.Frames != 3 || info.Rate != 20 || !slices.Equal(info.Regions, want) || !frames[2].Simulated {
		t.Errorf("%d frames, %+v, %v", len(frames), info, err)
	}
}

// Every container comes out with all its frames, its size and full-range grey,
// whatever its name says.
func TestContainers(t *testing.T) {
	folder := t.TempDir()
	ramped := writePNG(t, 101, 57) // odd sides
	tests := []struct {
		file string
		args []string // encoder
	}{
		{"a.mp4", []string{"-c:v", "libx264", "-pix_fmt", "yuv444p", "-qp", "0"}},
		{"b.mov", []string{"-c:v", "mjpeg", "-q:v", "1", "-pix_fmt", "yuvj420p"}},
		{"c.avi", []string{"-c:v", "rawvideo", "-pix_fmt", "bgr24"}},
		{"d.mkv", []string{"-c:v", "ffv1", "-pix_fmt", "gray"}},
		{"e.webm", []string{"-c:v", "libvpx", "-b:v", "2M", "-pix_fmt", "yuv420p"}},
		{"f.gif", nil},
		{"g.ts", []string{"-c:v", "mpeg2video", "-q:v", "1", "-r", "25"}},
		{"h.wmv", []string{"-c:v", "wmv2", "-q:v", "1", "-vf", "pad=102:58"}},
		{"i.mp4.txt", []string{"-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv444p", "-f", "mp4"}},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			path := filepath.Join(folder, test.file)
			ffmpeg(t, append(append([]string{"-loop", "1", "-framerate", "25", "-i", ramped, "-frames:v", "12"}, test.args...), path)...)
			frames, info, err := read(t, path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(frames) != 12 || info.Format != Video || info.Rate < 24 || info.Rate > 26 {
				t.Errorf("%d frames, %+v; want 12 at 25 per second", len(frames), info)
			}
			picture := frames[6].Image
			if picture.Rect.Dx() != 101 && picture.Rect.Dx() != 102 || picture.Rect.Dy() != 57 && picture.Rect.Dy() != 58 {
				t.Fatalf("size %v, want 101×57", picture.Rect)
			}
			for _, at := range []struct{ x, want int }{{0, 0}, {50, 127}, {100, 255}} {
				if got := int(picture.GrayAt(at.x, 28).Y); got < at.want-6 || got > at.want+6 {
					t.Errorf("grey at column %d is %d, want %d: not full range", at.x, got, at.want)
				}
			}
		})
	}
}

// Frames at uneven times are neither doubled nor dropped.
func TestUnevenTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "uneven.mkv")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc=size=64x48:rate=20:duration=1", "-vf", "setpts='if(gt(N,10),N*7,N)/20/TB+random(0)*0.02/TB'",
		"-vsync", "passthrough", "-c:v", "ffv1", path)
	frames, _, err := read(t, path, Options{})
	if err != nil || len(frames) != 20 {
		t.Errorf("%d frames, error %v; want 20", len(frames), err)
	}
}

func TestSimulatedMarks(t *testing.T) {
	folder := t.TempDir()
	var marked, photo bytes.Buffer
	if err := simulated.WritePNG(&marked, ramp(32, 32)); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&photo, ramp(32, 32), nil); err != nil {
		t.Fatal(err)
	}
	comment := "\xff\xd8\xff\xfe\x00\x13" + simulated.Comment
	tests := map[string]func(path string){
		"marked.png": func(path string) { write(t, path, marked.Bytes()) },
		"marked.jpg": func(path string) { write(t, path, append([]byte(comment), photo.Bytes()[2:]...)) },
		"marked.mp4": func(path string) {
			ffmpeg(t, "-i", writePNG(t, 32, 32), "-metadata", "comment=Lungbox Simulated, seed 7", path)
		},
		"marked.mkv": func(path string) { ffmpeg(t, "-i", writePNG(t, 32, 32), "-metadata", "title=lungbox simulated", path) },
		"plain.png":  func(path string) { os.Rename(writePNG(t, 32, 32), path) },
		"plain.jpg":  func(path string) { write(t, path, photo.Bytes()) },
		"plain.mp4":  func(path string) { ffmpeg(t, "-i", writePNG(t, 32, 32), path) },
	}
	for name, create := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(folder, name)
			create(path)
			frames, info, err := read(t, path, Options{})
			want := strings.HasPrefix(name, "marked")
			if err != nil || len(frames) != 1 || frames[0].Simulated != want || info.Simulated != want {
				t.Errorf("%d frames, %+v, %v; want simulated %v", len(frames), info, err, want)
			}
		})
	}
}

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

// Names that look like options or addresses are names.
func TestOddNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"-i.mp4", "http:x.mp4", "100%d.mp4", "two words.mp4", "ü.mp4"} {
		ffmpeg(t, "-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=0.3", "made.mp4")
		if err := os.Rename("made.mp4", name); err != nil {
			t.Fatal(err)
		}
		if frames, _, err := read(t, name, Options{}); err != nil || len(frames) != 3 {
			t.Errorf("%s: %d frames, %v", name, len(frames), err)
		}
	}
}

func FuzzDetect(f *testing.F) {
	f.Add([]byte("RIFF"))
	f.Fuzz(func(_ *testing.T, head []byte) { Detect(head) })
}
