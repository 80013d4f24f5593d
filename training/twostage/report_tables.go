package twostage

import (
	"fmt"
	"strconv"
	"strings"

	"lungbox/ensemble"
	"lungbox/training/report"
	"lungbox/training/split"
)

// readersTable is the double-blind scoring: who gave which score, and what was
// discarded.
func (r *Run) readersTable() report.Table {
	t := report.Table{
		Title: "The two readers",
		Note: fmt.Sprintf("Rows are reader A's scores, columns reader B's. %d pictures were discarded because the readers differ, %d because nobody has scored them.",
			r.pack.Differing, r.pack.Unscored),
		Head: []string{"", "B: 0", "B: 1", "B: 2", "B: 3"},
	}
	for a, row := range r.pack.Readers {
		cells := []string{fmt.Sprintf("A: %d", a)}
		for _, n := range row {
			cells = append(cells, strconv.Itoa(n))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// splitTable counts the parts.
func (r *Run) splitTable() report.Table {
	t := report.Table{
		Title: "Parts",
		Note:  fmt.Sprintf("Divided by %s; test patients were taken off before anything was trained. Spare are the test patients' pictures beyond the wanted number; nothing uses them.", r.Preset.Split.Group),
		Head:  []string{"", "patients", "score 0", "score 1", "score 2", "score 3", "pictures"},
	}
	parts := []string{split.Test, split.Spare, split.Validation}
	for k := range r.Preset.Split.Folds {
		parts = append(parts, split.FoldName(k))
	}
	for _, part := range parts {
		pictures := r.where(part)
		if len(pictures) == 0 {
			continue
		}
		var counts [ensemble.Scores]int
		for _, p := range pictures {
			counts[p.Score]++
		}
		name := part
		if k, ok := strings.CutPrefix(part, "fold"); ok {
			if n, err := strconv.Atoi(k); err == nil {
				name = fmt.Sprintf("fold %d", n+1) // as everywhere for people
			}
		}
		row := []string{name, strconv.Itoa(patients(pictures))}
		for _, n := range counts {
			row = append(row, strconv.Itoa(n))
		}
		t.Rows = append(t.Rows, append(row, strconv.Itoa(len(pictures))))
	}
	return t
}
