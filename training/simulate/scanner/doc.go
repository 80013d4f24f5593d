// Package scanner shows what a chest sends back as an ultrasound scanner does: beams in
// a fan, point spread and speckle, gain and grey curve, the raster of the picture, and
// the screen around it with its burned-in text and scales.
package scanner
