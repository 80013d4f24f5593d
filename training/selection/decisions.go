package selection

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"lungbox/training/dataset"
)

// DecisionsFile is the usual name of a table of decisions.
const DecisionsFile = "decisions.csv"

// Actions of a decision.
const (
	Keep    = "keep"
	Drop    = "drop"
	Relabel = "relabel"
)

var decisionColumns = []string{"file", "frame", "decision", "score", "note"}

// Decision is what a person says about a picture: one row of
//
//	file,frame,decision,score,note
//
// with a score only for relabel. The contact sheet writes such tables.
type Decision struct {
	File  string
	Frame int // -1 when the file holds one picture
	Do    string
	Score int // of Relabel
	Note  string
}

// ReadDecisions reads a table of decisions; a file that is not there holds none.
func ReadDecisions(path string) ([]Decision, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	seen := map[key]bool{}
	decisions, err := dataset.ReadTable(file, decisionColumns, func(fields []string) (Decision, error) {
		d, err := parseDecision(fields)
		if err == nil && seen[d.key()] {
			err = fmt.Errorf("a second decision on %s", d.File)
		}
		seen[d.key()] = true
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return decisions, nil
}

func parseDecision(fields []string) (Decision, error) {
	d := Decision{File: fields[0], Frame: -1, Do: fields[2], Score: dataset.Unscored, Note: fields[4]}
	if fields[1] != "" {
		n, err := strconv.Atoi(fields[1])
		if err != nil || n < 0 {
			return d, fmt.Errorf("frame %q: want a number from 0", fields[1])
		}
		d.Frame = n
	}
	var err error
	if d.Score, err = dataset.ParseScore(fields[3]); err != nil {
		return d, err
	}
	switch {
	case d.Do != Keep && d.Do != Drop && d.Do != Relabel:
		return d, fmt.Errorf("decision %q: want %s, %s or %s", d.Do, Keep, Drop, Relabel)
	case d.Do == Relabel && d.Score == dataset.Unscored:
		return d, errors.New("relabel without a score")
	}
	return d, nil
}

// key tells pictures apart.
type key struct {
	file  string
	frame int
}

func (d Decision) key() key { return key{d.File, d.Frame} }
func (j Judged) key() key   { return key{j.File, j.Frame} }

// decide applies a person's decisions.
func decide(verdicts []Verdict, decisions []Decision) error {
	at := make(map[key]int, len(verdicts))
	for i, v := range verdicts {
		at[v.key()] = i
	}
	for _, d := range decisions {
		i, ok := at[d.key()]
		if !ok {
			return fmt.Errorf("decision on %s: it is no training picture of this run (test pictures are never filtered): remove the row", d.File)
		}
		v := &verdicts[i]
		v.Kept, v.Why = d.Do != Drop, Person
		if d.Do == Relabel {
			v.Label = d.Score
		}
	}
	return nil
}
