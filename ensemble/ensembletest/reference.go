// Package ensembletest is the conformance suite that every engine passes, and the
// reference values it compares with.
package ensembletest

import (
	"embed"
	"encoding/json"
	"image"
	"math"
	"testing"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

//go:embed testdata/reference.json
var testdata embed.FS

// Case is one picture and what PyTorch made of it.
type Case struct {
	Width, Height int                   // of the picture
	Side          int                   // of the nets' input
	Samples       [][2]float64          // index into the preprocessed input, value
	Logits        map[string][4]float64 // by net
}

// Reference returns the cases of testdata/reference.json, which testdata/reference.py
// wrote with PyTorch and torchvision.
func Reference(t testing.TB) []Case {
	text, err := testdata.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []Case }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

// Picture is the test picture of reference.py: smooth curves that wrap, so that
// every grey level and many frequencies are in it.
func Picture(width, height int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Pix[y*img.Stride+x] = byte(x*x/7 + 3*y + x*y>>4)
		}
	}
	return img
}

// FormulaMember is a full-width net with formula weights, for input pictures of
// side×side.
func FormulaMember(name string, side int) ensemble.Member {
	config := arch.Full(name)
	config.Input = side
	return formulaMember(config)
}

func formulaMember(config arch.Config) ensemble.Member {
	net := arch.MustNew(config)
	return ensemble.Member{Net: net, Weights: weights.Formula(net), Digest: "formula", Temperature: 1}
}

// relative is the largest difference between got and want, as a share of the
// largest value wanted.
func relative(got [4]float32, want [4]float64) float64 {
	difference, size := 0.0, 0.0
	for i := range want {
		difference = max(difference, math.Abs(float64(got[i])-want[i]))
		size = max(size, math.Abs(want[i]))
	}
	return difference / size
}
