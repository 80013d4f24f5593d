package dataset

import (
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestLabel(t *testing.T) {
	for _, c := range []struct {
		a, b, score int
		ok          bool
	}{
		{2, 2, 2, true}, {0, Unscored, 0, true}, {Unscored, 3, 3, true},
		{1, 2, Unscored, false}, {Unscored, Unscored, Unscored, false},
	} {
		if score, ok := (Row{ReaderA: c.a, ReaderB: c.b}).Label(); score != c.score || ok != c.ok {
			t.Errorf("readers %d and %d: %d, %v", c.a, c.b, score, ok)
		}
	}
}

func write(t *testing.T, table string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, TableFile), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

const head = "file,frame,patient,exam,zone,clip,reader_a,reader_b,split,source\n"

func TestReadNamesFaultyRows(t *testing.T) {
	dir := write(t, head+"a.png,,p1,,,,0,0,,x\n../b.png,,p1,,,,0,0,,x\na.png,,p1,,,,4,,,x\na.png,-1,p1,,,,0,,,x\na.png,,p1,,,,0,,dev,x\n")
	_, err := Read(dir)
	for _, want := range []string{"row 3: file", `row 4: score "4"`, `row 5: frame "-1"`, `row 6: split "dev"`, TableFile} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v is not one line with %q", err, want)
		}
	}
	for table, want := range map[string]string{
		"":                     "empty: want the columns file,frame",
		head:                   "no pictures",
		"a,b\n":                "row 1: the columns are a,b: want file,frame",
		head + "a.png,,p1\n":   "row 2: wrong number of fields",
		head + "\"a.png,,p1\n": "row 2",
		head + strings.Repeat("a.png,,p1,,,,9,,,x\n", 50): "and 46 more rows",
	} {
		if _, err := Read(write(t, table)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("table %.40q: %v, want one line with %q", table, err, want)
		}
	}
	if _, err := Read(t.TempDir()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "lungtrain data") {
		t.Errorf("a folder without a table: %v", err)
	}
}

func TestWriteAndRead(t *testing.T) {
	d := &Dataset{Dir: t.TempDir(), Rows: []Row{
		{File: "images/a.png", Frame: -1, Patient: "p1", ReaderA: 0, ReaderB: Unscored, Source: `a "quoted", source`},
		{File: "b.mp4", Frame: 12, Patient: "p2", Exam: "e", Zone: "R1", Clip: "c", ReaderA: 3, ReaderB: 3, Split: "test", Source: "x"},
	}}
	if err := d.Write(); err != nil {
		t.Fatal(err)
	}
	got, err := Read(d.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, d) {
		t.Errorf("read %+v, wrote %+v", got, d)
	}
}

func TestLoad(t *testing.T) {
	dir := write(t, head+"a.png,,p1,,,,0,0,train,x\nb.png,,p2,,,,1,2,train,x\nc.png,,p3,,,,,,train,x\nd.png,,p4,,,,3,,test,x\n")
	for i, name := range []string{"a.png", "b.png", "c.png", "d.png"} {
		img := image.NewGray(image.Rect(0, 0, 20, 10))
		img.Pix[0] = byte(10 * i)
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(file, img); err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	d, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := d.Load(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(loaded.Pictures) != 2 || loaded.Differing != 1 || loaded.Unscored != 1 {
		t.Fatalf("%d pictures, %d differing, %d unscored", len(loaded.Pictures), loaded.Differing, loaded.Unscored)
	}
	if p := loaded.Pictures[1]; p.Score != 3 || p.Image.Pix[0] != 30 || p.Image.Rect.Dx() != 20 {
		t.Errorf("picture %+v", p.Row)
	}
	loaded, err = d.Load(t.Context(), func(r Row) bool { return r.Split == "test" }, nil)
	if err != nil || len(loaded.Pictures) != 1 {
		t.Errorf("test split: %v, %v", loaded, err)
	}
	os.Remove(filepath.Join(dir, "a.png"))
	if _, err := d.Load(t.Context(), nil, nil); err == nil || !strings.Contains(err.Error(), "a.png") {
		t.Errorf("a missing picture: %v", err)
	}
}
