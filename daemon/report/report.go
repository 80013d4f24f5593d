// Package report tells of one exam in the forms that a hospital keeps: a DICOM structured report,
// secondary captures of the best frames, a PDF (plain or in a DICOM file) and a table.
package report

import (
	"crypto/sha256"
	"image"
	"math/big"
	"strings"
	"time"

	"lungbox/daemon/exam"
	"lungbox/ensemble"
	"lungbox/sync/journal"
)

// NotADiagnosis stands on everything that is made here.
const NotADiagnosis = "AI score, not a diagnosis. For research; not a medical device."

// Simulated stands on everything that comes of simulated pictures or of the demo release.
const Simulated = "SIMULATED DATA OR DEMO RELEASE: not of use for any patient"

// Exam is all that a report tells.
type Exam struct {
	journal.Exam
	Protocol  exam.Protocol
	Clips     []Clip
	Device    string   // name of the box
	Version   string   // of lungbox
	Releases  []string // of the nets that scored, each once
	Simulated bool
	Language  string // of the PDF: one of Languages; "" for English
}

// Clip is one clip with what is shown of it.
type Clip struct {
	journal.Clip
	Picture *image.Gray // best frame; nil: there is none
	Writing bool        // something that looks like letters is on it
}

// Counts is the score that counts: what a person said, or else the vote.
func (c Clip) Counts() ensemble.Score {
	if c.Human != nil {
		return c.Human.Score
	}
	return c.Score
}

// Discarded says that a person said the clip does not count.
func (c Clip) Discarded() bool { return c.Human != nil && c.Human.Discard }

// Complete says that no zone is missing.
func (e Exam) Complete() bool { return e.Protocol.Missing == 0 }

// Of are the clips of a zone.
func (e Exam) Of(zone string) (out []Clip) {
	for _, c := range e.Clips {
		if c.Zone == zone {
			out = append(out, c)
		}
	}
	return out
}

// patient is the name and number that DICOM files bear: the pseudonym, or one that says nothing.
func (e Exam) patient() string {
	label := strings.Map(func(r rune) rune {
		switch r {
		case '\\', '^', '=': // separate values, parts and forms of a name (PS3.5 6.2)
			return '-'
		}
		return r
	}, strings.TrimSpace(e.Label))
	if label == "" {
		return "lungbox-" + e.ID[:min(12, len(e.ID))]
	}
	return label
}

// over is when the exam ended; for one that was cut off, when its last clip did.
func (e Exam) over() time.Time {
	if !e.Ended.IsZero() {
		return e.Ended
	}
	last := e.Started
	for _, c := range e.Clips {
		if c.Ended.After(last) {
			last = c.Ended
		}
	}
	return last
}

// uid names something for good: the same words have the same name, others another. It is a UUID
// as PS3.5 B.2 has it (2.25.), of the kind that is made by the maker's own rule (RFC 9562 5.8).
func uid(words ...string) string {
	sum := sha256.Sum256([]byte("lungbox report\x00" + strings.Join(words, "\x00")))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return "2.25." + new(big.Int).SetBytes(sum[:16]).String()
}
