package dicom

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestPixelFormats(t *testing.T) {
	luma := func(r, g, b float64) byte { return byte(0.299*r + 0.587*g + 0.114*b + 0.5) }
	tests := []struct {
		name   string
		file   picture
		want   []byte
		colour [2]float64 // coloured share, from and to
	}{
		{"MONOCHROME2", grey8(2, 2, "", []byte{0, 64, 128, 255}), []byte{0, 64, 128, 255}, [2]float64{}},
		{"implicit", picture{syntax: implicitLittleEndian, rows: 2, columns: 2, samples: 1, photometric: "MONOCHROME2", pixels: []byte{0, 64, 128, 255}},
			[]byte{0, 64, 128, 255}, [2]float64{}},
		{"MONOCHROME1", picture{rows: 1, columns: 4, samples: 1, photometric: "MONOCHROME1", pixels: []byte{0, 64, 128, 255}},
			[]byte{255, 191, 127, 0}, [2]float64{}},
		{"12 bits without a window", picture{rows: 1, columns: 4, samples: 1, photometric: "MONOCHROME2", bits: [3]uint16{16, 12, 11},
			pixels: words(100, 350, 600, 1100)}, []byte{0, 64, 128, 255}, [2]float64{}},
		{"12 bits with a window", picture{rows: 1, columns: 4, samples: 1, photometric: "MONOCHROME2", bits: [3]uint16{16, 12, 11},
			extra:  func(b *builder) { b.text(0x0028_1050, "DS", "512\\40").text(0x0028_1051, "DS", "1024\\400") },
			pixels: words(0, 256, 1023, 4095)}, []byte{0, 64, 255, 255}, [2]float64{}},
		{"rescaled window", picture{rows: 1, columns: 3, samples: 1, photometric: "MONOCHROME2", bits: [3]uint16{16, 16, 15},
			extra: func(b *builder) {
				b.text(0x0028_1050, "DS", "0").text(0x0028_1051, "DS", "101").text(0x0028_1052, "DS", "-1000").text(0x0028_1053, "DS", "2")
			},
			pixels: words(450, 500, 550)}, []byte{0, 129, 255}, [2]float64{}},
		{"signed", picture{rows: 1, columns: 3, samples: 1, photometric: "MONOCHROME2", bits: [3]uint16{16, 12, 11}, signed: 1,
			pixels: words(0xf80, 0x000, 0x07f)}, []byte{0, 128, 255}, [2]float64{}}, // -128, 0, 127
		{"high bits used, low bits rubbish", picture{rows: 1, columns: 3, samples: 1, photometric: "MONOCHROME2", bits: [3]uint16{16, 8, 15},
			pixels: words(0x0033, 0x8077, 0xff00)}, []byte{0, 128, 255}, [2]float64{}},
		{"RGB", picture{rows: 1, columns: 4, samples: 3, photometric: "RGB", pixels: []byte{255, 0, 0, 0, 255, 0, 0, 0, 255, 90, 90, 90}},
			[]byte{luma(255, 0, 0), luma(0, 255, 0), luma(0, 0, 255), 90}, [2]float64{0.75, 0.75}},
		{"RGB by planes", picture{rows: 1, columns: 4, samples: 3, planar: 1, photometric: "RGB", pixels: []byte{255, 0, 0, 90, 0, 255, 0, 90, 0, 0, 255, 90}},
			[]byte{luma(255, 0, 0), luma(0, 255, 0), luma(0, 0, 255), 90}, [2]float64{0.75, 0.75}},
		{"YBR_FULL", picture{rows: 1, columns: 2, samples: 3, photometric: "YBR_FULL", pixels: []byte{17, 128, 128, 200, 128, 128}},
			[]byte{17, 200}, [2]float64{}},
		{"YBR_FULL by planes", picture{rows: 1, columns: 2, samples: 3, planar: 1, photometric: "YBR_FULL", pixels: []byte{17, 200, 250, 250, 128, 128}},
			[]byte{17, 200}, [2]float64{1, 1}},
		{"YBR_FULL_422", picture{rows: 2, columns: 2, samples: 3, photometric: "YBR_FULL_422", pixels: []byte{17, 18, 128, 128, 19, 20, 128, 128}},
			[]byte{17, 18, 19, 20}, [2]float64{}},
		{"PALETTE COLOR of 16 bits", picture{rows: 1, columns: 4, samples: 1, photometric: "PALETTE COLOR", extra: func(b *builder) {
			for c := range uint32(3) {
				b.short(0x0028_1101+c, 3, 10, 16)
			}
			for c := range uint32(3) {
				b.add(0x0028_1201+c, "OW", words(0x1100, 0x4422, 0xf0ff))
			}
		}, pixels: []byte{0, 10, 11, 200}}, []byte{0x11, 0x11, 0x44, 0xf0}, [2]float64{}}, // below and above the table: its ends
		{"PALETTE COLOR of 8 bits", picture{rows: 1, columns: 2, samples: 1, photometric: "PALETTE COLOR", extra: func(b *builder) {
			for c := range uint32(3) {
				b.short(0x0028_1101+c, 2, 0, 8)
			}
			b.add(0x0028_1201, "OW", []byte{200, 10}).add(0x0028_1202, "OW", []byte{0, 10}).add(0x0028_1203, "OW", []byte{0, 10})
		}, pixels: []byte{0, 1}}, []byte{luma(200, 0, 0), 10}, [2]float64{0.5, 0.5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, frames, err := read(t, write(t, test.file.build().bytes()), Options{})
			if err != nil || len(frames) != 1 {
				t.Fatalf("%d frames, %v", len(frames), err)
			}
			if got := frames[0].Image.Pix; !slices.Equal(got, test.want) {
				t.Errorf("pixels %v, want %v", got, test.want)
			}
			if c := frames[0].Colour; c < test.colour[0] || c > test.colour[1] {
				t.Errorf("coloured share %v, want %v", c, test.colour)
			}
		})
	}
}

// gradient is a smooth colour picture: compression changes it little.
func gradient(w, h int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p.SetRGBA(x, y, color.RGBA{uint8(255 * x / w), uint8(255 * y / h), uint8(255 * (x + y) / (w + h)), 255})
		}
	}
	return p
}

// uncompressed is a colour or grey file of two frames, the second one mirrored.
func uncompressed(t *testing.T, photometric string, columns, rows int) (path string, want [2][]byte) {
	t.Helper()
	p := gradient(columns, rows)
	f := picture{rows: uint16(rows), columns: uint16(columns), frames: "2", samples: 3, photometric: photometric}
	if photometric != "RGB" {
		f.samples = 1
	}
	for i := range want {
		for y := range rows {
			for x := range columns {
				at := x
				if i == 1 {
					at = columns - 1 - x
				}
				c := p.RGBAAt(at, y)
				if f.samples == 1 {
					f.pixels = append(f.pixels, c.B)
					want[i] = append(want[i], c.B)
				} else {
					f.pixels = append(f.pixels, c.R, c.G, c.B)
					want[i] = append(want[i], byte(0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B)+0.5))
				}
			}
		}
	}
	b := start(explicitLittleEndian)
	// dcmtk wants to know what it compresses.
	b.text(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.3.1").text(0x0008_0018, "UI", "1.2.3.4")
	whole := f.build().bytes()
	path = write(t, append(b.bytes(), whole[len(start(explicitLittleEndian).bytes()):]...))
	return path, want
}

// Every transfer syntax gives the same frames as the uncompressed file.
func TestTransferSyntaxes(t *testing.T) {
	tests := []struct {
		name      string
		program   []string
		tolerance int
	}{
		{"JPEG baseline", []string{"dcmcjpeg", "+eb", "+q", "95"}, 12},
		{"JPEG extended", []string{"dcmcjpeg", "+ee", "+q", "95"}, 12},
		{"JPEG lossless", []string{"dcmcjpeg", "+e1"}, 1},
		{"JPEG-LS", []string{"dcmcjpls"}, 1},
		{"RLE", []string{"dcmcrle"}, 1},
		{"big endian", []string{"dcmconv", "+tb"}, 1},
		{"deflated", []string{"dcmconv", "+td"}, 1},
		{"implicit", []string{"dcmconv", "+ti"}, 1},
		{"JPEG 2000", []string{"gdcmconv", "--j2k"}, 1},
	}
	for _, photometric := range []string{"MONOCHROME2", "RGB"} {
		plain, want := uncompressed(t, photometric, 48, 33)
		for _, test := range tests {
			t.Run(photometric+"/"+test.name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "packed.dcm")
				run(t, test.program[0], append(slices.Clone(test.program[1:]), plain, path)...)
				header, frames, err := read(t, path, Options{})
				if err != nil || header.Frames != 2 || len(frames) != 2 {
					t.Fatalf("%d of %d frames, %v", len(frames), header.Frames, err)
				}
				for i, f := range frames {
					for j, v := range f.Image.Pix {
						if d := int(v) - int(want[i][j]); d > test.tolerance || d < -test.tolerance {
							t.Fatalf("frame %d, pixel %d is %d, want %d", i, j, v, want[i][j])
						}
					}
				}
			})
		}
	}
}

// fragmented is a JPEG baseline file whose frames lie in pieces of any size.
func fragmented(t *testing.T, frames string, table []uint32, pieces ...[]byte) []byte {
	t.Helper()
	b := grey8(16, 24, frames, nil)
	b.syntax = jpegBaseline
	file := b.build().head(0x7fe0_0010, "OB", undefined)
	var offsets []byte
	for _, o := range table {
		offsets = append(offsets, byte(o), byte(o>>8), byte(o>>16), byte(o>>24))
	}
	file.add(0xfffe_e000, "", offsets)
	for _, piece := range pieces {
		file.add(0xfffe_e000, "", piece)
	}
	return file.head(0xfffe_e0dd, "", 0).bytes()
}

func TestFragments(t *testing.T) {
	encode := func(level uint8) []byte {
		p := image.NewGray(image.Rect(0, 0, 24, 16))
		for i := range p.Pix {
			p.Pix[i] = level
		}
		var out bytes.Buffer
		if err := jpeg.Encode(&out, p, &jpeg.Options{Quality: 100}); err != nil {
			t.Fatal(err)
		}
		if out.Len()%2 == 1 {
			out.WriteByte(0)
		}
		return out.Bytes()
	}
	a, b := encode(40), encode(200)
	tests := []struct {
		name   string
		file   []byte
		levels []byte
		says   string
	}{
		{"one piece each", fragmented(t, "2", nil, a, b), []byte{40, 200}, ""},
		{"one frame in pieces", fragmented(t, "", nil, a[:100], a[100:200], a[200:]), []byte{40}, ""},
		{"pieces told by the table", fragmented(t, "2", []uint32{0, uint32(16 + len(a))}, a[:100], a[100:], b), []byte{40, 200}, ""},
		{"pieces told by the start marker", fragmented(t, "2", nil, a, b[:150], b[150:]), []byte{40, 200}, ""},
		{"table that points nowhere", fragmented(t, "2", []uint32{0, 77}, a, b[:150], b[150:]), nil, "offset table"},
		{"too few frames", fragmented(t, "3", nil, a, b), []byte{40, 200}, "3 frames and holds 2"},
		{"a frame of another size", fragmented(t, "", nil, bytes.Replace(a, []byte{0, 16, 0, 24}, []byte{0, 16, 0, 32}, 1)), nil, "32×16"},
		{"no JPEG", fragmented(t, "", nil, []byte("not a picture!")), nil, "frame 0"},
		{"the file ends in the second frame", fragmented(t, "2", nil, a, b)[:len(fragmented(t, "2", nil, a, b))-100], []byte{40}, "2 frames and holds 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, frames, err := read(t, write(t, test.file), Options{})
			var levels []byte
			for _, f := range frames {
				levels = append(levels, f.Image.Pix[100])
			}
			if !slices.Equal(levels, test.levels) {
				t.Errorf("frames of level %v, want %v", levels, test.levels)
			}
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %q", err, test.says)
			}
		})
	}
}
