package ensemble

import (
	"fmt"

	"lungbox/ensemble/arch"
	"lungbox/ensemble/weights"
)

// Head is the last layer of a net that averages its last feature map over all places,
// for class activation maps (Zhou et al. 2016, arXiv 1512.04150, section 2). They are
// exact: the mean of a map over all places is the net's logit.
type Head struct {
	shape  arch.Shape
	matrix []float32 // Scores rows of one weight for each channel
	bias   []float32
}

// Map is what each place of a picture says for each score: Values has H·W rows, from
// the upper left place on, of one logit for each score.
type Map struct {
	W, H   int
	Values [][Scores]float32
}

// NewHead reads the last layer of a net from its weights. It returns nil for a net
// whose last layer tells places apart, as VGG-19's does: its maps would not be exact.
func NewHead(net *arch.Net, source weights.Source) (*Head, error) {
	at := net.Places()
	if at < 0 {
		return nil, nil
	}
	name := net.Nodes[net.Logits()].Name
	matrix, err := source.Tensor(name + ".weight")
	if err != nil {
		return nil, err
	}
	bias, err := source.Tensor(name + ".bias")
	if err != nil {
		return nil, err
	}
	h := &Head{shape: net.Nodes[at].Out, matrix: matrix.Data, bias: bias.Data}
	if len(h.matrix) != Scores*h.shape.C || len(h.bias) != Scores {
		return nil, fmt.Errorf("last layer of %d weights and %d biases: want %d and %d", len(h.matrix), len(h.bias), Scores*h.shape.C, Scores)
	}
	return h, nil
}

// Map is the class activation map of a net's last feature map, which has height by
// width by channels values. It panics when features has another length.
func (h *Head) Map(features []float32) Map {
	if len(features) != h.shape.Len() {
		panic(fmt.Sprintf("ensemble: %d features for a map of %v", len(features), h.shape))
	}
	m := Map{W: h.shape.W, H: h.shape.H, Values: make([][Scores]float32, h.shape.W*h.shape.H)}
	for place := range m.Values {
		row := features[place*h.shape.C:][:h.shape.C]
		for s := range Scores {
			sum := h.bias[s]
			for c, w := range h.matrix[s*h.shape.C:][:h.shape.C] {
				sum += w * row[c]
			}
			m.Values[place][s] = sum
		}
	}
	return m
}

// Heat says where in a picture a score comes from. Levels has H·W values, from the
// upper left place on: 0 where nothing speaks for the score, 255 where most does.
type Heat struct {
	W      int    `json:"w"`
	H      int    `json:"h"`
	Levels []byte `json:"levels"` // base64 in JSON
}

// Join makes one Heat of the maps of all nets that voted for a score; nil of none.
//
// What speaks for a score at a place is its logit there less the mean of the other
// scores': only differences of logits decide. Every net counts the same.
func Join(maps []Map, score Score) *Heat {
	if len(maps) == 0 || score == None {
		return nil
	}
	heat := &Heat{W: maps[0].W, H: maps[0].H}
	for _, m := range maps[1:] {
		heat.W, heat.H = max(heat.W, m.W), max(heat.H, m.H)
	}
	sum := make([]float32, heat.W*heat.H)
	for _, m := range maps {
		own := m.evidence(score)
		for y := range heat.H {
			for x := range heat.W {
				// Nets of one input size have one grid; others lend the nearest place.
				sum[y*heat.W+x] += own[y*m.H/heat.H*m.W+x*m.W/heat.W]
			}
		}
	}
	most := float32(0)
	for _, v := range sum {
		most = max(most, v)
	}
	heat.Levels = make([]byte, len(sum))
	for i, v := range sum {
		if v > 0 {
			heat.Levels[i] = byte(255*v/most + 0.5)
		}
	}
	return heat
}

// evidence is what speaks for a score at each place, never negative, scaled to a
// highest value of 1; all 0 where nothing does.
func (m Map) evidence(score Score) []float32 {
	out, most := make([]float32, len(m.Values)), float32(0)
	for i, logits := range m.Values {
		others := float32(0)
		for s, l := range logits {
			if Score(s) != score {
				others += l / (Scores - 1)
			}
		}
		out[i] = max(0, logits[score]-others)
		most = max(most, out[i])
	}
	if most > 0 {
		for i := range out {
			out[i] /= most
		}
	}
	return out
}

// At is the level, 0 to 255, at a place of the picture, between the middles of the map's places;
// x and y go from 0, left and top, to 1.
func (h *Heat) At(x, y float64) float64 {
	fx, fy := max(0, min(float64(h.W-1), x*float64(h.W)-0.5)), max(0, min(float64(h.H-1), y*float64(h.H)-0.5))
	left, top := int(fx), int(fy)
	level := func(i, j int) float64 { return float64(h.Levels[min(j, h.H-1)*h.W+min(i, h.W-1)]) }
	tx, ty := fx-float64(left), fy-float64(top)
	above := level(left, top)*(1-tx) + level(left+1, top)*tx
	below := level(left, top+1)*(1-tx) + level(left+1, top+1)*tx
	return above*(1-ty) + below*ty
}
