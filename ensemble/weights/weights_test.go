package weights

import (
	"errors"
	"math"
	"strings"
	"testing"

	"lungbox/ensemble/arch"
)

func tiny(name string) *arch.Net {
	return arch.MustNew(arch.Config{Arch: name, Width: 0.0625, Input: 64, Classes: 4})
}

func TestCheckNamesWhatDoesNotFit(t *testing.T) {
	net := tiny(arch.ResNet50)
	if err := Check(net, Formula(net)); err != nil {
		t.Fatal(err)
	}
	damage := map[string]func(Set){
		"fc.bias is missing":                      func(s Set) { delete(s, "fc.bias") },
		"conv1.weight has shape [1 2]":            func(s Set) { s["conv1.weight"] = Tensor{Shape: []int{1, 2}, Data: make([]float32, 2)} },
		"bn1.bias holds 1 values":                 func(s Set) { s["bn1.bias"] = Tensor{Shape: s["bn1.bias"].Shape, Data: make([]float32, 1)} },
		"fc.bias holds a value that is not a fin": func(s Set) { s["fc.bias"].Data[2] = float32(math.Inf(-1)) },
		"extra.weight is not a parameter":         func(s Set) { s["extra.weight"] = Tensor{} },
		"and ":                                    func(s Set) { clear(s) },
	}
	for want, change := range damage {
		set := Formula(net)
		change(set)
		if err := Check(net, set); !errors.Is(err, ErrMismatch) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// Folding batch normalisation changes no result: the folded kernel and bias give
// what kernel and normalisation gave.
func TestFoldOfBatchNorm(t *testing.T) {
	net := tiny(arch.GoogLeNet)
	set := Formula(net)
	folded := Fold(net, set)
	for i, layer := range folded.Layers {
		if layer.Op == arch.OpDropout || layer.Norm != "" {
			t.Errorf("layer %d (%s) is not folded", i, layer.Name)
		}
		if layer.Op != arch.OpConv {
			continue
		}
		node := net.Nodes[layer.origin]
		kernel, bias, err := folded.Weights(i)
		if err != nil {
			t.Fatal(err)
		}
		raw := set[node.Name+".weight"]
		gamma, beta := set[node.Norm+".weight"].Data, set[node.Norm+".bias"].Data
		mean, variance := set[node.Norm+".running_mean"].Data, set[node.Norm+".running_var"].Data
		// On an input of ones: the sum over the kernel, then the normalisation.
		perOut, perFolded := len(raw.Data)/raw.Shape[0], len(kernel)/raw.Shape[0]
		for o := range raw.Shape[0] {
			before, after := 0.0, float64(bias[o])
			for _, v := range raw.Data[o*perOut:][:perOut] {
				before += float64(v)
			}
			for _, v := range kernel[o*perFolded:][:perFolded] {
				after += float64(v)
			}
			want := (before-float64(mean[o]))/math.Sqrt(float64(variance[o])+float64(node.Epsilon))*float64(gamma[o]) + float64(beta[o])
			if math.Abs(after-want) > 1e-4*(1+math.Abs(want)) { // float32 sums
				t.Fatalf("%s channel %d: folded %v, in two steps %v", node.Name, o, after, want)
			}
		}
	}
}

func TestRandom(t *testing.T) {
	for _, name := range arch.Names() {
		net := tiny(name)
		set := Random(net, 7)
		if err := Check(net, set); err != nil {
			t.Fatal(err)
		}
		same, other := Random(net, 7), Random(net, 8)
		for _, p := range net.Params() {
			values := set[p.Name].Data
			if p.Role != arch.RoleKernel || len(values) < 2000 {
				continue
			}
			square := 0.0
			for i, v := range values {
				square += float64(v) * float64(v)
				if v != same[p.Name].Data[i] {
					t.Fatalf("%s: one seed gives two sets", p.Name)
				}
			}
			want := 2 / float64(len(values)/p.Shape[0])
			if got := square / float64(len(values)); math.Abs(got/want-1) > 0.2 {
				t.Errorf("%s %s: variance %v, want %v", name, p.Name, got, want)
			}
			if values[0] == other[p.Name].Data[0] {
				t.Errorf("%s: two seeds give one value", p.Name)
			}
		}
	}
}
