//go:build tensorflow

package main

import (
	"math"
	"path/filepath"
	"testing"
)

// The two engines give the same probabilities in float32 on real frames, through the
// whole program.
func TestBothEnginesScoreAlike(t *testing.T) {
	arguments := []string{"score", "--json", "--every", "10", "--vote", "full", "--precision", "float32", "--engine"}
	lite, _, first := run(t, append(arguments, "litert", whiteLung)...)
	tensor, complaint, second := run(t, append(arguments, "tensorflow", whiteLung)...)
	if first != 0 || second != 0 {
		t.Fatalf("exit codes %d and %d: %s", first, second, complaint)
	}
	want, got := results(t, lite)[filepath.Base(whiteLung)], results(t, tensor)[filepath.Base(whiteLung)]
	if len(want) != 13 || len(got) != len(want) {
		t.Fatalf("%d and %d results", len(want), len(got))
	}
	for i := range want {
		if len(want[i].Votes) != 3 || len(got[i].Votes) != 3 || got[i].Score != want[i].Score {
			t.Fatalf("frame %d: %+v, with LiteRT %+v", want[i].Frame, got[i], want[i])
		}
		for k, vote := range want[i].Votes {
			for s, p := range vote.Probs {
				if off := math.Abs(got[i].Votes[k].Probs[s] - p); off > 1e-3 { // the suite's tolerance
					t.Errorf("frame %d, %s, score %d: %v, with LiteRT %v", want[i].Frame, vote.Net, s, got[i].Votes[k].Probs[s], p)
				}
			}
		}
	}
}
