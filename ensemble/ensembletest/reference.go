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
	Fine          map[string][4]float64 // by net, of those that have one with stride 16
}

// Training is what PyTorch did in float64 in 20 training steps (momentum 0.9, L2 1e-4)
// and no dropout, from the formula weights: picture b of step s is Picture(Side, Side)
// with 40·b + 13·s added to every grey level modulo 256, its label is b modulo 4.
type Training struct {
	Side, Batch int
	Rate        float32
	Losses      []float64  // of each step, before its update
	After       [4]float64 // logits of Picture(Side, Side) in inference afterwards
	Drift       float64    // largest relative difference of PyTorch's losses in float32 from Losses
}

// Reference returns the cases of testdata/reference.json, which testdata/reference.py
// wrote with PyTorch and torchvision.
func Reference(t testing.TB) []Case { return readReference(t).Cases }

// TrainingReference returns, by net, the training of testdata/reference.json.
func TrainingReference(t testing.TB) map[string]Training { return readReference(t).Training }

type reference struct {
	Cases    []Case
	Training map[string]Training
}

func readReference(t testing.TB) reference {
	text, err := testdata.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var file reference
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
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

// Relative is the largest difference between got and want, as a share of the
// largest value wanted.
func Relative(got [4]float32, want [4]float64) float64 {
	difference, size := 0.0, 0.0
	for i := range want {
		difference = max(difference, math.Abs(float64(got[i])-want[i]))
		size = max(size, math.Abs(want[i]))
	}
	return difference / size
}
