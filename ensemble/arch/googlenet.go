package arch

// googlenet is torchvision.models.googlenet with aux_logits=False: every
// convolution is followed by batch normalisation with epsilon 1e-3, pooling is in
// ceil mode, and the "5×5" branch has 3×3 kernels, as in torchvision and the
// TensorFlow weights it was made from.
func googlenet(b *builder) {
	c := b.net.channels
	basic := func(name string, in, out, kernel, stride, pad int) int {
		return b.conv(name+".conv", in, conv{out: c(out), kernel: kernel, stride: stride, pad: pad, norm: name + ".bn", epsilon: 1e-3, relu: true})
	}
	inception := func(name string, in int, ch1, ch3red, ch3, ch5red, ch5, pool int) int {
		one := basic(name+".branch1", in, ch1, 1, 1, 0)
		two := basic(name+".branch2.0", in, ch3red, 1, 1, 0)
		two = basic(name+".branch2.1", two, ch3, 3, 1, 1)
		three := basic(name+".branch3.0", in, ch5red, 1, 1, 0)
		three = basic(name+".branch3.1", three, ch5, 3, 1, 1)
		four := b.maxPool(name+".branch4.0", in, 3, 1, 1, true)
		four = basic(name+".branch4.1", four, pool, 1, 1, 0)
		return b.concat(name, one, two, three, four)
	}
	x := basic("conv1", 0, 64, 7, 2, 3)
	x = b.maxPool("maxpool1", x, 3, 2, 0, true)
	x = basic("conv2", x, 64, 1, 1, 0)
	x = basic("conv3", x, 192, 3, 1, 1)
	x = b.maxPool("maxpool2", x, 3, 2, 0, true)
	x = inception("inception3a", x, 64, 96, 128, 16, 32, 32)
	x = inception("inception3b", x, 128, 128, 192, 32, 96, 64)
	x = b.maxPool("maxpool3", x, 3, 2, 0, true)
	x = inception("inception4a", x, 192, 96, 208, 16, 48, 64)
	x = inception("inception4b", x, 160, 112, 224, 24, 64, 64)
	x = inception("inception4c", x, 128, 128, 256, 24, 64, 64)
	x = inception("inception4d", x, 112, 144, 288, 32, 64, 64)
	x = inception("inception4e", x, 256, 160, 320, 32, 128, 128)
	if b.net.Stride == fineStride {
		x = b.maxPool("maxpool4", x, 3, 1, 1, true)
	} else {
		x = b.maxPool("maxpool4", x, 2, 2, 0, true)
	}
	x = inception("inception5a", x, 256, 160, 320, 32, 128, 128)
	x = inception("inception5b", x, 384, 192, 384, 48, 128, 128)
	x = b.avgPool("avgpool", x, 1)
	x = b.dropout("dropout", x, 0.2)
	b.linear("fc", x, b.net.Classes, false)
}
