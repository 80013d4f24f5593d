package twostage

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"lungbox/ensemble"
	"lungbox/training/selection"
	"lungbox/training/split"
)

// Truth tells how selection did where the true scores are known: in simulated datasets.
type Truth struct {
	Wrong        int     // training pictures on which both readers agree on a wrong score
	Right        int     // the others
	RemovedWrong float64 // share of the wrong ones that selection removed
	KeptRight    float64 // share of the right ones that it kept
	// Accuracy against the true scores of the test pictures:
	Readers    float64 // of the readers' common score
	Vote       float64 // of the vote, with selection
	Best       float64 // of the single net that agrees best with the readers
	Unselected float64 // of the vote without selection; NaN without an ablation
}

// Truth compares a run with truth.jsonl of its dataset. Without one the result is nil.
func (r *Run) Truth() (*Truth, error) {
	truth, err := readTruth(filepath.Join(r.State.Data, "truth.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	verdicts, err := selection.ReadTable(r.path(SelectionFile))
	if err != nil {
		return nil, err
	}
	t, removed, kept := &Truth{}, 0, 0
	for _, v := range verdicts {
		switch {
		case truth[v.File] != v.Given:
			t.Wrong++
			if !v.Kept {
				removed++
			}
		default:
			t.Right++
			if v.Kept {
				kept++
			}
		}
	}
	t.RemovedWrong, t.KeptRight = float64(removed)/float64(max(1, t.Wrong)), float64(kept)/float64(max(1, t.Right))
	test := r.where(split.Test)
	share := func(score func(i int) int) (right float64) {
		for i, p := range test {
			if score(i) == truth[p.File] {
				right += 1 / float64(len(test))
			}
		}
		return right
	}
	a, err := r.arm(Selected)
	if err != nil {
		return nil, err
	}
	t.Readers = share(func(i int) int { return a.samples[i].Truth })
	t.Vote = share(func(i int) int { return int(ensemble.Decide(a.samples[i].Votes).Score) })
	best := -1.0
	for net := range a.samples[0].Votes {
		agree := 0.0
		for _, s := range a.samples {
			if int(s.Votes[net].Score) == s.Truth {
				agree++
			}
		}
		if agree > best {
			best, t.Best = agree, share(func(i int) int { return int(a.samples[i].Votes[net].Score) })
		}
	}
	t.Unselected = math.NaN()
	if r.Preset.Evaluate.Ablation {
		if a, err = r.arm(Unselected); err != nil {
			return nil, err
		}
		t.Unselected = share(func(i int) int { return int(ensemble.Decide(a.samples[i].Votes).Score) })
	}
	return t, nil
}

// readTruth reads the true scores by file.
func readTruth(path string) (map[string]int, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	out := map[string]int{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var line struct {
			File  string
			Truth struct{ Score int }
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out[line.File] = line.Truth.Score
	}
	return out, lines.Err()
}
