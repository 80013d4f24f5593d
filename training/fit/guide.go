package fit

import (
	"image"

	"lungbox/training/dataset"
)

// view is the part of a picture that a net sees.
type view struct {
	window image.Rectangle // in pixels of the picture; may leave it
	flip   bool            // left and right
	fan    bool            // through another fan, which may hide signs
}

// guidance fills in what the trainer takes of a picture whose signs' places are known: the
// share of the signs in each place of the net's last feature map, and how logits add up to the
// evidence for the score, as ensemble.Join has it. Nothing where no sign is in view.
func (r *run) guidance(signs, own []float32, picture dataset.Picture, seen view) {
	if seen.fan {
		return
	}
	out := r.net.Nodes[r.net.Places()].Out
	sum := float32(0)
	for y := range out.H {
		for x := range out.W {
			signs[y*out.W+x] = seen.share(picture, float64(x)/float64(out.W), float64(y)/float64(out.H), 1/float64(out.W), 1/float64(out.H))
			sum += signs[y*out.W+x]
		}
	}
	if sum <= 0 {
		return
	}
	for i := range signs {
		signs[i] /= sum
	}
	for s := range own {
		own[s] = -1 / float32(len(own)-1)
	}
	own[picture.Score] = 1
}

// share is the part of a rectangle of the net's input, which goes from 0 to 1, that signs
// cover.
func (v view) share(picture dataset.Picture, left, top, width, height float64) float32 {
	const samples = 12 // each way: a sign is no thinner than a twelfth of a place
	signs, size := picture.Signs, picture.Image.Rect.Size()
	covered := 0
	for j := range samples {
		for i := range samples {
			x, y := left+width*(float64(i)+0.5)/samples, top+height*(float64(j)+0.5)/samples
			if v.flip {
				x = 1 - x
			}
			atX := (float64(v.window.Min.X) + x*float64(v.window.Dx())) / float64(size.X) * float64(signs.Rect.Dx())
			atY := (float64(v.window.Min.Y) + y*float64(v.window.Dy())) / float64(size.Y) * float64(signs.Rect.Dy())
			if atX >= 0 && atY >= 0 && atX < float64(signs.Rect.Dx()) && atY < float64(signs.Rect.Dy()) && signs.Pix[int(atY)*signs.Stride+int(atX)] > 127 {
				covered++
			}
		}
	}
	return float32(covered) / (samples * samples)
}
