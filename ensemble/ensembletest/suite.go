package ensembletest

import (
	"context"
	"errors"
	"image"
	"image/draw"
	"testing"

	"lungbox/ensemble"
	"lungbox/ensemble/arch"
)

// Tolerance is how far an engine's float32 logits may be from PyTorch's, relative
// to the largest logit: rounding in another order of summation stays far below it,
// a wrong padding or epsilon does not.
const Tolerance = 1e-3

// Open makes the engine under test, in float32, with the given members.
type Open func(t *testing.T, members []ensemble.Member) ensemble.Engine

// Run checks everything that an engine promises.
func Run(t *testing.T, open Open) {
	t.Run("parity", func(t *testing.T) { parity(t, open) })
	t.Run("fine", func(t *testing.T) { fine(t, open) })
	t.Run("contract", func(t *testing.T) { contract(t, open) })
}

// parity compares the full-width nets with PyTorch, one at a time: VGG-19 alone
// takes over a gigabyte.
func parity(t *testing.T, open Open) {
	for _, name := range arch.Names() {
		bySide := map[int][]Case{}
		for _, c := range Reference(t) {
			bySide[c.Side] = append(bySide[c.Side], c)
		}
		for side, cases := range bySide {
			engine := open(t, []ensemble.Member{FormulaMember(name, side)})
			head, err := ensemble.NewHead(FormulaMember(name, side).Net, FormulaMember(name, side).Weights)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				out, err := engine.Logits(t.Context(), Picture(c.Width, c.Height), []int{0})
				if err != nil {
					t.Fatal(err)
				}
				exact(t, name, head, out[0])
				r := Relative(out[0].Logits, c.Logits[name])
				t.Logf("%s, %d×%d to %d: relative difference %.1e", name, c.Width, c.Height, side, r)
				if r > Tolerance {
					t.Errorf("%s on %d×%d: logits %v, PyTorch gave %v", name, c.Width, c.Height, out[0].Logits, c.Logits[name])
				}
			}
			if err := engine.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// fine compares the full-width nets with stride 16 with PyTorch's, on the smaller inputs.
func fine(t *testing.T, open Open) {
	compared := 0
	for _, c := range Reference(t) {
		if c.Side > 128 {
			continue
		}
		for name, want := range c.Fine {
			config := arch.Full(name)
			config.Input, config.Stride = c.Side, 16
			m := formulaMember(config)
			engine := open(t, []ensemble.Member{m})
			head, err := ensemble.NewHead(m.Net, m.Weights)
			if err != nil {
				t.Fatal(err)
			}
			out, err := engine.Logits(t.Context(), Picture(c.Width, c.Height), []int{0})
			if err != nil {
				t.Fatal(err)
			}
			exact(t, name, head, out[0])
			if r := Relative(out[0].Logits, want); r > Tolerance {
				t.Errorf("%s with stride 16 on %d×%d: logits %v, PyTorch gave %v", name, c.Width, c.Height, out[0].Logits, want)
			}
			compared++
			if err := engine.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if compared != 4 {
		t.Errorf("%d nets compared, want 4", compared)
	}
}

// exact checks that the class activation maps average to the logits, as they do when the
// features are those that the last layer got.
func exact(t *testing.T, name string, head *ensemble.Head, out ensemble.Output) {
	t.Helper()
	if (head == nil) != (out.Features == nil) {
		t.Errorf("%s gives %d features, and its last layer is %v", name, len(out.Features), head)
		return
	}
	if head == nil {
		return
	}
	m := head.Map(out.Features)
	var mean [ensemble.Scores]float64
	for _, place := range m.Values {
		for s, v := range place {
			mean[s] += float64(v) / float64(len(m.Values))
		}
	}
	if r := Relative(out.Logits, mean); r > Tolerance {
		t.Errorf("%s: the maps' means are %v, the logits %v", name, mean, out.Logits)
	}
}

// contract checks what does not depend on the size of the nets, on small ones.
func contract(t *testing.T, open Open) {
	var members []ensemble.Member
	for i, name := range arch.Names() {
		members = append(members, smallMember(name, 96+16*i)) // inputs of different sizes
	}
	engine := open(t, members)
	defer engine.Close()
	picture := Picture(160, 120)
	all, err := engine.Logits(t.Context(), picture, []int{0, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range members {
		head, err := ensemble.NewHead(m.Net, m.Weights)
		if err != nil {
			t.Fatal(err)
		}
		exact(t, m.Net.Arch, head, all[i])
		alone, err := engine.Logits(t.Context(), picture, []int{i})
		if err != nil {
			t.Fatal(err)
		}
		if alone[0].Logits != all[i].Logits {
			t.Errorf("%s alone gives %v, with the others %v", m.Net.Arch, alone[0].Logits, all[i].Logits)
		}
	}
	swapped, err := engine.Logits(t.Context(), picture, []int{2, 0})
	if err != nil {
		t.Fatal(err)
	}
	if swapped[0].Logits != all[2].Logits || swapped[1].Logits != all[0].Logits {
		t.Error("outputs are not in the order asked for")
	}
	// A crop that is a window into a larger picture, as capture may hand it over.
	canvas := image.NewGray(image.Rect(0, 0, 200, 200))
	window := canvas.SubImage(image.Rect(20, 30, 180, 150)).(*image.Gray)
	draw.Draw(window, window.Rect, picture, image.Point{}, draw.Src)
	inside, err := engine.Logits(t.Context(), window, []int{0})
	if err != nil {
		t.Fatal(err)
	}
	if inside[0].Logits != all[0].Logits {
		t.Error("a window into a picture gives another result than the same pixels alone")
	}
	if other, _ := engine.Logits(t.Context(), image.NewGray(image.Rect(0, 0, 160, 120)), []int{0}); other[0].Logits == all[0].Logits {
		t.Error("a black picture gives the same logits: the input does not reach the net")
	}
	if info := engine.Info(); info.Engine == "" || info.Device == "" || info.Precision == "" {
		t.Errorf("info %+v leaves something out", info)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := engine.Logits(ended, picture, []int{0}); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context ended: %v", err)
	}
	for range 2 {
		if err := engine.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if _, err := engine.Logits(t.Context(), picture, []int{0}); !errors.Is(err, ensemble.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

func smallMember(name string, side int) ensemble.Member {
	return formulaMember(arch.Config{Arch: name, Width: 0.25, Input: side, Classes: ensemble.Scores})
}
