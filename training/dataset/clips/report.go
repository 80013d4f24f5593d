package clips

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lungbox/capture"
)

// Report says what an import took and what it left.
type Report struct {
	Clips, Pictures, Patients int // taken
	ByScore                   [4]int
	NoScore                   int // pictures taken without a score
	TestPictures              int
	Beyond                    int // single pictures left out: near to another of their loop, or more than Options.Most
	Agreement                 Agreement
	// Warnings and Skipped are the set's, and the files that could not be read.
	Warnings []string
	Skipped  []Skipped

	Differing []Clip // left out because the two readers differ
	Unscored  []Clip // left out because nobody has scored them
	Empty     []Clip // left out because none of their frames can be scored
	// Unfit counts frames that were passed over, by the reason why they cannot be
	// scored.
	Unfit map[capture.Unfit]int
	// TestEmpty holds the test patients all of whose clips were left out.
	TestEmpty []string
}

// String returns the report in lines for people, each ended by a line break.
func (r *Report) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "took %d pictures from %d clips of %d patients; by score:", r.Pictures, r.Clips, r.Patients)
	for score, n := range r.ByScore {
		fmt.Fprintf(&text, "  %d: %d", score, n)
	}
	if r.NoScore > 0 {
		fmt.Fprintf(&text, "  none: %d", r.NoScore)
	}
	fmt.Fprintln(&text)
	if r.TestPictures > 0 {
		fmt.Fprintf(&text, "%d of the pictures are for the test\n", r.TestPictures)
	}
	for _, c := range r.Differing {
		fmt.Fprintf(&text, "left out %s: the readers differ (%d and %d)\n", c.File, c.ReaderA, c.ReaderB)
	}
	for _, c := range r.Unscored {
		fmt.Fprintf(&text, "left out %s: nobody has scored it\n", c.File)
	}
	for _, c := range r.Empty {
		fmt.Fprintf(&text, "left out %s: none of its frames can be scored\n", c.File)
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Unfit)) {
		fmt.Fprintf(&text, "passed over %d frames that cannot be scored (%s)\n", r.Unfit[reason], reason)
	}
	for _, patient := range r.TestEmpty {
		fmt.Fprintf(&text, "test patient %s has no picture: all clips were left out\n", patient)
	}
	if r.Beyond > 0 {
		fmt.Fprintf(&text, "left out %d single pictures: too near to another of their loop, beyond --most, or not to be scored\n", r.Beyond)
	}
	text.WriteString(r.Agreement.String())
	for _, w := range r.Warnings {
		fmt.Fprintf(&text, "WARNING: %s\n", w)
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(&text, "skipped %v\n", s)
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintf(&text, "WARNING: %d files were SKIPPED because they cannot be read (listed above); --strict makes that an error\n", len(r.Skipped))
	}
	return text.String()
}

// String names the file and the reason.
func (s Skipped) String() string {
	if text := s.Err.Error(); strings.Contains(text, s.File) {
		return text
	}
	return fmt.Sprintf("%s: %v", s.File, s.Err)
}
