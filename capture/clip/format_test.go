package clip

import (
	"bytes"
	"encoding/binary"
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

	"lungbox/capture/clip/simulated"
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
	var plain, photo bytes.Buffer
	if err := png.Encode(&plain, ramp(32, 32)); err != nil {
		t.Fatal(err)
	}
	const headerEnd = 33 // of a PNG: signature and first chunk
	mark := append([]byte("\x00\x00\x00\x11"), "tEXtLungbox\x00simulated"...)
	mark = binary.BigEndian.AppendUint32(mark, crc32.ChecksumIEEE(mark[4:]))
	if err := jpeg.Encode(&photo, ramp(32, 32), nil); err != nil {
		t.Fatal(err)
	}
	comment := "\xff\xd8\xff\xfe\x00\x13" + simulated.Comment
	tests := map[string]func(path string){
		"marked.png": func(path string) { write(t, path, slices.Insert(plain.Bytes(), headerEnd, mark...)) },
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
