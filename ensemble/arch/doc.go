// Package arch is the one definition of the three networks and of their input.
//
// A [Net] is plain data: a list of nodes in the order of evaluation, with
// torchvision's module names, paddings, epsilons and pooling rules. Training,
// the TensorFlow engine and the LiteRT converter all walk that list, so a net
// cannot differ between them. [Preprocess] is the only way from a picture to a
// network's input.
//
// The nets are those of the method's paper (Xing et al. 2022, section 2.4.2):
// ResNet-50, VGG-19 and GoogLeNet, here in torchvision's layouts (ResNet-50
// "v1.5", VGG-19 without batch normalisation, GoogLeNet with it and without
// auxiliary heads). A width multiplier and an input size make smaller nets from
// the same definition.
//
// Shapes are height, width, channels (HWC); parameter shapes are torchvision's
// (OIHW for convolutions, out×in for linear layers), because that is what
// weight files hold.
package arch
