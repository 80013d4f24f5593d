package wire

import (
	"encoding/json"
	"fmt"
	"time"
)

// Status is what a box is now, as JSON: retained, and its last will.
type Status struct {
	// Boot is random for every start of the program and Connection counts from 1 in it:
	// a will that comes late, of a connection that is not the newest, says nothing.
	Boot       string    `json:"boot"`
	Connection uint64    `json:"connection"`
	Online     bool      `json:"online"`
	Time       time.Time `json:"time"`

	Version string `json:"version,omitempty"` // of lungbox
	Release string `json:"release,omitempty"` // that scores
	State   string `json:"state,omitempty"`   // running, no-signal, …
	Detail  string `json:"detail,omitempty"`
	Notice  string `json:"notice,omitempty"` // what somebody should look at
	Scheme  string `json:"scheme,omitempty"` // of zones
	Demo    bool   `json:"demo,omitempty"`   // the release is the demo release

	Epoch   string `json:"epoch,omitempty"`
	Last    uint64 `json:"last"`    // number of the newest result
	Waiting uint64 `json:"waiting"` // results that the centre has not acknowledged

	Update *Update `json:"update,omitempty"` // nil: nothing has been desired yet
}

// Update is how far a box is with the release that it is to run.
type Update struct {
	Generation uint64 `json:"generation"` // that was desired
	Release    string `json:"release"`    // its name
	// Step is waiting, downloading, trying, installed, refused or rolled-back.
	Step   string  `json:"step"`
	Reason string  `json:"reason,omitempty"` // for refused and rolled-back, and why it waits
	Done   float64 `json:"done,omitempty"`   // share of the download
	// Scored, Disagreed and NoConsensus count frames with votes since the release was
	// installed.
	Scored      uint64 `json:"scored"`
	Disagreed   uint64 `json:"disagreed"`
	NoConsensus uint64 `json:"no_consensus"`
}

// Encode writes it as it travels.
func (s Status) Encode() []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain values
	}
	return text
}

// DecodeStatus reads a status.
func DecodeStatus(message []byte) (s Status, err error) {
	if len(message) > 16<<10 {
		return s, fmt.Errorf("state: %d bytes", len(message))
	}
	if err := json.Unmarshal(message, &s); err != nil {
		return s, fmt.Errorf("state: %w", err)
	}
	if s.Epoch != "" && !epochs(s.Epoch) {
		return s, fmt.Errorf("state: epoch %.80q", s.Epoch)
	}
	return s, nil
}

// Wish is the release that a box is to run, as JSON on down/desired. It is a hint: what
// is signed decides.
type Wish struct {
	Generation uint64 `json:"generation"`
	Release    string `json:"release"` // name; "" for whatever is newest
}

// Encode writes it as it travels.
func (w Wish) Encode() []byte {
	text, err := json.Marshal(w)
	if err != nil {
		panic(err) // plain values
	}
	return text
}
