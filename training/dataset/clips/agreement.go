package clips

import (
	"fmt"
	"math"
	"strings"

	"lungbox/training/dataset"
)

// Agreement counts what two readers gave independently of each other (paper, section
// 2.4): clips by the score of reader A, then of reader B.
type Agreement struct {
	Clips    [4][4]int
	Pictures [4][4]int // taken, so on the diagonal only: discarded clips are not decoded
}

func (a *Agreement) add(c Clip, pictures int) {
	if c.ReaderA == dataset.Unscored || c.ReaderB == dataset.Unscored {
		return
	}
	a.Clips[c.ReaderA][c.ReaderB]++
	a.Pictures[c.ReaderA][c.ReaderB] += pictures
}

// Counts are the clips that both have scored: on which they agree, and all.
func (a *Agreement) Counts() (agreed, all int) {
	for i, row := range a.Clips {
		agreed += row[i]
		for _, n := range row {
			all += n
		}
	}
	return agreed, all
}

// Kappa is Cohen's (Educational and Psychological Measurement 20, 1960, page 37): the
// agreement beyond chance, 1 for complete. It is not a number where there is nothing
// that both have scored, or where chance alone makes them agree.
func (a *Agreement) Kappa() float64 {
	agreed, all := a.Counts()
	chance := 0.0
	for i := range a.Clips {
		byA, byB := 0, 0
		for j := range a.Clips {
			byA += a.Clips[i][j]
			byB += a.Clips[j][i]
		}
		chance += float64(byA) * float64(byB)
	}
	n := float64(all)
	return (float64(agreed)/n - chance/(n*n)) / (1 - chance/(n*n))
}

// String is the table for people; "" when no clip has two scores.
func (a *Agreement) String() string {
	agreed, all := a.Counts()
	if all == 0 {
		return ""
	}
	var text strings.Builder
	fmt.Fprintf(&text, "two readers: clips (pictures taken), discarded where they differ\n")
	fmt.Fprintf(&text, "%10s %12s %12s %12s %12s\n", "A \\ B", "0", "1", "2", "3")
	for i, row := range a.Clips {
		fmt.Fprintf(&text, "%10d", i)
		for j, n := range row {
			cell := fmt.Sprint(n)
			if i == j {
				cell = fmt.Sprintf("%d (%d)", n, a.Pictures[i][j])
			}
			fmt.Fprintf(&text, " %12s", cell)
		}
		fmt.Fprintln(&text)
	}
	fmt.Fprintf(&text, "agreed on %d of %d clips, discarded %d; ", agreed, all, all-agreed)
	if kappa := a.Kappa(); math.IsNaN(kappa) {
		fmt.Fprintln(&text, "Cohen's kappa is not defined: both gave one score only")
	} else {
		fmt.Fprintf(&text, "Cohen's kappa %.2f\n", kappa)
	}
	return text.String()
}
