package store

import (
	"fmt"
	"slices"
	"strings"

	"lungbox/sync/wire"
)

// ranges are numbers that are here: in order, apart from each other by one at least.
type ranges []wire.Range

func parseRanges(text string) (out ranges, err error) {
	if text == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		var r wire.Range
		if _, err := fmt.Sscanf(part, "%d-%d", &r[0], &r[1]); err != nil {
			return nil, fmt.Errorf("ranges %.80q: %w", text, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// String is the form that parseRanges reads.
func (r ranges) String() string {
	parts := make([]string, len(r))
	for i, p := range r {
		parts[i] = fmt.Sprintf("%d-%d", p[0], p[1])
	}
	return strings.Join(parts, ",")
}

// find is the place of the first range that ends at or after n.
func (r ranges) find(n uint64) int {
	i, _ := slices.BinarySearchFunc(r, n, func(p wire.Range, n uint64) int {
		if p[1] < n {
			return -1
		}
		return 1
	})
	return i
}

func (r ranges) has(n uint64) bool {
	i := r.find(n)
	return i < len(r) && r[i][0] <= n
}

// add puts a number in.
func (r ranges) add(n uint64) ranges {
	i := r.find(n)
	if i < len(r) && r[i][0] <= n {
		return r
	}
	before, after := i > 0 && r[i-1][1]+1 == n, i < len(r) && n+1 == r[i][0]
	switch {
	case before && after:
		r[i-1][1] = r[i][1]
		return slices.Delete(r, i, i+1)
	case before:
		r[i-1][1] = n
	case after:
		r[i][0] = n
	default:
		return slices.Insert(r, i, wire.Range{n, n})
	}
	return r
}

// acked says how it is told to a box: all up to a mark but gaps. The mark is lowered when
// there are more gaps than a message holds.
func (r ranges) acked() (upto uint64, gaps []wire.Range) {
	next := uint64(1)
	for _, p := range r {
		if p[0] > next {
			if len(gaps) == wire.MaxGaps {
				break
			}
			gaps = append(gaps, wire.Range{next, p[0] - 1})
		}
		upto, next = p[1], p[1]+1
	}
	return upto, gaps
}
