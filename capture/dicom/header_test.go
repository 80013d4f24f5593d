package dicom

import (
	"errors"
	"image"
	"slices"
	"strings"
	"testing"
)

// regions writes a Sequence of Ultrasound Regions; each region is spatial format,
// data type and the four corners.
func regions(b *builder, length func(items []byte) uint32, list ...[6]uint32) {
	var items builder
	items.implicit = b.implicit
	for _, r := range list {
		item := builder{implicit: b.implicit}
		item.short(0x0018_6012, uint16(r[0])).short(0x0018_6014, uint16(r[1]))
		for i, tag := range []uint32{0x0018_6018, 0x0018_601a, 0x0018_601c, 0x0018_601e} {
			item.long(tag, r[2+i])
		}
		items.add(0xfffe_e000, "", item.bytes())
	}
	content := items.bytes()
	b.head(0x0018_6011, "SQ", length(content))
	b.data.Write(content)
	if length(content) == undefined {
		b.head(0xfffe_e0dd, "", 0)
	}
}

func TestRegions(t *testing.T) {
	stated := func(items []byte) uint32 { return uint32(len(items)) }
	open := func([]byte) uint32 { return undefined }
	tests := []struct {
		name   string
		length func([]byte) uint32
		list   [][6]uint32
		want   []image.Rectangle
	}{
		{"one", stated, [][6]uint32{{1, 1, 10, 5, 79, 54}}, []image.Rectangle{image.Rect(10, 5, 80, 55)}},
		{"undefined length", open, [][6]uint32{{1, 1, 10, 5, 79, 54}}, []image.Rectangle{image.Rect(10, 5, 80, 55)}},
		{"one pixel over", stated, [][6]uint32{{1, 1, 0, 0, 100, 60}}, []image.Rectangle{image.Rect(0, 0, 100, 60)}},
		{"tissue beside an ECG, a Doppler and an M mode", stated,
			[][6]uint32{{4, 10, 0, 50, 99, 59}, {3, 3, 0, 40, 99, 49}, {2, 1, 0, 30, 99, 39}, {1, 1, 20, 0, 70, 29}}, []image.Rectangle{image.Rect(20, 0, 71, 30)}},
		{"two tissue pictures", stated, [][6]uint32{{1, 1, 0, 0, 48, 59}, {1, 1, 50, 0, 99, 59}},
			[]image.Rectangle{image.Rect(0, 0, 49, 60), image.Rect(50, 0, 100, 60)}},
		{"of the picture before it was made smaller", stated, [][6]uint32{{1, 1, 84, 31, 595, 414}}, nil},
		{"turned round", stated, [][6]uint32{{1, 1, 50, 50, 10, 10}}, nil},
	}
	for _, syntax := range []string{explicitLittleEndian, implicitLittleEndian} {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				f := grey8(60, 100, "", make([]byte, 6000))
				f.syntax = syntax
				f.extra = func(b *builder) { regions(b, test.length, test.list...) }
				header, frames, err := read(t, write(t, f.build().bytes()), Options{})
				if err != nil || len(frames) != 1 || !slices.Equal(header.Regions, test.want) {
					t.Errorf("regions %v, want %v; %d frames, error %v", header.Regions, test.want, len(frames), err)
				}
			})
		}
	}
}

func TestRateAndMark(t *testing.T) {
	tests := []struct {
		name  string
		extra func(b *builder)
		rate  float64
		mark  bool
	}{
		{"nothing said", func(*builder) {}, 0, false},
		{"frame time", func(b *builder) { b.text(0x0018_1063, "DS", "40.0").text(0x0018_0040, "IS", "99") }, 25, false},
		{"cine rate", func(b *builder) { b.text(0x0018_0040, "IS", "30") }, 30, false},
		{"display rate", func(b *builder) { b.text(0x0008_2144, "IS", "12") }, 12, false},
		{"no number", func(b *builder) { b.text(0x0018_1063, "DS", "fast") }, 0, false},
		{"simulated", func(b *builder) { b.text(0x0020_4000, "LT", "Lungbox simulated, seed 3") }, 0, true},
		{"other comment", func(b *builder) { b.text(0x0020_4000, "LT", "good view") }, 0, false},
	}
	for _, test := range tests {
		f := grey8(2, 2, "2", make([]byte, 8))
		f.extra = test.extra
		header, frames, err := read(t, write(t, f.build().bytes()), Options{})
		if err != nil || len(frames) != 2 || header.Rate != test.rate || header.Simulated != test.mark || frames[1].Simulated != test.mark {
			t.Errorf("%s: %+v, %d frames, %v", test.name, header, len(frames), err)
		}
	}
}

// Files without the head that the standard wants are common; they are read.
func TestWithoutHead(t *testing.T) {
	whole := grey8(2, 2, "", []byte{1, 2, 3, 4})
	for _, syntax := range []string{explicitLittleEndian, implicitLittleEndian} {
		whole.syntax = syntax
		head := len(start(syntax).bytes())
		bare := whole.build().bytes()[head:]
		noSyntax := append(start("").bytes(), bare...)
		noPreamble := whole.build().bytes()[132:]
		for name, file := range map[string][]byte{"bare data set": bare, "no transfer syntax": noSyntax, "no preamble": noPreamble} {
			_, frames, err := read(t, write(t, file), Options{})
			if err != nil || len(frames) != 1 || frames[0].Image.Pix[3] != 4 {
				t.Errorf("%s, syntax %s: %d frames, %v", name, syntax, len(frames), err)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	plain := grey8(4, 4, "3", make([]byte, 48))
	change := func(f func(p *picture)) []byte {
		p := plain
		f(&p)
		return p.build().bytes()
	}
	tests := []struct {
		name   string
		file   []byte
		is     error
		says   string
		frames int
	}{
		{"cut in the pixels", plain.build().bytes()[:len(plain.build().bytes())-20], ErrDamaged, "3 frames and holds 1", 1},
		{"cut in the header", plain.build().bytes()[:200], ErrDamaged, "", 0},
		{"no pixels", change(func(p *picture) { p.pixels = nil }), ErrUnsupported, "holds no picture", 0},
		{"no rows", change(func(p *picture) { p.rows = 0 }), ErrUnsupported, "holds no picture", 0},
		{"no frames", change(func(p *picture) { p.frames = "0" }), ErrDamaged, "0 frames", 0},
		{"a mask of single bits", change(func(p *picture) { p.bits = [3]uint16{1, 1, 0} }), ErrUnsupported, "1 bits", 0},
		{"bits that do not fit", change(func(p *picture) { p.bits = [3]uint16{8, 12, 11} }), ErrDamaged, "12 bits", 0},
		{"too few samples", change(func(p *picture) { p.photometric = "RGB" }), ErrDamaged, "RGB with 1", 0},
		{"unknown kind", change(func(p *picture) { p.photometric = "CMYK" }), ErrUnsupported, `"CMYK"`, 0},
		{"palette without table", change(func(p *picture) { p.photometric = "PALETTE COLOR" }), ErrUnsupported, "colour table", 0},
		{"odd width in 4:2:2", change(func(p *picture) { p.photometric, p.samples, p.columns = "YBR_FULL_422", 3, 3 }), ErrDamaged, "odd width", 0},
		{"film in MPEG-4", change(func(p *picture) { p.syntax = "1.2.840.10008.1.2.4.102" }), ErrUnsupported, "MPEG-4", 0},
		{"unknown syntax", change(func(p *picture) { p.syntax = "1.2.3" }), ErrUnsupported, `"1.2.3"`, 0},
		{"rows twice", change(func(p *picture) { p.extra = func(b *builder) { b.short(0x0028_0010, 4) } }), ErrDamaged, "twice", 0},
		{"not DICOM", []byte("GIF89a, or whatever this is; long enough for a header"), ErrDamaged, "", 0},
		{"empty", []byte{}, ErrUnsupported, "no picture", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, frames, err := read(t, write(t, test.file), Options{})
			t.Log(err)
			if err == nil || !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %v with %q", err, test.is, test.says)
			}
			if len(frames) != test.frames {
				t.Errorf("%d frames, want %d", len(frames), test.frames)
			}
		})
	}
}
