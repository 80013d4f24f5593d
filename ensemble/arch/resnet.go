package arch

import "fmt"

// resnet50 is torchvision.models.resnet50: bottleneck blocks with the stride on
// the 3×3 convolution ("v1.5"), batch normalisation with epsilon 1e-5.
func resnet50(b *builder) {
	const epsilon = 1e-5
	c := b.net.channels
	x := b.conv("conv1", 0, conv{out: c(64), kernel: 7, stride: 2, pad: 3, norm: "bn1", epsilon: epsilon, relu: true})
	x = b.maxPool("maxpool", x, 3, 2, 1, false)
	for stage, blocks := range []int{3, 4, 6, 3} {
		width := c(64 << stage)
		expanded := 4 * width
		for block := range blocks {
			name := fmt.Sprintf("layer%d.%d", stage+1, block)
			stride := 1
			if block == 0 && stage > 0 && (stage < 3 || b.net.Stride != fineStride) {
				stride = 2
			}
			short := x
			y := b.conv(name+".conv1", x, conv{out: width, kernel: 1, stride: 1, norm: name + ".bn1", epsilon: epsilon, relu: true})
			y = b.conv(name+".conv2", y, conv{out: width, kernel: 3, stride: stride, pad: 1, norm: name + ".bn2", epsilon: epsilon, relu: true})
			y = b.conv(name+".conv3", y, conv{out: expanded, kernel: 1, stride: 1, norm: name + ".bn3", epsilon: epsilon})
			if block == 0 {
				short = b.conv(name+".downsample.0", x, conv{out: expanded, kernel: 1, stride: stride, norm: name + ".downsample.1", epsilon: epsilon})
			}
			x = b.sum(name+".add", y, short)
		}
	}
	x = b.avgPool("avgpool", x, 1)
	b.linear("fc", x, b.net.Classes, false)
}
