package panel

import (
	"time"

	"lungbox/ensemble"
)

// State says what the panel is showing, or why it shows no score.
type State string

// States. The first five have the live lamp lit.
const (
	Scoring     State = "scoring"      // frames get scores; without a score yet, they do not agree
	NoConsensus State = "no-consensus" // the nets differ and none is sure
	PoorImage   State = "poor-image"   // too dark or too faint to score
	NotLung     State = "not-lung"     // no ultrasound picture in the frame
	Frozen      State = "frozen"       // the picture has stopped moving

	Stale    State = "stale"     // no fresh frame has been judged lately
	NoSignal State = "no-signal" // the source delivers nothing
	Fault    State = "fault"     // the engine or the recording has failed
	Updating State = "updating"  // the box is busy installing; it does not score
	LampTest State = "lamp-test" // at start
)

// live says whether the picture that comes now is being judged.
func (s State) live() bool {
	switch s {
	case Scoring, NoConsensus, PoorImage, NotLung, Frozen:
		return true
	}
	return false
}

// stateOf is the state that a frame's reason stands for.
func stateOf(r ensemble.Reason) State {
	switch r {
	case ensemble.Majority, ensemble.Confidence:
		return Scoring
	case ensemble.NoConsensus:
		return NoConsensus
	case ensemble.PoorImage:
		return PoorImage
	case ensemble.NotLung:
		return NotLung
	case ensemble.Frozen:
		return Frozen
	}
	return Fault // engine, and whatever a later version may invent
}

// Reading is what the panel shows.
type Reading struct {
	Score ensemble.Score `json:"score"`
	State State          `json:"state"`
	Lamps Lamps          `json:"lamps"`
}

func dark(s State) Reading { return Reading{Score: ensemble.None, State: s} }

// Rules say when the reading changes.
type Rules struct {
	// Agree is how many frames in a row must say the same before it is shown.
	// 0 means 3.
	Agree int
	// Fade is how long a score is shown after the last frame that supported it.
	// 0 means 2 s.
	Fade time.Duration
	// Test is how long the lamp test at start takes. 0 means 2 s, negative none.
	Test time.Duration
}

// Indicator decides what is shown. It has no clock and no goroutine: times come in,
// and a reading at a later time may be darker without anything else having
// happened. Times must not run backwards.
//
// A score appears, and changes, when Agree frames in a row give it. It disappears
// when Agree frames in a row give none, for whatever reasons; or Fade after the last
// frame that gave this very score was taken, even if other frames go on coming. So a
// single odd frame changes nothing, and no score outlives its evidence. The reason
// for having no score follows the same rules.
type Indicator struct {
	rules    Rules
	began    time.Time
	scene    [4]string
	blocked  State // NoSignal or Fault, "" while frames are being judged
	updating bool

	shown    verdict
	support  time.Time // when the newest frame that gave shown was taken
	newest   time.Time // when the newest judged frame was taken
	run      verdict   // what the last frames agree on
	runs     int       // how many they are
	unscored int       // how many of the last frames in a row had no score
}

// verdict is what one frame says.
type verdict struct {
	score ensemble.Score
	state State
}

var unsettled = verdict{ensemble.None, Scoring}

// NewIndicator starts with the lamp test.
func NewIndicator(r Rules, start time.Time) *Indicator {
	if r.Agree <= 0 {
		r.Agree = 3
	}
	if r.Fade == 0 {
		r.Fade = 2 * time.Second
	}
	if r.Test == 0 {
		r.Test = 2 * time.Second
	}
	return &Indicator{rules: r, began: start, shown: unsettled}
}

// Frame takes in a judged frame. taken is when the source delivered its picture; a
// frame that is older than Fade already is no evidence of anything, nor is one that
// comes while the indicator is blocked.
func (i *Indicator) Frame(score ensemble.Score, reason ensemble.Reason, taken, now time.Time) {
	if taken.After(now) {
		taken = now // a clock that was set; not older is all we know
	}
	if i.blocked != "" || i.updating || now.Sub(taken) >= i.rules.Fade {
		return
	}
	i.fade(now)
	i.newest = taken
	v := verdict{score, stateOf(reason)}
	if v != i.run {
		i.run, i.runs = v, 0
	}
	i.runs++
	i.unscored++
	if score != ensemble.None {
		i.unscored = 0
	}
	if i.runs >= i.rules.Agree || i.unscored >= i.rules.Agree && i.shown.score != ensemble.None {
		i.shown = v
	}
	if v == i.shown {
		i.support = taken
	}
}

// Scene says what the next frame is of. Another exam, zone, clip or file makes the
// indicator forget: no score of one patient or place stays lit over the picture of
// another.
func (i *Indicator) Scene(exam, zone, clip, file string) {
	if next := [4]string{exam, zone, clip, file}; next != i.scene {
		i.scene = next
		i.forget()
	}
}

// Block says that nothing is being judged, because of s: [NoSignal] or [Fault]. The
// score goes dark at once. An empty s ends it; frames must then agree anew.
func (i *Indicator) Block(s State) {
	i.blocked = s
	if s != "" {
		i.forget()
	}
}

// Updating says that the box is busy installing and does not score, or no longer.
func (i *Indicator) Updating(on bool) {
	i.updating = on
	if on {
		i.forget()
	}
}

func (i *Indicator) forget() {
	i.shown, i.run, i.runs, i.unscored, i.newest = unsettled, verdict{}, 0, 0, time.Time{}
}

// fade drops what is too old at now.
func (i *Indicator) fade(now time.Time) {
	if now.Sub(i.newest) >= i.rules.Fade {
		i.forget()
	}
	if now.Sub(i.support) >= i.rules.Fade {
		i.shown = unsettled
	}
}

// Read is what is to be shown at now.
func (i *Indicator) Read(now time.Time) Reading {
	i.fade(now)
	switch tested := now.Sub(i.began); {
	case tested < i.rules.Test/2:
		r := dark(LampTest)
		r.Lamps.Score = [ensemble.Scores]bool{true, true, true, true}
		return r
	case tested < i.rules.Test:
		r := dark(LampTest)
		r.Lamps.Live = true
		return r
	case i.blocked == Fault:
		return dark(Fault)
	case i.updating:
		return dark(Updating)
	case i.blocked != "":
		return dark(i.blocked)
	case i.newest.IsZero():
		return dark(Stale)
	case !i.shown.state.live():
		return dark(i.shown.state)
	}
	return Reading{i.shown.score, i.shown.state, Bar(i.shown.score)}
}
