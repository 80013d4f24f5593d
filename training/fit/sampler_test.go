package fit

import (
	"image"
	"math"
	"testing"

	"lungbox/training/dataset"
)

// The sampler draws pools by share, scores and clips evenly, and the same again.
func TestSampler(t *testing.T) {
	many := pictures(100, "p1")
	few := []dataset.Picture{}
	for i, p := range pictures(8, "p2") {
		if i%4 < 2 {
			few = append(few, p)
		}
	}
	s, err := newSampler(3, []Pool{{"many", 1, many}, {"few", 3, few}})
	if err != nil {
		t.Fatal(err)
	}
	isFew := map[*image.Gray]bool{}
	for _, p := range few {
		isFew[p.Image] = true
	}
	const n = 8000
	fromFew, scores := 0, [4]int{}
	for k := range uint64(n) {
		picture, score, _ := s.draw(k)
		again, _, _ := s.draw(k)
		if picture != again {
			t.Fatal("the same draw gave another picture")
		}
		if isFew[picture] {
			fromFew++
		} else {
			scores[score]++
		}
	}
	if share := float64(fromFew) / n; math.Abs(share-0.75) > 0.03 {
		t.Errorf("share of the second pool %v, want 0.75", share)
	}
	for score, k := range scores {
		if math.Abs(float64(k)/float64(n-fromFew)-0.25) > 0.04 {
			t.Errorf("score %d: %d of %d draws", score, k, n-fromFew)
		}
	}
}
