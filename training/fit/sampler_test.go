package fit

import (
	"image"
	"math"
	"slices"
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
	s, err := newSampler(3, Balanced, []Pool{{"many", 1, many}, {"few", 3, few}})
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
		drawn, _ := s.draw(k)
		again, _ := s.draw(k)
		picture, score := drawn.Image, drawn.Score
		if picture != again.Image {
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

// Shuffled sampling takes every picture once in an epoch, in another order each time,
// whoever asks first.
func TestShuffledSampler(t *testing.T) {
	all := pictures(37, "p1")
	s, err := newSampler(3, Shuffled, []Pool{{"all", 1, all}})
	if err != nil {
		t.Fatal(err)
	}
	var epochs [3][]*image.Gray
	for k := range uint64(3 * 37) {
		picture, _ := s.draw(k)
		epochs[k/37] = append(epochs[k/37], picture.Image)
	}
	for e, order := range epochs {
		seen := map[*image.Gray]bool{}
		for _, p := range order {
			seen[p] = true
		}
		if len(seen) != 37 {
			t.Errorf("epoch %d took %d of 37 pictures", e, len(seen))
		}
	}
	if slices.Equal(epochs[0], epochs[1]) {
		t.Error("two epochs have one order")
	}
	back, err := newSampler(3, Shuffled, []Pool{{"all", 1, all}})
	if err != nil {
		t.Fatal(err)
	}
	for k := 3*37 - 1; k >= 0; k-- {
		if picture, _ := back.draw(uint64(k)); picture.Image != epochs[k/37][k%37] {
			t.Fatalf("draw %d depends on what was drawn before", k)
		}
	}
}

// Rare scores weigh more; all pictures together weigh as much as before.
func TestClassWeights(t *testing.T) {
	var some []dataset.Picture
	for score, n := range [4]int{30, 10, 0, 20} {
		for range n {
			some = append(some, dataset.Picture{Score: score})
		}
	}
	w := classWeights([]Pool{{"some", 1, some}})
	sum := 30*w[0] + 10*w[1] + 20*w[3]
	if math.Abs(float64(sum)-60) > 1e-4 || w[1] != 3*w[0] || w[2] != 0 {
		t.Errorf("weights %v", w)
	}
}

// By sources, a hospital with many clips of a score is drawn no more often than one with
// a single clip.
func TestSamplerBySources(t *testing.T) {
	all := pictures(80, "many")
	for i := range all {
		all[i].Source = "A Hospital, clip"
	}
	few := pictures(4, "few")
	for i := range few {
		few[i].Source = "https://b.org/page"
	}
	s, err := newSampler(3, Sources, []Pool{{"all", 1, append(all, few...)}})
	if err != nil {
		t.Fatal(err)
	}
	const n = 4000
	fromFew := 0
	for k := range uint64(n) {
		if drawn, _ := s.draw(k); drawn.Patient == "few" {
			fromFew++
		}
	}
	if share := float64(fromFew) / n; math.Abs(share-0.5) > 0.04 {
		t.Errorf("the source with few clips has a share of %v, want 0.5", share)
	}
}
