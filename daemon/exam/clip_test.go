package exam

import (
	"testing"

	"lungbox/ensemble"
)

func TestClip(t *testing.T) {
	const n = ensemble.None
	for _, c := range []struct {
		frames                []ensemble.Score
		contiguous, max, mode ensemble.Score
	}{
		{nil, n, n, n},
		{[]ensemble.Score{n, n}, n, n, n},
		{[]ensemble.Score{2}, 2, 2, 2},
		{[]ensemble.Score{1, 2}, n, 2, 2},
		{[]ensemble.Score{1, 1, 1, 3, 3, 1}, 1, 3, 1},
		{[]ensemble.Score{1, 1, 1, 3, n, 3, 3, 1, 1}, 3, 3, 1},
		{[]ensemble.Score{0, 0, 0, 2, 1, 2, 1, 2}, 0, 2, 2},
		{[]ensemble.Score{0, 1, 2, 3}, n, 3, 3},
	} {
		if got := Contiguous.Clip(c.frames); got != c.contiguous {
			t.Errorf("contiguous %v: %v, want %v", c.frames, got, c.contiguous)
		}
		if got := Max.Clip(c.frames); got != c.max {
			t.Errorf("max %v: %v, want %v", c.frames, got, c.max)
		}
		if got := Mode.Clip(c.frames); got != c.mode {
			t.Errorf("mode %v: %v, want %v", c.frames, got, c.mode)
		}
	}
	if _, err := ParseRule("median"); err == nil {
		t.Error("an unknown rule was accepted")
	}
}
