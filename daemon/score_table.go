package main

import (
	"bufio"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"lungbox/daemon/exam"
	"lungbox/ensemble"
)

// summary gathers the decisions of one file.
type summary struct {
	frames     int
	scores     []ensemble.Score
	counts     [ensemble.Scores]int
	unscored   map[ensemble.Reason]int
	confidence float64
	ms         float64
	simulated  bool
}

func (s *summary) add(d ensemble.Decision, simulated bool) {
	s.frames++
	s.scores = append(s.scores, d.Score)
	s.simulated = s.simulated || simulated
	for _, v := range d.Votes {
		s.ms += v.Ms
	}
	if d.Score == ensemble.None {
		if s.unscored == nil {
			s.unscored = map[ensemble.Reason]int{}
		}
		s.unscored[d.Reason]++
		return
	}
	s.counts[d.Score]++
	s.confidence += d.Confidence
}

func (s *summary) scored() int { return s.counts[0] + s.counts[1] + s.counts[2] + s.counts[3] }

// table prints a line for each file as soon as it is done.
type table struct {
	out    *bufio.Writer
	name   int // width of the first column
	headed bool
}

func newTable(out *bufio.Writer, files []string) *table {
	t := &table{out: out, name: len("file")}
	for _, path := range files {
		t.name = max(t.name, utf8.RuneCountInString(path))
	}
	return t
}

func (t *table) row(path string, s summary, rule exam.Rule) {
	if !t.headed {
		t.headed = true
		fmt.Fprintf(t.out, "%-*s  score  conf.  frames     0     1     2     3  ms/frame  without a score\n", t.name, "file")
	}
	confidence := "    –"
	if n := s.scored(); n > 0 {
		confidence = fmt.Sprintf("%3.0f %%", 100*s.confidence/float64(n))
	}
	var notes []string
	for _, reason := range slices.Sorted(maps.Keys(s.unscored)) {
		notes = append(notes, fmt.Sprintf("%d %s", s.unscored[reason], reason))
	}
	if s.simulated {
		notes = append(notes, "SIMULATED")
	}
	line := fmt.Sprintf("%-*s  %5s  %5s  %6d %5d %5d %5d %5d  %8.1f  %s", t.name, path, rule.Clip(s.scores), confidence, s.frames,
		s.counts[0], s.counts[1], s.counts[2], s.counts[3], s.ms/float64(s.frames), strings.Join(notes, ", "))
	fmt.Fprintln(t.out, strings.TrimRight(line, " "))
}
