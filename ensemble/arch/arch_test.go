package arch

import (
	"image"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// The counts that the literature and torchvision give, with four outputs.
func TestParameterCounts(t *testing.T) {
	for name, want := range map[string]int{ResNet50: 23_516_228, VGG19: 139_586_628, GoogLeNet: 5_604_004} {
		if got := MustNew(Full(name)).LearntParams(); got != want {
			t.Errorf("%s has %d parameters, want %d", name, got, want)
		}
	}
}

// Feature maps at torchvision's landmarks for 224×224.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		arch, node string
		want       Shape
	}{
		{ResNet50, "maxpool", Shape{56, 56, 64}}, {ResNet50, "layer1.2.add", Shape{56, 56, 256}},
		{ResNet50, "layer4.2.add", Shape{7, 7, 2048}}, {VGG19, "features.36", Shape{7, 7, 512}},
		{GoogLeNet, "maxpool1", Shape{56, 56, 64}}, {GoogLeNet, "inception3b", Shape{28, 28, 480}},
		{GoogLeNet, "inception4e", Shape{14, 14, 832}}, {GoogLeNet, "inception5b", Shape{7, 7, 1024}},
	} {
		net := MustNew(Full(c.arch))
		i := slices.IndexFunc(net.Nodes, func(n Node) bool { return n.Name == c.node })
		if i < 0 || net.Nodes[i].Out != c.want {
			t.Errorf("%s %s: node %d, want shape %v", c.arch, c.node, i, c.want)
		}
	}
}

// With the finer stride only the last stage changes, and no parameter.
func TestFineStride(t *testing.T) {
	for name, last := range map[string]Shape{ResNet50: {14, 14, 2048}, GoogLeNet: {14, 14, 1024}} {
		coarse, fine := MustNew(Full(name)), Full(name)
		fine.Stride = 16
		net := MustNew(fine)
		if got := net.Nodes[net.Places()].Out; got != last {
			t.Errorf("%s: last feature map %v, want %v", name, got, last)
		}
		if !reflect.DeepEqual(net.Params(), coarse.Params()) {
			t.Errorf("%s: the finer net has other parameters", name)
		}
	}
}

// Every size that New accepts gives a net whose nodes fit together.
func TestAnyWidthAndInput(t *testing.T) {
	for _, name := range Names() {
		for _, width := range []float64{1.0 / 16, 0.1, 0.25, 0.375, 1, 2} {
			for _, input := range []int{32, 33, 97, 128, 224, 300} {
				net, err := New(Config{Arch: name, Width: width, Input: input, Classes: 4})
				if err != nil {
					t.Fatalf("%s width %v input %d: %v", name, width, input, err)
				}
				for i, n := range net.Nodes {
					if n.Out.H < 1 || n.Out.W < 1 || n.Out.C < 1 {
						t.Fatalf("%s width %v input %d: %s has shape %v", name, width, input, n.Name, n.Out)
					}
					for _, in := range n.Inputs {
						if in >= i {
							t.Fatalf("%s: %s comes before its input", name, n.Name)
						}
					}
				}
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := Full(ResNet50)
	for name, change := range map[string]func(*Config){
		"arch": func(c *Config) { c.Arch = "alexnet" }, "width": func(c *Config) { c.Width = math.NaN() },
		"thin": func(c *Config) { c.Width = 0 }, "small": func(c *Config) { c.Input = 16 }, "classes": func(c *Config) { c.Classes = 1 },
		"tone": func(c *Config) { c.Tone = "warm" }, "stride": func(c *Config) { c.Stride = 8 },
		"stride of VGG-19": func(c *Config) { c.Arch, c.Stride = VGG19, 16 },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: %+v was accepted", name, c)
		}
	}
}

func TestDigestTellsNetsApart(t *testing.T) {
	seen := map[string]Config{}
	for _, c := range []Config{Full(ResNet50), Full(VGG19), {Arch: ResNet50, Width: 0.25, Input: 224, Classes: 4}, {Arch: ResNet50, Width: 1, Input: 128, Classes: 4}, {Arch: ResNet50, Width: 1, Input: 224, Classes: 3}, {Arch: ResNet50, Width: 1, Input: 224, Classes: 4, Tone: Own}, {Arch: ResNet50, Width: 1, Input: 224, Classes: 4, Stride: 16}} {
		digest := MustNew(c).Digest()
		if other, ok := seen[digest]; ok {
			t.Errorf("%+v and %+v have one digest", c, other)
		}
		seen[digest] = c
	}
	one, same := MustNew(Full(VGG19)), MustNew(Full(VGG19))
	if one.Digest() != same.Digest() {
		t.Error("digests of equal nets differ")
	}
}

// Each output of adaptive pooling is a mean, and every input place is used.
func TestAdaptivePool(t *testing.T) {
	for _, in := range []Shape{{3, 3, 1}, {4, 4, 1}, {7, 7, 1}, {8, 5, 1}} {
		used := make([]float32, in.H*in.W)
		for _, row := range AdaptivePool(in, 7, 7) {
			sum := float32(0)
			for i, share := range row {
				sum += share
				used[i] += share
			}
			if math.Abs(float64(sum)-1) > 1e-6 {
				t.Errorf("%v: shares add up to %v", in, sum)
			}
		}
		if slices.Min(used) == 0 {
			t.Errorf("%v: a place is not used", in)
		}
	}
}

func BenchmarkPreprocess1280x960(b *testing.B) {
	src := image.NewGray(image.Rect(0, 0, 1280, 960))
	r := rand.New(rand.NewPCG(1, 1))
	for i := range src.Pix {
		src.Pix[i] = byte(r.Uint32())
	}
	dst := make([]float32, 224*224)
	for b.Loop() {
		Preprocess(dst, src, 224)
	}
}
