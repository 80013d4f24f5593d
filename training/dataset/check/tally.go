package check

import (
	"maps"
	"slices"

	"lungbox/training/dataset"
)

// Counts are pictures by score; those without a common score come last.
type Counts struct {
	Score               [4]int
	Differing, Unscored int
	Patients            map[string]bool
}

// Line is one line of the table of counts, as JSON too.
type Line struct {
	Kind     string `json:"kind"`  // "counts"
	Group    string `json:"group"` // all, split, source or patient
	Name     string `json:"name,omitempty"`
	Scores   [4]int `json:"scores"` // pictures by score
	Differ   int    `json:"differing"`
	Unscored int    `json:"unscored"`
	People   int    `json:"patients"`
	Counts   Counts `json:"-"`
}

// Tally lists all counts: of everything, then of splits, sources and patients by name.
func (r *Report) Tally() []Line {
	lines := []Line{tally("all", "", &r.All)}
	for _, group := range []struct {
		name string
		of   map[string]*Counts
	}{{"split", r.Splits}, {"source", r.Sources}, {"patient", r.Patients}} {
		for _, name := range slices.Sorted(maps.Keys(group.of)) {
			if group.name != "split" || name != "" || len(group.of) > 1 {
				lines = append(lines, tally(group.name, name, group.of[name]))
			}
		}
	}
	return lines
}

func tally(group, name string, c *Counts) Line {
	return Line{
		Kind: "counts", Group: group, Name: name, Scores: c.Score,
		Differ: c.Differing, Unscored: c.Unscored, People: len(c.Patients), Counts: *c,
	}
}

// count fills in how many pictures there are of what.
func (r *Report) count(rows []dataset.Row) {
	r.All.Patients = map[string]bool{}
	of := func(in map[string]*Counts, name string) *Counts {
		if in[name] == nil {
			in[name] = &Counts{Patients: map[string]bool{}}
		}
		return in[name]
	}
	for _, row := range rows {
		score, ok := row.Label()
		for _, c := range []*Counts{&r.All, of(r.Splits, row.Split), of(r.Sources, row.Source), of(r.Patients, row.Patient)} {
			c.Patients[row.Patient] = true
			switch {
			case ok:
				c.Score[score]++
			case row.ReaderA == dataset.Unscored && row.ReaderB == dataset.Unscored:
				c.Unscored++
			default:
				c.Differing++
			}
		}
	}
	for score, n := range r.All.Score {
		if n == 0 {
			r.add(Class, 0, "", "no picture has score %d: the nets need all four", score)
		}
	}
}
