package selection

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"

	"lungbox/training/dataset"
)

var tableColumns = []string{"file", "frame", "patient", "fold", "given", "predicted", "p0", "p1", "p2", "p3", "margin", "kept", "label", "why"}

// Table is the verdicts as CSV, one row for each training picture.
func Table(verdicts []Verdict) []byte {
	var text bytes.Buffer
	table := csv.NewWriter(&text)
	table.Write(tableColumns)
	for _, v := range verdicts {
		frame := ""
		if v.Frame >= 0 {
			frame = strconv.Itoa(v.Frame)
		}
		row := []string{v.File, frame, v.Patient, strconv.Itoa(v.Fold), strconv.Itoa(v.Given), strconv.Itoa(v.Predicted())}
		for _, p := range v.Probs {
			row = append(row, strconv.FormatFloat(p, 'g', 9, 64))
		}
		kept := "no"
		if v.Kept {
			kept = "yes"
		}
		table.Write(append(row, strconv.FormatFloat(v.Margin(), 'f', 6, 64), kept, strconv.Itoa(v.Label), v.Why))
	}
	table.Flush()
	return text.Bytes()
}

// ReadTable reads verdicts that Table wrote.
func ReadTable(path string) ([]Verdict, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	verdicts, err := dataset.ReadTable(file, tableColumns, parseVerdict)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return verdicts, nil
}

func parseVerdict(fields []string) (v Verdict, err error) {
	v.File, v.Frame, v.Patient, v.Why = fields[0], -1, fields[2], fields[13]
	v.Kept = fields[11] == "yes"
	if fields[1] != "" {
		if v.Frame, err = strconv.Atoi(fields[1]); err != nil {
			return v, err
		}
	}
	if v.Fold, err = strconv.Atoi(fields[3]); err != nil {
		return v, err
	}
	if v.Given, err = dataset.ParseScore(fields[4]); err != nil {
		return v, err
	}
	if v.Label, err = dataset.ParseScore(fields[12]); err != nil {
		return v, err
	}
	for s := range v.Probs {
		if v.Probs[s], err = strconv.ParseFloat(fields[6+s], 64); err != nil {
			return v, err
		}
	}
	return v, nil
}

// Summary counts verdicts as the paper's Table 4 does.
type Summary struct {
	Folds   []Fold      `json:"folds"`
	Given   [Scores]int `json:"given"`
	Kept    [Scores]int `json:"kept"` // by label
	Removed [Scores]int `json:"removed"`
	Capped  [Scores]int `json:"capped"`
	Decided int         `json:"decided"` // by a person
}

// Fold is one column of Table 4.
type Fold struct {
	Given   [Scores]int `json:"given"`
	Correct [Scores]int `json:"correct"` // the net that had not seen them agrees
}

// Summarise counts verdicts.
func Summarise(verdicts []Verdict) Summary {
	var s Summary
	for _, v := range verdicts {
		for len(s.Folds) <= v.Fold {
			s.Folds = append(s.Folds, Fold{})
		}
		fold := &s.Folds[v.Fold]
		fold.Given[v.Given]++
		s.Given[v.Given]++
		if v.Predicted() == v.Given {
			fold.Correct[v.Given]++
		}
		switch {
		case v.Kept:
			s.Kept[v.Label]++
		default:
			s.Removed[v.Given]++
		}
		if v.Why == Capped {
			s.Capped[v.Given]++
		}
		if v.Why == Person {
			s.Decided++
		}
	}
	return s
}

// String is the summary as the paper's Table 4, for people.
func (s Summary) String() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "correct\t")
	for k := range s.Folds {
		fmt.Fprintf(table, "fold %d\t", k+1)
	}
	fmt.Fprintln(table, "given\tkept\tremoved\t")
	var given, kept, removed int
	sums := make([]int, len(s.Folds))
	for score := range Scores {
		fmt.Fprintf(table, "score %d\t", score)
		for k, f := range s.Folds {
			fmt.Fprintf(table, "%d\t", f.Correct[score])
			sums[k] += f.Correct[score]
		}
		fmt.Fprintf(table, "%d\t%d\t%d\t\n", s.Given[score], s.Kept[score], s.Removed[score])
		given, kept, removed = given+s.Given[score], kept+s.Kept[score], removed+s.Removed[score]
	}
	fmt.Fprint(table, "sum\t")
	for _, n := range sums {
		fmt.Fprintf(table, "%d\t", n)
	}
	fmt.Fprintf(table, "%d\t%d\t%d\t\n", given, kept, removed)
	table.Flush()
	return text.String()
}
