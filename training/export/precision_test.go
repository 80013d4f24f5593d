package export

import (
	"errors"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
	"lungbox/training/dataset"
	"lungbox/training/fit"
)

// A release whose int8 nets score pictures wrong that float32 scores right is refused,
// with the figures, and nothing is left in its place.
func TestPrecision(t *testing.T) {
	run := trained(t)
	opt := options(t)
	opt.Check = border(t, run, opt)
	out := filepath.Join(t.TempDir(), "release")
	if _, err := Run(t.Context(), run, out, opt); !errors.Is(err, ErrImprecise) || !strings.Contains(err.Error(), "on 100.0 % of") || !strings.Contains(err.Error(), "(0.0 allowed)") {
		t.Fatalf("%v, want %v", err, ErrImprecise)
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 0 {
		t.Errorf("%v, %v: want nothing", left, err)
	}
	opt.MostLost = 100
	if _, err := Run(t.Context(), run, out, opt); err != nil {
		t.Errorf("when all may be lost: %v", err)
	}
	opt.Check, opt.MostLost = opt.Golden, -0.1 // less than nothing may be lost
	if _, err := Run(t.Context(), run, filepath.Join(t.TempDir(), "release"), opt); !errors.Is(err, ErrImprecise) {
		t.Errorf("%v, want %v", err, ErrImprecise)
	}
}

// border moves the border between two scores of the run's GoogLeNet into the middle of
// some pictures, and returns those that int8 has on the other side of it, each with the
// score that float32 gives it.
func border(t *testing.T, run string, opt Options) []dataset.Picture {
	t.Helper()
	path := filepath.Join(run, arch.GoogLeNet, fit.WeightsFile)
	net, set, err := fit.LoadWeights(path, arch.GoogLeNet)
	if err != nil {
		t.Fatal(err)
	}
	both, err := openBoth(t.Context(), []ensemble.Member{{Net: net, Weights: set, Digest: net.Arch, Temperature: 1}}, opt.LiteRT, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer both.close()
	all := pictures(make([]int, 200)...)
	exact, rounded := make([]float32, len(all)), make([]float32, len(all))
	for i, p := range all {
		shade(p.Image, i)
		exact[i], rounded[i] = lead(t, both.exact, p.Image), lead(t, both.rounded, p.Image)
	}
	middle := slices.Sorted(slices.Values(exact))[len(exact)/2]
	bias := set["fc.bias"].Data
	bias[1] += middle + 100 // scores 1 and 2 are now far above the others, and level
	bias[2] += 100
	if err := fit.SaveWeights(path, net, set); err != nil {
		t.Fatal(err)
	}
	var found []dataset.Picture
	for i, p := range all {
		p.Score = 1
		if exact[i] > middle {
			p.Score = 2
		}
		if (rounded[i] > middle) != (exact[i] > middle) {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		t.Fatal("no picture lies between float32 and int8")
	}
	return found
}

// lead is how far score 2 is above score 1.
func lead(t *testing.T, engine ensemble.Engine, img *image.Gray) float32 {
	t.Helper()
	out, err := engine.Logits(t.Context(), img, []int{0})
	if err != nil {
		t.Fatal(err)
	}
	return out[0].Logits[2] - out[0].Logits[1]
}

// shade gives picture i its own brightness and slope.
func shade(img *image.Gray, i int) {
	for k := range img.Pix {
		x := k % img.Stride
		img.Pix[k] = byte((int(img.Pix[k])*(i%5) + (i*37+x*(i%11))%256) / 5)
	}
}
