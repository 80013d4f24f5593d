package convert_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
	"lungbox/tflite"
	"lungbox/tflite/convert"
	"lungbox/tflite/tflitetest"
)

func small(name string) *weights.Folded {
	net := arch.MustNew(arch.Config{Arch: name, Width: 0.125, Input: 64, Classes: 4})
	return weights.Fold(net, weights.Formula(net))
}

// LiteRT runs what is written, in every precision; a smaller one changes the
// logits by its rounding and no more.
func TestPrecisions(t *testing.T) {
	lib := tflitetest.Open(t)
	limits := map[convert.Precision]float64{
		convert.Float32: 0,
		convert.Float16: 0.01, // 11 bits of 24
		convert.Int8:    0.1,  // 8 bits, of weights and of what flows
	}
	for _, name := range arch.Names() {
		var exact []float32
		var sizes []int64
		for _, p := range []convert.Precision{convert.Float32, convert.Float16, convert.Int8} {
			path := filepath.Join(t.TempDir(), "net.tflite")
			if err := convert.WriteFile(path, small(name), p); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, info.Size())
			got := run(t, lib, path)
			if exact == nil {
				exact = got
			}
			size, off := 0.0, 0.0
			for i := range exact {
				size = max(size, math.Abs(float64(exact[i])))
				off = max(off, math.Abs(float64(got[i]-exact[i])))
			}
			if size == 0 || off/size > limits[p] || p != convert.Float32 && off == 0 {
				t.Errorf("%s in %s: %v, in float32 %v", name, p, got, exact)
			}
		}
		if sizes[0] <= sizes[1] || sizes[1] <= sizes[2] {
			t.Errorf("%s: files of %v bytes in float32, float16, int8", name, sizes)
		}
	}
}

func run(t *testing.T, lib *tflite.Library, path string) []float32 {
	t.Helper()
	model, err := lib.Load(path, tflite.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	input := make([]float32, 64*64)
	for i := range input {
		input[i] = float32(math.Sin(float64(i) / 9))
	}
	out := make([]float32, 4)
	if err := model.Run(input, out); err != nil {
		t.Fatal(err)
	}
	if err := model.Run(input[1:], out); err == nil {
		t.Error("an input that is too short is taken")
	}
	model.Close()
	if err := model.Run(input, out); !errors.Is(err, tflite.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	return out
}

// The same net gives the same bytes, and replaces a file only as a whole.
func TestFilesAreWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "net.tflite")
	var first []byte
	for range 3 {
		if err := convert.WriteFile(path, small(arch.GoogLeNet), convert.Int8); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		}
		if !bytes.Equal(text, first) {
			t.Error("the same net gives another file")
		}
	}
	net := arch.MustNew(arch.Config{Arch: arch.GoogLeNet, Width: 0.125, Input: 64, Classes: 4})
	damaged := weights.Formula(net)
	delete(damaged, "inception5b.branch4.1.conv.weight") // found missing late
	if err := convert.WriteFile(path, weights.Fold(net, damaged), convert.Int8); !errors.Is(err, weights.ErrMismatch) {
		t.Errorf("a net without one of its kernels: %v", err)
	}
	if text, _ := os.ReadFile(path); !bytes.Equal(text, first) {
		t.Error("a conversion that failed has touched the file")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	if err := convert.WriteFile(filepath.Join(dir, "none", "net.tflite"), small(arch.GoogLeNet), convert.Int8); err == nil {
		t.Error("a folder that is not there takes a file")
	}
}

// What is no model is refused with a line that names it.
func TestWhatIsNoModel(t *testing.T) {
	lib := tflitetest.Open(t)
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	if err := convert.WriteFile(whole, small(arch.GoogLeNet), convert.Int8); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"empty": nil, "text": []byte("score,reader\n0,1\n"), "half": text[:400]} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		model, err := lib.Load(path, tflite.Options{})
		if err == nil {
			model.Close()
			t.Errorf("%s is a model", name)
		} else if !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := lib.Load(filepath.Join(dir, "absent"), tflite.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := tflite.Open(whole); err == nil {
		t.Error("a model is LiteRT's library")
	}
}

func TestParsePrecision(t *testing.T) {
	for _, p := range []convert.Precision{convert.Float32, convert.Float16, convert.Int8} {
		if got, err := convert.ParsePrecision(string(p)); got != p || err != nil {
			t.Errorf("%s: %v, %v", p, got, err)
		}
	}
	if _, err := convert.ParsePrecision("int4"); err == nil {
		t.Error("int4 is a precision")
	}
}
