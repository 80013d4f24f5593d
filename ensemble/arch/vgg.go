package arch

import "fmt"

// vgg19 is torchvision.models.vgg19 (configuration E): 16 convolutions of 3×3
// with biases, two hidden layers of 4096 with dropout 0.5. At inputs other than
// 224 the adaptive pooling to 7×7 is a real resampling, as it is in torchvision.
func vgg19(b *builder) {
	c := b.net.channels
	x, index := 0, 0
	for stage, convs := range []int{2, 2, 4, 4, 4} {
		for range convs {
			x = b.conv(fmt.Sprintf("features.%d", index), x, conv{out: c(min(64<<stage, 512)), kernel: 3, stride: 1, pad: 1, bias: true, relu: true})
			index += 2 // the ReLU has a number of its own
		}
		x = b.maxPool(fmt.Sprintf("features.%d", index), x, 2, 2, 0, false)
		index++
	}
	x = b.avgPool("avgpool", x, 7)
	x = b.linear("classifier.0", x, c(4096), true)
	x = b.dropout("classifier.2", x, 0.5)
	x = b.linear("classifier.3", x, c(4096), true)
	x = b.dropout("classifier.5", x, 0.5)
	b.linear("classifier.6", x, b.net.Classes, false)
}
