package transfer

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
	"lungbox/training/transfer/pickle"
	"lungbox/training/transfer/torchfile"
)

func TestRefusesByName(t *testing.T) {
	net := small(arch.ResNet50, 4)
	tensor := func(values float32, shape ...int) weights.Tensor {
		n := 1
		for _, d := range shape {
			n *= d
		}
		return weights.Tensor{Shape: shape, Data: slices.Repeat([]float32{values}, n)}
	}
	nan := float32(math.NaN())
	for _, c := range []struct {
		what   string
		change func(weights.Set)
		want   string
	}{
		{"a missing tensor", func(s weights.Set) { delete(s, "layer1.0.conv1.weight") }, "layer1.0.conv1.weight is missing"},
		{"half a head", func(s weights.Set) { delete(s, "fc.bias") }, "fc.bias is missing"},
		{"a wrong shape", func(s weights.Set) { s["bn1.bias"] = tensor(0, 5) }, "bn1.bias has shape [5], want [4]"},
		{"a head of another width", func(s weights.Set) { s["fc.weight"] = tensor(0, 1000, 9); s["fc.bias"] = tensor(0, 1000) }, "fc.weight has shape [1000 9], want [4 128]"},
		{"a head in two sizes", func(s weights.Set) { s["fc.bias"] = tensor(0, 5) }, "fc.bias has shape [5], want [4]"},
		{"a deeper net", func(s weights.Set) { s["layer3.6.conv1.weight"] = tensor(0, 1) }, "layer3.6.conv1.weight is not a parameter"},
		{"NaN", func(s weights.Set) { s["layer4.2.bn2.running_var"].Data[3] = nan }, "layer4.2.bn2.running_var holds a value that is not a finite number"},
		{"infinity in the kept head", func(s weights.Set) { s["fc.weight"].Data[0] = float32(math.Inf(1)) }, "fc.weight holds"},
		{"many", func(s weights.Set) { clear(s); s["x"] = tensor(0, 1) }, "and 262 more"},
		{"nothing", func(s weights.Set) { clear(s) }, "conv1.weight is missing; bn1.weight is missing"},
	} {
		set := weights.Formula(net)
		c.change(set)
		_, _, err := file(t, set, weights.F32, net, Options{})
		if !errors.Is(err, weights.ErrMismatch) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", c.what, err, c.want)
		}
	}
	for _, other := range []string{arch.GoogLeNet, arch.VGG19} {
		if _, _, err := file(t, weights.Formula(net), weights.F32, small(other, 4), Options{}); !errors.Is(err, weights.ErrMismatch) {
			t.Errorf("ResNet-50's weights for %s: %v", other, err)
		}
	}
}

// timm's and torchvision's name for one layer in one file.
func TestTwoNamesForOneLayer(t *testing.T) {
	net := small(arch.VGG19, 4)
	set := weights.Formula(net)
	set["head.fc.bias"] = set["classifier.6.bias"]
	if _, _, err := file(t, set, weights.F32, net, Options{}); err == nil || !strings.Contains(err.Error(), "classifier.6.bias is there twice") {
		t.Errorf("%v", err)
	}
}

func TestFilesThatAreNoWeights(t *testing.T) {
	net := small(arch.ResNet50, 4)
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	for _, c := range []struct {
		what, content, want string
		is                  error
	}{
		{"empty", "", "empty", ErrFormat},
		{"web page", "\n<!DOCTYPE html><html>", "web page", ErrFormat},
		{"LFS pointer", "version https://git-lfs.github.com/spec/v1\n", "git lfs pull", ErrFormat},
		{"tar", string(tar), "tar archive", ErrFormat},
		{"text", "hello", "neither", ErrFormat},
		{"safetensors cut short", "\x40\x00\x00\x00\x00\x00\x00\x00{", "header of 64 bytes", weights.ErrFormat},
		{"zip cut short", "PK\x03\x04", "cut short", torchfile.ErrFormat},
		{"code", "\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.", `"os.system"`, pickle.ErrRefused},
	} {
		path := filepath.Join(t.TempDir(), "w.pth")
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := Import(path, net, Options{})
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: %v, want %v with %q", c.what, err, c.is, c.want)
		}
	}
	if _, _, err := Import(filepath.Join(t.TempDir(), "none.pth"), net, Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	// The header's length of a safetensors file may begin like a pickle.
	set := weights.Set{"x": {Shape: []int{1}, Data: []float32{1}}}
	var out bytes.Buffer
	pad := strings.Repeat("p", 0x80-85)
	if err := weights.Write(&out, set, weights.F32, map[string]string{"p": pad}); err != nil {
		t.Fatal(err)
	}
	if out.Bytes()[0] != 0x80 {
		t.Fatalf("header of %#x bytes, want 0x80: choose another padding", out.Bytes()[0])
	}
	if _, _, err := Read(bytes.NewReader(out.Bytes()), int64(out.Len()), net, Options{}); !errors.Is(err, weights.ErrMismatch) {
		t.Errorf("a safetensors header of 128 bytes: %v", err)
	}
}
