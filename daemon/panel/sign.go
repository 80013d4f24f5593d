package panel

import (
	"errors"

	"lungbox/ensemble"
)

// Sign is what a display shows that has room for one sign and not for five lamps.
type Sign string

// Signs. A score is shown as its digit, "0" to "3".
const (
	Blank Sign = ""  // the lamps are dark: nothing to trust
	Dash  Sign = "-" // live, but no score
	Eight Sign = "8" // first half of the lamp test: every segment lit
)

// ErrNoSign is returned by Show of a display for lamps that stand for nothing, such
// as a bar with a gap. The display is then blank. The [Indicator] has no such lamps.
var ErrNoSign = errors.New("panel: these lamps stand for nothing, so the display is blank")

// SignOf is the sign for these lamps, [Blank] and false if they stand for nothing.
func SignOf(l Lamps) (Sign, bool) {
	switch l {
	case Lamps{}:
		return Blank, true
	case Bar(ensemble.None):
		return Dash, true
	case Lamps{Score: Bar(ensemble.Scores - 1).Score}:
		return Eight, true
	}
	for s := range ensemble.Score(ensemble.Scores) {
		if l == Bar(s) {
			return Sign('0' + rune(s)), true
		}
	}
	return Blank, false
}
