package transfer

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// small is the size of net that make_fixtures.py makes files for.
func small(name string, classes int) *arch.Net {
	return arch.MustNew(arch.Config{Arch: name, Width: 1.0 / 16, Input: 32, Classes: classes})
}

// file stores a set as safetensors and reads it for the net.
func file(t *testing.T, set weights.Set, dtype weights.DType, net *arch.Net, options Options) (weights.Set, Report, error) {
	t.Helper()
	var out bytes.Buffer
	if err := weights.Write(&out, set, dtype, nil); err != nil {
		t.Fatal(err)
	}
	return Read(bytes.NewReader(out.Bytes()), int64(out.Len()), net, options)
}

// same compares all tensors but those that skip names, within a share of each value.
func same(t *testing.T, got, want weights.Set, share float64, skip ...string) {
	t.Helper()
	if !slices.Equal(got.Names(), want.Names()) {
		t.Fatalf("tensors %v, want %v", got.Names(), want.Names())
	}
	for name, w := range want {
		if slices.Contains(skip, name) {
			continue
		}
		g := got[name]
		if !slices.Equal(g.Shape, w.Shape) {
			t.Fatalf("%s has shape %v, want %v", name, g.Shape, w.Shape)
		}
		for i, v := range w.Data {
			if math.Abs(float64(g.Data[i]-v)) > share*math.Abs(float64(v))+share*share {
				t.Fatalf("%s, value %d: %v, want %v", name, i, g.Data[i], v)
			}
		}
	}
}

// A training checkpoint in the older format: half precision, several GPUs' prefix,
// other things beside the state dict.
func TestImportOlderFormat(t *testing.T) {
	net := small(arch.ResNet50, 4)
	got, report, err := Import("testdata/resnet50_legacy.pth", net, Options{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, weights.Formula(net), 1.0/(1<<11))
	want := Report{Format: "older PyTorch", Arch: arch.ResNet50, Tensors: 267, Values: 99328, Prefix: "module.",
		Head: "fc", Classes: 4, ForeignClasses: 4}
	if report.String() != want.String() || report.HeadReplaced {
		t.Errorf("report\n%swant\n%s", report, want)
	}
}

// torchvision's pretrained GoogLeNet in small: 1000 classes, auxiliary heads, inputs
// normalised in its own way.
func TestImportGoogLeNet(t *testing.T) {
	const path = "testdata/googlenet_zip.pth"
	net := small(arch.GoogLeNet, 4)
	formula := weights.Formula(net)
	head := []string{"fc.weight", "fc.bias"}
	plain, report, err := Import(path, net, Options{TransformInput: TransformNo})
	if err != nil {
		t.Fatal(err)
	}
	same(t, plain, formula, 0, head...)
	want := "googlenet: took 285 tensors with 28012 values from a file in PyTorch zip format\n" +
		"the file's last layer (fc) has 1000 classes: replaced by fresh weights for 4, to be trained\n" +
		"left out aux1 and aux2: auxiliary heads serve training only\n"
	if report.String() != want {
		t.Errorf("report\n%swant\n%s", report, want)
	}
	for _, option := range []TransformInput{"", TransformAuto, TransformYes} {
		folded, report, err := Import(path, net, Options{TransformInput: option})
		if err != nil {
			t.Fatal(err)
		}
		if !report.InputFolded || !strings.Contains(report.String(), "border") {
			t.Errorf("option %q: report\n%s", option, report)
		}
		same(t, folded, plain, 0, "conv1.conv.weight", "conv1.bn.running_mean")
		sameFirstLayer(t, folded, plain)
	}
	// With ImageNet's classes the foreign head stays.
	wide := small(arch.GoogLeNet, 1000)
	kept, report, err := Import(path, wide, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if report.HeadReplaced || kept["fc.weight"].Data[4711] != 0.5 || kept["fc.bias"].Data[999] != 0 {
		t.Errorf("head not kept: %s", report)
	}
}

// sameFirstLayer checks what the first convolution and normalisation make of a window
// of input: folded weights of ours, plain ones of the input that they expect.
func sameFirstLayer(t *testing.T, folded, plain weights.Set) {
	t.Helper()
	output := func(set weights.Set, channel int, input func(x float64) float64) float64 {
		kernel, mean := set["conv1.conv.weight"], set["conv1.bn.running_mean"]
		perOut := len(kernel.Data) / kernel.Shape[0]
		sum := 0.0
		for i, w := range kernel.Data[channel*perOut:][:perOut] {
			grey := float64(i*37%256) / 255
			sum += float64(w) * input(grey)
		}
		return (sum - float64(mean.Data[channel])) / math.Sqrt(float64(set["conv1.bn.running_var"].Data[channel])+1e-3)
	}
	for channel := range plain["conv1.bn.running_mean"].Data {
		ours := output(folded, channel, func(x float64) float64 { return (x - 0.449) / 0.226 })
		theirs := output(plain, channel, func(x float64) float64 { return (x - 0.5) / 0.5 })
		if math.Abs(ours-theirs) > 1e-5 {
			t.Errorf("channel %d: %v, want %v", channel, ours, theirs)
		}
	}
}

func TestAutoFoldsOnlyPretrainedGoogLeNets(t *testing.T) {
	for _, c := range []struct {
		arch    string
		classes int
		want    bool
	}{
		{arch.GoogLeNet, 4, false},
		{arch.GoogLeNet, 1000, true},
		{arch.ResNet50, 1000, false},
	} {
		set := weights.Formula(small(c.arch, c.classes))
		_, report, err := file(t, set, weights.F32, small(c.arch, 4), Options{})
		if err != nil || report.InputFolded != c.want {
			t.Errorf("%s of %d classes: folded %v, %v; want %v", c.arch, c.classes, report.InputFolded, err, c.want)
		}
	}
	vgg := small(arch.VGG19, 4)
	for _, option := range []TransformInput{TransformYes, "perhaps"} {
		if _, _, err := file(t, weights.Formula(vgg), weights.F32, vgg, Options{TransformInput: option}); err == nil {
			t.Errorf("transform input %q was accepted for a VGG-19", option)
		}
	}
}

// timm keeps VGG-19's linear layers as convolutions under other names.
func TestImportSafetensorsOfTorchvisionAndTimm(t *testing.T) {
	net := small(arch.VGG19, 4)
	want := weights.Formula(net)
	for _, dtype := range []weights.DType{weights.F32, weights.F16, weights.BF16} {
		got, report, err := file(t, want, dtype, net, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if report.Format != "safetensors" || report.Tensors != 38 || report.HeadReplaced {
			t.Errorf("report %+v", report)
		}
		same(t, got, want, map[weights.DType]float64{weights.F16: 1.0 / (1 << 11), weights.BF16: 1.0 / (1 << 8)}[dtype])
	}
	timm := weights.Set{}
	for name, tensor := range want {
		for _, pair := range [][2]string{{"classifier.0", "pre_logits.fc1"}, {"classifier.3", "pre_logits.fc2"}, {"classifier.6", "head.fc"}} {
			name = strings.Replace(name, pair[0], pair[1], 1)
		}
		switch name {
		case "pre_logits.fc1.weight":
			tensor.Shape = []int{tensor.Shape[0], tensor.Shape[1] / 49, 7, 7}
		case "pre_logits.fc2.weight":
			tensor.Shape = append(slices.Clone(tensor.Shape), 1, 1)
		}
		timm[name] = tensor
	}
	got, _, err := file(t, timm, weights.F32, net, Options{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want, 0)
}

func TestFreshHead(t *testing.T) {
	net := small(arch.VGG19, 4)
	foreign := weights.Formula(small(arch.VGG19, 7))
	headless := maps.Clone(foreign)
	delete(headless, "classifier.6.weight")
	delete(headless, "classifier.6.bias")
	read := func(set weights.Set, seed uint64) weights.Set {
		got, report, err := file(t, set, weights.F32, net, Options{Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if !report.HeadReplaced || report.Tensors != 36 || report.Head != "classifier.6" {
			t.Errorf("report %+v", report)
		}
		return got
	}
	first := read(foreign, 1)
	same(t, read(foreign, 1), first, 0)
	same(t, read(headless, 1), first, 0)
	head := first["classifier.6.weight"]
	if slices.Equal(head.Data, read(foreign, 2)["classifier.6.weight"].Data) {
		t.Error("two seeds give one head")
	}
	// Uniform in ±1/√inputs: so many values reach near both ends and average to nothing.
	bound := 1 / math.Sqrt(float64(head.Shape[1]))
	sum := 0.0
	for _, v := range head.Data {
		sum += float64(v)
	}
	low, high := float64(slices.Min(head.Data)), float64(slices.Max(head.Data))
	if low < -bound || low > -0.98*bound || high > bound || high < 0.98*bound || math.Abs(sum) > 4*bound*math.Sqrt(float64(len(head.Data))/3) {
		t.Errorf("from %v to %v, sum %v; want ±%v", low, high, sum, bound)
	}
	if report := (Report{HeadReplaced: true, Head: "fc", Classes: 4}).String(); !strings.Contains(report, "no last layer (fc)") {
		t.Errorf("report %s", report)
	}
}

func TestWrapping(t *testing.T) {
	for want, names := range map[string][]string{
		"":                  {"module.a", "b"},
		"module.":           {"module.a", "module.b"},
		"model._orig_mod.":  {"model._orig_mod.a", "model._orig_mod.model.b"},
		"_orig_mod.module.": {"_orig_mod.module.conv1.weight"},
	} {
		var tensors []shaped
		for _, name := range names {
			tensors = append(tensors, shaped{name: name})
		}
		if got := wrapping(tensors); got != want {
			t.Errorf("%v: %q, want %q", names, got, want)
		}
	}
	if got := wrapping(nil); got != "" {
		t.Errorf("no names: %q", got)
	}
}
