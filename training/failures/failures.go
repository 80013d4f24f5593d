// Package failures shows where a cross-validation was wrong: the clips whose vote is not the
// readers' score, with the frame that was wrong most surely.
package failures

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"lungbox/ensemble"
	"lungbox/sync/atomicfile"
	"lungbox/training/dataset"
	"lungbox/training/evaluate"
	"lungbox/training/split"
)

// Verdict is what the vote said of one picture that no net had seen.
type Verdict struct {
	File       string // in the dataset
	Frame      int    // -1 when the file holds one picture only
	Clip       string
	Patient    string
	Source     string // who published it
	Score      int    // the readers'
	Vote       ensemble.Score
	Confidence float64 // of the vote, 0 to 1
}

// File is the name of the table of verdicts of a cross-validation that left out groups.
func File(group string) string { return fmt.Sprintf("verdicts-%s.csv", group) }

var columns = []string{"file", "frame", "clip", "patient", "source", "score", "vote", "confidence"}

// Write writes a table of verdicts; a vote without a score is empty.
func Write(path string, verdicts []Verdict) error {
	var text bytes.Buffer
	table := csv.NewWriter(&text)
	table.Write(columns)
	for _, v := range verdicts {
		vote := ""
		if v.Vote != ensemble.None {
			vote = strconv.Itoa(int(v.Vote))
		}
		table.Write([]string{
			v.File, split.FormatFrame(v.Frame), v.Clip, v.Patient, v.Source, strconv.Itoa(v.Score), vote,
			strconv.FormatFloat(v.Confidence, 'f', 3, 64),
		})
	}
	table.Flush()
	if err := table.Error(); err != nil {
		return err
	}
	return atomicfile.Write(path, text.Bytes())
}

// Read reads a table of verdicts from the folder of a cross-validation.
func Read(dir, group string) ([]Verdict, error) {
	path := filepath.Join(dir, File(group))
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: want the folder of lungtrain crossvalidate --group %s", err, group)
	}
	defer file.Close()
	verdicts, err := dataset.ReadTable(file, columns, parse)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return verdicts, nil
}

func parse(fields []string) (Verdict, error) {
	v := Verdict{File: fields[0], Frame: -1, Clip: fields[2], Patient: fields[3], Source: fields[4], Vote: ensemble.None}
	var err error
	if fields[1] != "" {
		if v.Frame, err = strconv.Atoi(fields[1]); err != nil {
			return v, fmt.Errorf("frame %q: want a number", fields[1])
		}
	}
	if v.Score, err = dataset.ParseScore(fields[5]); err != nil {
		return v, err
	}
	if fields[6] != "" {
		vote, err := dataset.ParseScore(fields[6])
		if err != nil {
			return v, err
		}
		v.Vote = ensemble.Score(vote)
	}
	if v.Confidence, err = strconv.ParseFloat(fields[7], 64); err != nil || !(v.Confidence >= 0 && v.Confidence <= 1) {
		return v, fmt.Errorf("confidence %q: want 0 to 1", fields[7])
	}
	return v, nil
}

// Failure is a clip whose vote is not the readers' score.
type Failure struct {
	Verdict         // of the frame that was wrong most surely
	Votes   [4]int  // frames of the clip with each score
	None    int     // frames without one
	Off     float64 // mean distance of the votes from the readers' score
}

// Find lists the clips whose most common vote is another score than the readers', the worst
// first, and counts all clips.
func Find(verdicts []Verdict) (wrong []Failure, clips int) {
	type key struct{ patient, clip string }
	byClip := map[key][]Verdict{}
	var order []key
	for _, v := range verdicts {
		k := key{v.Patient, v.Clip}
		if byClip[k] == nil {
			order = append(order, k)
		}
		byClip[k] = append(byClip[k], v)
	}
	for _, k := range order {
		f := Failure{}
		for _, v := range byClip[k] {
			if v.Vote == ensemble.None {
				f.None++
				continue
			}
			f.Votes[v.Vote]++
			f.Off += float64(max(int(v.Vote)-v.Score, v.Score-int(v.Vote)))
		}
		f.Off /= float64(max(1, len(byClip[k])-f.None))
		common := evaluate.Common(f.Votes)
		if common == ensemble.None || int(common) == byClip[k][0].Score {
			continue
		}
		f.Confidence = -1
		for _, v := range byClip[k] {
			if v.Vote == common && v.Confidence > f.Confidence {
				f.Verdict = v
			}
		}
		wrong = append(wrong, f)
	}
	slices.SortStableFunc(wrong, func(a, b Failure) int { return cmp.Compare(b.Off, a.Off) })
	return wrong, len(order)
}
