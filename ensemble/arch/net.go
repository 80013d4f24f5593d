package arch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
)

// Names of the three architectures, in order of cost: the order of the vote.
const (
	GoogLeNet = "googlenet"
	ResNet50  = "resnet50"
	VGG19     = "vgg19"
)

// Names returns the architectures in order of cost, cheapest first.
func Names() []string { return []string{GoogLeNet, ResNet50, VGG19} }

// Scores is the number of classes of the lung ultrasound score, 0 to 3.
const Scores = 4

// Config says which net to build.
type Config struct {
	Arch    string  `json:"arch"`    // one of Names
	Width   float64 `json:"width"`   // multiplier on every channel count; 1 is torchvision's net
	Input   int     `json:"input"`   // side of the square input in pixels; 224 in the paper
	Classes int     `json:"classes"` // outputs; 4 for scores 0 to 3
	Tone    Tone    `json:"tone,omitempty"`
	// Stride is how many input pixels lie between two places of the last feature map: 0 for
	// torchvision's 32, or 16, with which the last stage keeps the places of the one before,
	// so that a class activation map is twice as fine each way. Weights have the same shapes.
	// ResNet-50 and GoogLeNet only.
	Stride int `json:"stride,omitempty"`
}

// Tone is how a net's input is standardised after the resize.
type Tone string

// Tones.
const (
	// ImageNet: grey levels less a fixed mean, by a fixed deviation, as imported weights
	// want it; see Mean and Deviation.
	ImageNet Tone = ""
	// Own: by the mean and deviation of the picture's own lit pixels, with 0 where it is
	// black. What gain, brightness and contrast of a scanner do to all of a picture is
	// gone before the net sees it.
	Own Tone = "own"
)

// fineStride is the other stride that a net may have.
const fineStride = 16

// Full returns the configuration of torchvision's own net at 224×224 with four outputs.
func Full(arch string) Config {
	return Config{Arch: arch, Width: 1, Input: 224, Classes: Scores}
}

// Op is what a node does.
type Op int

// The operations that the three nets are made of.
const (
	OpInput   Op = iota // the picture: Input×Input×1 grey
	OpConv              // 2-D convolution, then optional batch normalisation, then optional ReLU
	OpMaxPool           // maximum pooling of values that are never negative
	OpAvgPool           // adaptive average pooling to Out×Out (torch.nn.AdaptiveAvgPool2d)
	OpAdd               // element-wise sum of two inputs, then optional ReLU
	OpConcat            // concatenation along channels
	OpDropout           // dropout with probability Rate; training only
	OpLinear            // fully connected layer on the flattened input, then optional ReLU
)

var opNames = [...]string{"input", "conv", "maxpool", "avgpool", "add", "concat", "dropout", "linear"}

func (op Op) String() string { return opNames[op] }

// Shape is a feature map's height, width and channels.
type Shape struct{ H, W, C int }

// Len is the number of values in a feature map.
func (s Shape) Len() int { return s.H * s.W * s.C }

func (s Shape) String() string { return fmt.Sprintf("%d×%d×%d", s.H, s.W, s.C) }

// Node is one step of a net. Which fields mean something depends on Op.
type Node struct {
	Op     Op
	Name   string // torchvision's module name, e.g. "layer1.0.conv1"; unique in a net
	Inputs []int  // indices of earlier nodes
	Out    Shape  // shape of the result

	Kernel, Stride int     // conv, maxpool
	Pad            int     // conv, maxpool: zeros added on every side, as in PyTorch
	Ceil           bool    // maxpool: ceil_mode, the last window may hang over the edge
	Norm           string  // conv: name of the batch normalisation that follows; "" for none
	Epsilon        float32 // conv: of that batch normalisation
	Bias           bool    // conv, linear
	ReLU           bool    // conv, add, linear: rectify the result
	Rate           float32 // dropout
}

// Net is a network as data: nodes in an order in which they can be evaluated.
// The last node holds the logits. A Net is read-only after New.
type Net struct {
	Config
	Nodes []Node
}

// New builds the description of a net. It fails on an unknown architecture and
// on sizes that the net cannot have.
func New(c Config) (*Net, error) {
	build, ok := map[string]func(*builder){GoogLeNet: googlenet, ResNet50: resnet50, VGG19: vgg19}[c.Arch]
	switch {
	case !ok:
		return nil, fmt.Errorf("unknown architecture %q: want %s, %s or %s", c.Arch, GoogLeNet, ResNet50, VGG19)
	case !(c.Width >= 1.0/16 && c.Width <= 4):
		return nil, fmt.Errorf("%s: width %v is outside 1/16 to 4", c.Arch, c.Width)
	case c.Input < 32 || c.Input > 1024:
		return nil, fmt.Errorf("%s: input size %d is outside 32 to 1024", c.Arch, c.Input)
	case c.Tone != ImageNet && c.Tone != Own:
		return nil, fmt.Errorf("%s: tone %q: want nothing or %s", c.Arch, c.Tone, Own)
	case c.Stride != 0 && (c.Stride != fineStride || c.Arch == VGG19):
		return nil, fmt.Errorf("%s: stride %d: want 0, or %d with %s or %s", c.Arch, c.Stride, fineStride, GoogLeNet, ResNet50)
	case c.Classes < 2 || c.Classes > 10000:
		return nil, fmt.Errorf("%s: %d classes is outside 2 to 10000", c.Arch, c.Classes)
	}
	b := &builder{net: &Net{Config: c}}
	b.add(Node{Op: OpInput, Name: "input", Out: Shape{c.Input, c.Input, 1}})
	build(b)
	return b.net, nil
}

// MustNew is New for configurations that are constants in the program.
func MustNew(c Config) *Net {
	n, err := New(c)
	if err != nil {
		panic(err)
	}
	return n
}

// InputShape is the shape of the one grey picture that goes in.
func (n *Net) InputShape() Shape { return n.Nodes[0].Out }

// Logits is the index of the last node.
func (n *Net) Logits() int { return len(n.Nodes) - 1 }

// Digest is the SHA-256 of the whole description in hexadecimal: two nets with
// the same digest compute the same function of the same weights.
func (n *Net) Digest() string {
	text, err := json.Marshal(n)
	if err != nil {
		panic(err) // plain data always marshals
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// channels applies the width multiplier: the nearest multiple of 4, at least 4,
// so that vector units stay full. Width 1 leaves torchvision's counts as they are.
func (c Config) channels(full int) int {
	if c.Width == 1 {
		return full
	}
	return max(4, 4*int(math.Round(float64(full)*c.Width/4)))
}

// Places is the index of the node whose feature map the last layer averages over all
// places, so that a class activation map is exact (Zhou et al. 2016, arXiv 1512.04150,
// section 2); -1 for VGG-19, whose last layers tell places apart.
func (n *Net) Places() int {
	at := n.Nodes[n.Logits()].Inputs[0]
	for n.Nodes[at].Op == OpDropout {
		at = n.Nodes[at].Inputs[0]
	}
	if node := n.Nodes[at]; node.Op == OpAvgPool && node.Out.H == 1 && node.Out.W == 1 {
		return node.Inputs[0]
	}
	return -1
}
