package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Range is the numbers from First to Last, both included.
type Range [2]uint64

// Acked says what the centre has committed of one epoch of a box. It is JSON on the wire.
type Acked struct {
	Epoch string `json:"epoch"`
	// Upto is the high-water mark: every result up to it but those in Gaps is committed.
	Upto uint64  `json:"upto"`
	Gaps []Range `json:"gaps,omitempty"` // in order, at most MaxGaps
	// Events and Audit are the numbers up to which it has events and audit entries.
	Events int64 `json:"events"`
	Audit  int64 `json:"audit"`
	// Whole says that the centre has nothing of this epoch beyond this: what a box
	// believed to be there and is not must be sent again, after the centre lost a disk.
	Whole bool `json:"whole,omitempty"`
}

// MaxGaps bounds an acknowledgement; a mark is lowered until no more gaps are left.
const MaxGaps = 64

// Encode writes it as it travels.
func (a Acked) Encode() []byte {
	text, err := json.Marshal(a)
	if err != nil {
		panic(err) // plain values
	}
	return text
}

// DecodeAck reads an acknowledgement.
func DecodeAck(message []byte) (a Acked, err error) {
	if err := json.Unmarshal(message, &a); err != nil {
		return a, fmt.Errorf("acknowledgement: %w", err)
	}
	last := uint64(0)
	for _, g := range a.Gaps {
		if g[0] <= last && last > 0 || g[0] == 0 || g[1] < g[0] || g[1] > a.Upto {
			return a, errors.New("acknowledgement: its gaps are in no order")
		}
		last = g[1]
	}
	if len(a.Gaps) > MaxGaps || !epochs(a.Epoch) {
		return a, errors.New("acknowledgement: too many gaps, or no epoch")
	}
	return a, nil
}
