package report

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"

	"lungbox/ensemble"
	"lungbox/sync/spreadsheet"
)

// Table writes the exam as CSV: a line for each clip, and for each zone that is missing.
func (e Exam) Table(w io.Writer) error {
	table := csv.NewWriter(w)
	rows := [][]string{{"exam", "pseudonym", "scheme", "begun", "zone", "clip", "recorded", "score", "ai_score", "human_score", "discarded", "reason", "frames", "frames_scored", "best_result", "release", "simulated"}}
	row := func(zone string, rest ...string) {
		rows = append(rows, append([]string{e.ID, spreadsheet.Cell(e.Label), e.Scheme, e.Started.UTC().Format(time.RFC3339), zone}, rest...))
	}
	for _, z := range e.Protocol.Zones {
		clips := e.Of(z.Name)
		for _, c := range clips {
			human, reason := "", ""
			if h := c.Human; h != nil {
				reason = spreadsheet.Cell(h.Reason)
				if !h.Discard {
					human = cell(h.Score)
				}
			}
			row(z.Name, strconv.Itoa(c.Number), c.Started.UTC().Format(time.RFC3339), cell(c.Counts()), cell(c.Score), human, strconv.FormatBool(c.Discarded()), reason,
				strconv.Itoa(c.Frames), strconv.Itoa(c.Scored), strconv.FormatUint(c.Best, 10), spreadsheet.Cell(c.Release), strconv.FormatBool(e.Simulated))
		}
		if len(clips) == 0 {
			row(z.Name, "", "", "", "", "", "", "", "", "", "", "", strconv.FormatBool(e.Simulated))
		}
	}
	return table.WriteAll(rows)
}

// cell is a score, "" for none: never 0.
func cell(s ensemble.Score) string {
	if s == ensemble.None {
		return ""
	}
	return strconv.Itoa(int(s))
}
