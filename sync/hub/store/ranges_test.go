package store

import (
	"math/rand/v2"
	"slices"
	"testing"

	"lungbox/sync/wire"
)

// Numbers in any order, some of them twice, are what a set of them would be.
func TestRanges(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 7))
	for range 300 {
		set := map[uint64]bool{}
		var r ranges
		for range random.IntN(200) {
			n := uint64(1 + random.IntN(250))
			set[n] = true
			r = r.add(n)
		}
		again, err := parseRanges(r.String())
		if err != nil || !slices.Equal(again, r) {
			t.Fatalf("%v reads back as %v, %v", r, again, err)
		}
		upto, gaps := r.acked()
		for n := uint64(1); n <= 251; n++ {
			if r.has(n) != set[n] {
				t.Fatalf("%v: %d is said to be %t", r, n, r.has(n))
			}
			inGap := slices.ContainsFunc(gaps, func(g wire.Range) bool { return n >= g[0] && n <= g[1] })
			if acked := n <= upto && !inGap; acked && !set[n] || !acked && set[n] && len(gaps) < wire.MaxGaps {
				t.Fatalf("%v: up to %d but %v: %d", r, upto, gaps, n)
			}
		}
		if len(gaps) > wire.MaxGaps {
			t.Fatalf("%d gaps", len(gaps))
		}
		for i := 1; i < len(r); i++ {
			if r[i][0] <= r[i-1][1]+1 {
				t.Fatalf("%v is not joined", r)
			}
		}
	}
	for _, bad := range []string{"x", "1-", "1-2,,", "-"} {
		if _, err := parseRanges(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
