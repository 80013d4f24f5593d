package panel

import (
	"errors"

	"lungbox/ensemble"
)

// Lamps are what is lit. The zero value is dark.
type Lamps struct {
	Score [ensemble.Scores]bool `json:"score"` // lamps 0 to 3
	Live  bool                  `json:"live"`
}

// Bar lights the live lamp and the score lamps 0 to s; none of them for
// [ensemble.None].
func Bar(s ensemble.Score) Lamps {
	l := Lamps{Live: true}
	for i := range l.Score {
		l.Score[i] = ensemble.Score(i) <= s
	}
	return l
}

// String draws the lamps for logs and test failures, e.g. "●●○○ live".
func (l Lamps) String() string {
	text := ""
	for _, lit := range l.Score {
		if lit {
			text += "●"
		} else {
			text += "○"
		}
	}
	if l.Live {
		return text + " live"
	}
	return text + " –"
}

// ErrClosed is returned by Show after Close.
var ErrClosed = errors.New("panel: driver is closed")

// Driver makes lamps light. One goroutine uses it. The paneltest package has the
// suite that every driver passes.
type Driver interface {
	// Show lights exactly these lamps and returns when they are lit, or an error
	// within a second: a driver that waits for ever leaves an old score burning.
	// A lamp that is lit before and after stays lit in between. Show of what is
	// shown already repairs lamps that lost their state. After an error the lamps
	// may be in any state, and Show may be called again.
	Show(l Lamps) error
	// Close darkens all lamps and releases the hardware. Called twice it does
	// nothing more.
	Close() error
}
