package calibrate

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"

	"lungbox/ensemble"
)

// honest draws logits whose softmax is the chance of the score that is drawn.
func honest(n int, r *rand.Rand) (logits [][ensemble.Scores]float32, truth []int) {
	for range n {
		var l [ensemble.Scores]float32
		for s := range l {
			l[s] = float32(2 * r.NormFloat64())
		}
		total := 0.0
		for _, v := range l {
			total += math.Exp(float64(v))
		}
		x, score := r.Float64()*total, 0
		for x -= math.Exp(float64(l[0])); x > 0 && score < 3; x -= math.Exp(float64(l[score])) {
			score++
		}
		logits, truth = append(logits, l), append(truth, score)
	}
	return logits, truth
}

// Logits that were stretched by a factor get it back as their temperature.
func TestTemperature(t *testing.T) {
	logits, truth := honest(20000, rand.New(rand.NewPCG(1, 2)))
	for _, factor := range []float64{0.5, 1, 3} {
		stretched := make([][ensemble.Scores]float32, len(logits))
		for i, l := range logits {
			for s, v := range l {
				stretched[i][s] = float32(factor) * v
			}
		}
		got, err := Temperature(stretched, truth)
		if err != nil || math.Abs(got/factor-1) > 0.03 {
			t.Errorf("stretched by %v: temperature %v (%v)", factor, got, err)
		}
		// No nearby temperature is better.
		for _, near := range []float64{0.98, 1.02} {
			if NLL(stretched, truth, got) > NLL(stretched, truth, got*near) {
				t.Errorf("stretched by %v: %v is better than %v", factor, got*near, got)
			}
		}
	}
	if _, err := Temperature(logits[:19], truth[:19]); err == nil {
		t.Error("19 pictures were enough")
	}
	if _, err := Temperature(logits[:50], make([]int, 50)); err == nil {
		t.Error("pictures of one score were enough")
	}
	// A net that is always right could be ever surer: the search ends at its limit.
	var sure [][ensemble.Scores]float32
	var scores []int
	for i := range 40 {
		var l [ensemble.Scores]float32
		l[i%4] = 5
		sure, scores = append(sure, l), append(scores, i%4)
	}
	if got, err := Temperature(sure, scores); err != nil || got > 1.01*Coldest {
		t.Errorf("a net that is always right: %v (%v)", got, err)
	}
}

// A table that can be counted by hand.
func TestReliabilityByHand(t *testing.T) {
	confidence := []float64{0.95, 0.85, 0.9, 0.3, 1}
	right := []bool{true, false, true, false, true}
	bins := Reliability(confidence, right, 2)
	if bins[0] != (Bin{0.3, 0, 1}) || bins[1].Count != 4 || math.Abs(bins[1].Confidence-0.925) > 1e-12 || bins[1].Accuracy != 0.75 {
		t.Errorf("%+v", bins)
	}
	if got, want := ECE(confidence, right, 2), (1*0.3+4*0.175)/5; math.Abs(got-want) > 1e-12 {
		t.Errorf("ECE %v, want %v", got, want)
	}
	if ECE(nil, nil, 10) != 0 {
		t.Error("the error of nothing is not 0")
	}
}

// Pictures like the training are near, others far, whichever feature tells.
func TestFeatures(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const length = 40
	draw := func(score int, offset float64) []float32 {
		row := make([]float32, length)
		for k := range row {
			row[k] = float32(r.NormFloat64()*(1+float64(k%3)) + offset)
		}
		row[score] += 10
		row[length-1] = 0 // never fires
		return row
	}
	var rows [][]float32
	var scores []int
	for i := range 2000 {
		rows, scores = append(rows, draw(i%3, 0)), append(scores, i%3) // score 3 does not occur
	}
	f, err := FitFeatures(rows, scores)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back ensemble.Features
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	var near []float64
	for i := range 500 {
		near = append(near, back.Distance(draw(i%3, 0)))
	}
	threshold := Threshold(near, 0.99)
	beyond := 0
	for _, d := range near {
		if d > threshold {
			beyond++
		}
	}
	if beyond != 5 {
		t.Errorf("%d of 500 lie beyond the threshold of 99 %%", beyond)
	}
	for i := range 100 {
		if d := back.Distance(draw(i%3, 6)); d <= threshold {
			t.Fatalf("a strange picture at %v, threshold %v", d, threshold)
		}
	}
	odd := draw(0, 0)
	odd[length-1] = 40
	if d := back.Distance(odd); d <= threshold || math.IsInf(d, 0) {
		t.Errorf("a feature that never fired: distance %v, threshold %v", d, threshold)
	}
	for _, bad := range [][][]float32{nil, {{1, 2}, {1}}, {{1, 1}, {1, 1}}} {
		if _, err := FitFeatures(bad, make([]int, len(bad))); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	if !math.IsNaN(Threshold(nil, 0.9)) {
		t.Error("a threshold of nothing")
	}
}
