package v4l2

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os/exec"
	"strings"
	"testing"
)

// ffmpeg makes raw pictures of a format from a test picture, as a peer of the conversions.
func ffmpeg(t *testing.T, filter string, args ...string) []byte {
	t.Helper()
	all := append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc2=size=322x242:rate=1,format=yuv420p," + filter, "-frames:v", "1"}, args...)
	c := exec.CommandContext(t.Context(), "ffmpeg", append(all, "-")...)
	var complaint bytes.Buffer
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v %s", filter, err, complaint.String())
	}
	return out
}

// apart is the largest and the mean difference of two pictures.
func apart(t *testing.T, got *image.Gray, want []byte) (largest int, mean float64) {
	t.Helper()
	if len(got.Pix) != len(want) {
		t.Fatalf("%d pixels, want %d", len(got.Pix), len(want))
	}
	for i, v := range got.Pix {
		d := int(math.Abs(float64(v) - float64(want[i])))
		largest = max(largest, d)
		mean += float64(d) / float64(len(want))
	}
	return largest, mean
}

// Every format gives the same grey picture as ffmpeg makes of it.
func TestFormats(t *testing.T) {
	const width, height = 322, 242
	full := "scale=in_range=limited:out_range=full,"
	want := ffmpeg(t, full+"format=gray", "-f", "rawvideo")
	colour := 0.0
	for _, c := range []struct {
		name   string
		data   []byte
		layout layout
		within int
	}{
		{"GREY", ffmpeg(t, full+"format=gray", "-f", "rawvideo"), layout{format: Grey, stride: width}, 0},
		{"GREY limited", ffmpeg(t, "format=yuv420p,extractplanes=y", "-f", "rawvideo"), layout{format: Grey, stride: width, limited: true}, 1},
		{"YUYV", ffmpeg(t, "format=yuyv422", "-f", "rawvideo"), layout{format: YUYV, stride: 2 * width, limited: true}, 1},
		{"UYVY", ffmpeg(t, "format=uyvy422", "-f", "rawvideo"), layout{format: UYVY, stride: 2 * width, limited: true}, 1},
		{"NV12", ffmpeg(t, "format=nv12", "-f", "rawvideo"), layout{format: NV12, stride: width, limited: true}, 1},
		{"NV12 full", ffmpeg(t, full+"format=nv12", "-f", "rawvideo"), layout{format: NV12, stride: width}, 0},
		// Back from colour: where clipped colours meet, luma is not what it was.
		{"RGB24", ffmpeg(t, "format=rgb24", "-f", "rawvideo"), layout{format: RGB24, stride: 3 * width}, 60},
		{"MJPEG", ffmpeg(t, full+"format=yuvj420p", "-c:v", "mjpeg", "-q:v", "1", "-f", "mjpeg"), layout{format: MJPEG}, 24}, // what JPEG loses at hard edges
	} {
		c.layout.width, c.layout.height, c.layout.field = width, height, progressive
		f, err := c.layout.frame(c.data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		largest, mean := apart(t, f.Image, want)
		if largest > c.within || mean > 1 {
			t.Errorf("%s: differs by up to %d levels, by %.2f in the mean", c.name, largest, mean)
		}
		if strings.HasPrefix(c.name, "GREY") {
			if f.Colour >= 0 { // unknown
				t.Errorf("%s: colour %v", c.name, f.Colour)
			}
			continue
		}
		if colour = max(colour, f.Colour); f.Colour < 0.5 || math.Abs(f.Colour-colour) > 0.12 {
			t.Errorf("%s: colour %.2f, the test picture is colourful (%.2f)", c.name, f.Colour, colour)
		}
		if _, err := c.layout.frame(c.data[:len(c.data)/2]); !errors.Is(err, errBroken) {
			t.Errorf("%s, half of it: %v", c.name, err)
		}
	}
}

// Lines may be longer in memory than in the picture.
func TestStride(t *testing.T) {
	narrow := layout{format: YUYV, width: 4, height: 3, stride: 8, field: progressive}
	wide := narrow
	wide.stride = 20
	data, padded := make([]byte, 24), make([]byte, 60)
	for i := range data {
		data[i] = byte(10 * i)
	}
	for y := range 3 {
		copy(padded[20*y:], data[8*y:8*y+8])
		for i := 8; i < 20; i++ {
			padded[20*y+i] = 0xee
		}
	}
	a, errA := narrow.frame(data)
	b, errB := wide.frame(padded)
	if errA != nil || errB != nil || !bytes.Equal(a.Image.Pix, b.Image.Pix) || a.Colour != b.Colour {
		t.Errorf("%v %v, %v %v", a, errA, b, errB)
	}
}

// Of an interlaced picture one field is shown, whatever the other holds.
func TestInterlaced(t *testing.T) {
	const width, height = 6, 8
	level := func(y int) byte { return byte(16 * y) }
	for name, f := range map[string]field{"interlaced": interlaced, "top first": interlaced2, "stacked": topFirst, "alone": alternate} {
		lines := height
		if f.alone() {
			lines = height / 2
		}
		data := make([]byte, width*lines)
		for y := range lines {
			v := byte(255) // the other field
			switch {
			case f.woven() && y%2 == 0, f.alone():
				v = level(y)
			case f.stacked() && y < lines/2:
				v = level(y)
			}
			for x := range width {
				data[y*width+x] = v
			}
		}
		got, err := layout{format: Grey, width: width, height: lines, stride: width, field: f}.frame(data)
		if err != nil || got.Image.Rect.Dy() != height {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		step := 1
		if f.woven() {
			step = 2
		}
		for y := range height {
			want := (int(level(y/2*step)) + int(level(min(y/2+y%2, height/2-1)*step)) + 1) / 2
			if y%2 == 0 {
				want = int(level(y / 2 * step))
			}
			if int(got.Image.GrayAt(3, y).Y) != want {
				t.Errorf("%s: line %d is %d, want %d", name, y, got.Image.GrayAt(3, y).Y, want)
			}
		}
	}
}

// Many grabbers leave out the Huffman tables.
func TestWithoutTables(t *testing.T) {
	whole := ffmpeg(t, "format=yuvj422p", "-c:v", "mjpeg", "-huffman", "default", "-f", "mjpeg")
	bare := whole
	for i := 2; whole[i+1] != 0xda; {
		n := 2 + int(whole[i+2])<<8 + int(whole[i+3])
		if whole[i+1] == 0xc4 {
			bare = bytes.Replace(bare, whole[i:i+n], nil, 1)
		}
		i += n
	}
	if len(bare) >= len(whole) {
		t.Fatal("the picture had no tables to take away")
	}
	if _, err := jpeg.Decode(bytes.NewReader(bare)); err == nil {
		t.Log("this Go reads pictures without tables by itself")
	}
	l := layout{format: MJPEG, width: 322, height: 242, field: progressive}
	a, errA := l.frame(whole)
	b, errB := l.frame(bare)
	if errA != nil || errB != nil || !bytes.Equal(a.Image.Pix, b.Image.Pix) {
		t.Errorf("with tables %v, without %v", errA, errB)
	}
	l.width = 640
	if _, err := l.frame(whole); !errors.Is(err, errBroken) {
		t.Errorf("a picture of another size: %v", err)
	}
}

func FuzzMJPEG(f *testing.F) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, image.NewYCbCr(image.Rect(0, 0, 16, 16), image.YCbCrSubsampleRatio422), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Add([]byte{0xff, 0xd8, 0xff, 0xda, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := layout{format: MJPEG, width: 16, height: 16, field: progressive}.frame(data)
		if err == nil && frame.Image.Rect.Dx() != 16 {
			t.Errorf("a picture of %v", frame.Image.Rect)
		}
	})
}

func BenchmarkFrame(b *testing.B) {
	const width, height = 1280, 720
	var jpg bytes.Buffer
	picture := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio422)
	for i := range picture.Y {
		picture.Y[i] = byte(i*7 ^ i>>9)
	}
	if err := jpeg.Encode(&jpg, picture, nil); err != nil {
		b.Fatal(err)
	}
	raw := make([]byte, 3*width*height)
	for _, l := range []layout{
		{format: Grey, stride: width}, {format: NV12, stride: width, limited: true}, {format: YUYV, stride: 2 * width, limited: true},
		{format: RGB24, stride: 3 * width}, {format: MJPEG},
	} {
		l.width, l.height, l.field = width, height, progressive
		data := raw
		if l.format == MJPEG {
			data = jpg.Bytes()
		}
		b.Run(fmt.Sprintf("%s-%dx%d", l.format, width, height), func(b *testing.B) {
			for b.Loop() {
				if _, err := l.frame(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
