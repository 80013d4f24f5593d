package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lungbox/training/dataset"
)

// set writes a dataset of n pictures of different sizes whose pixels follow a formula.
func set(t *testing.T, n int) *dataset.Dataset {
	t.Helper()
	d := &dataset.Dataset{Dir: t.TempDir()}
	for i := range n {
		name := fmt.Sprintf("%03d.png", i)
		var file bytes.Buffer
		if err := png.Encode(&file, picture(i)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(d.Dir, name), file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		d.Rows = append(d.Rows, dataset.Row{File: name, Frame: -1, Patient: fmt.Sprint("p", i/4), ReaderA: i % 4, ReaderB: dataset.Unscored, Source: "formula"})
	}
	return d
}

func picture(i int) *image.Gray {
	g := image.NewGray(image.Rect(0, 0, 32+i%7, 32+i%5))
	for k := range g.Pix {
		g.Pix[k] = byte(k*(i+3) + k>>4)
	}
	return g
}

func packed(t *testing.T, d *dataset.Dataset) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := Build(context.Background(), d, dir, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What is opened is what was in the files, in the order of the table, whatever core
// decoded it first; the same dataset gives the same bytes.
func TestPicturesComeBack(t *testing.T) {
	d := set(t, 150) // more than two windows
	d.Rows[5].ReaderB = 3 - d.Rows[5].ReaderA
	d.Rows[9].ReaderA = dataset.Unscored
	d.Rows[10].ReaderB = d.Rows[10].ReaderA
	dir, again := packed(t, d), packed(t, d)
	p, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if len(p.Pictures) != 148 || p.Differing != 1 || p.Unscored != 1 || p.Readers[2][2] != 1 || p.Readers[1][2] != 1 {
		t.Fatalf("%d pictures, %d differing, %d unscored, readers %v", len(p.Pictures), p.Differing, p.Unscored, p.Readers)
	}
	k := 0
	for i, row := range d.Rows {
		if i == 5 || i == 9 {
			continue
		}
		got, want := p.Pictures[k], picture(i)
		if got.Row != row || got.Score != i%4 || got.Image.Rect != want.Rect || !bytes.Equal(got.Image.Pix, want.Pix) {
			t.Fatalf("picture %d of the pack is not that of row %d", k, i)
		}
		k++
	}
	for _, name := range []string{rawFile, indexFile} {
		a, errA := os.ReadFile(filepath.Join(dir, name))
		b, errB := os.ReadFile(filepath.Join(again, name))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs between two packs of one dataset (%v, %v)", name, errA, errB)
		}
	}
}

// The hash knows every row and every pixel.
func TestHash(t *testing.T) {
	seen := map[string]string{}
	for what, change := range map[string]func(d *dataset.Dataset){
		"nothing":  func(*dataset.Dataset) {},
		"a score":  func(d *dataset.Dataset) { d.Rows[3].ReaderA = 0 },
		"a person": func(d *dataset.Dataset) { d.Rows[3].Patient = "p9" },
		"a pixel": func(d *dataset.Dataset) {
			g := picture(3)
			g.Pix[100] ^= 1
			var file bytes.Buffer
			if err := png.Encode(&file, g); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(d.Dir, d.Rows[3].File), file.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"the order": func(d *dataset.Dataset) { d.Rows[0], d.Rows[1] = d.Rows[1], d.Rows[0] },
	} {
		d := set(t, 8)
		change(d)
		p, err := Open(packed(t, d))
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[p.Hash]; ok {
			t.Errorf("the hash is the same after changing %s and %s", what, other)
		}
		seen[p.Hash] = what
		p.Close()
	}
}

// One error names the first faulty files and how many there are; no pack is left that
// looks complete.
func TestFaultyFiles(t *testing.T) {
	d := set(t, 100)
	os.Remove(filepath.Join(d.Dir, "001.png"))
	for i := 70; i < 76; i++ {
		if err := os.WriteFile(filepath.Join(d.Dir, d.Rows[i].File), []byte("no picture"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(filepath.Join(d.Dir, "090.png"), 60); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err := Build(context.Background(), d, dir, nil)
	for _, want := range []string{"row 3: ", "001.png", "row 72: ", "070.png", "and 4 more files", "lungtrain data check"} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v: want one line with %q", err, want)
		}
	}
	if Exists(dir) {
		t.Error("a pack with faults looks complete")
	}
	d = set(t, 4)
	for i := range d.Rows {
		d.Rows[i].ReaderA = dataset.Unscored
	}
	if err := Build(context.Background(), d, dir, nil); err == nil || !strings.Contains(err.Error(), "no picture has a score on which the readers agree (0 discarded, 4 without a score)") {
		t.Errorf("a dataset without scores: %v", err)
	}
}

// A build that was ended leaves nothing that looks complete, and is done anew.
func TestEnded(t *testing.T) {
	d, dir := set(t, 150), t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	err := Build(ctx, d, dir, func(done, _ int) {
		if done == 64 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || Exists(dir) {
		t.Fatalf("%v; complete: %v", err, Exists(dir))
	}
	if err := Build(context.Background(), d, dir, nil); err != nil {
		t.Fatal(err)
	}
	p, err := Open(dir)
	if err != nil || len(p.Pictures) != 150 {
		t.Fatalf("%v", err)
	}
	p.Close()
}

// A damaged pack is refused: a picture outside the mapped file would end the process.
func TestDamagedPack(t *testing.T) {
	d := set(t, 8)
	for what, damage := range map[string]func(dir string) error{
		"ends before the picture of 007.png": func(dir string) error {
			info, err := os.Stat(filepath.Join(dir, rawFile))
			if err != nil {
				return err
			}
			return os.Truncate(filepath.Join(dir, rawFile), info.Size()-1)
		},
		"is empty: remove": func(dir string) error { return os.Truncate(filepath.Join(dir, rawFile), 0) },
		"remove it and run again": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, indexFile), []byte(`{"entries": [`), 0o644)
		},
		"ends before the picture of x": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, indexFile), []byte(`{"entries": [{"File": "x", "offset": 9223372036854775807, "width": 2, "height": 2}]}`), 0o644)
		},
		"ends before the picture of y": func(dir string) error { // width × height is 0 in 64 bits
			return os.WriteFile(filepath.Join(dir, indexFile), []byte(`{"entries": [{"File": "y", "offset": 0, "width": 4294967296, "height": 4294967296}]}`), 0o644)
		},
	} {
		dir := packed(t, d)
		if err := damage(dir); err != nil {
			t.Fatal(err)
		}
		if p, err := Open(dir); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want %q", err, what)
			if err == nil {
				p.Close()
			}
		}
	}
}
