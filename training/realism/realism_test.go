package realism

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"
)

// speckled is a picture of noise of one grain inside a triangle.
func speckled(grain int, level float64, seed uint64) *image.Gray {
	r := rand.New(rand.NewPCG(seed, 1))
	p := image.NewGray(image.Rect(0, 0, 128, 128))
	for y := range 128 {
		for x := 0; x < 128; x += grain {
			v := uint8(min(255, max(2, 255*level*(1+0.5*r.NormFloat64()))))
			for k := x; k < min(128, x+grain); k++ {
				if dx := k - 64; dx < y/2 && -dx < y/2 {
					p.Pix[y*128+k] = v
				}
			}
		}
	}
	return p
}

// The statistics see grain, brightness and shape for what they are.
func TestMeasure(t *testing.T) {
	names := map[string]int{}
	for i, n := range Names() {
		names[n] = i
	}
	fine, coarse, bright := Measure(speckled(1, 0.3, 1)), Measure(speckled(6, 0.3, 1)), Measure(speckled(1, 0.6, 1))
	if len(fine) != len(names) {
		t.Fatalf("%d values of %d statistics", len(fine), len(names))
	}
	if c, f := coarse[names["lateral grain"]], fine[names["lateral grain"]]; c < 2*f {
		t.Errorf("grains of 6 and 1 pixels measure %v and %v", c, f)
	}
	if a, b := coarse[names["axial grain"]], fine[names["axial grain"]]; math.Abs(a-b) > 0.3 {
		t.Errorf("lateral grain changes the axial one from %v to %v", b, a)
	}
	if m := bright[names["mean level"]]; m < 1.5*fine[names["mean level"]] {
		t.Errorf("mean levels %v and %v", m, fine[names["mean level"]])
	}
	if share := fine[names["lit share"]]; math.Abs(share-0.5) > 0.03 {
		t.Errorf("half of the picture is lit, measured %v", share)
	}
	for i, v := range Measure(image.NewGray(image.Rect(0, 0, 40, 40))) {
		if v != 0 {
			t.Errorf("%s of a black picture is %v", Names()[i], v)
		}
	}
}

// The classifier tells different pictures apart and, on groups it has not seen, is at
// chance where there is nothing to tell.
func TestClassify(t *testing.T) {
	rows := func(grain int, from uint64) (out [][]float64, groups []string) {
		for i := range uint64(60) {
			out = append(out, Measure(speckled(grain, 0.3+0.002*float64(i), from+i)))
			groups = append(groups, fmt.Sprint(i/5))
		}
		return out, groups
	}
	a, ga := rows(1, 100)
	same, gs := rows(1, 900)
	other, gOther := rows(3, 500)
	if acc := Classify(a, other, ga, gOther, 4); acc < 0.95 {
		t.Errorf("pictures of another grain are told with %v", acc)
	}
	if acc := Classify(a, same, ga, gs, 4); acc < 0.3 || acc > 0.7 {
		t.Errorf("pictures of one kind are told with %v", acc)
	}
	for _, d := range Compare(a, other) {
		if d.Name == "lateral grain" && d.Distance < 0.9 || d.Name == "lit share" && d.Distance > 0.5 {
			t.Errorf("%+v", d)
		}
	}
}
