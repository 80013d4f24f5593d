package pipeline

import (
	"image"
	"time"

	"lungbox/ensemble"
)

// State is what the whole loop is doing; [Event].Detail says more in words.
type State string

// States.
const (
	Starting State = "starting"  // no frame judged yet, or no engine yet
	Running  State = "running"   // frames come and are judged
	NoSignal State = "no-signal" // the source failed or delivers nothing
	Ended    State = "ended"     // the source gave its last frame
	// Fault: the engine cannot go on, or results cannot be recorded. Frames are
	// still taken; a new engine or a recorder that works again ends it.
	Fault State = "fault"
)

// About describes what scores, for people. It is worth no decision.
type About struct {
	Release string `json:"release"` // name of the release, e.g. "2026.11.23-1"
	Engine  string `json:"engine"`  // engine and device, e.g. "LiteRT, 2 threads, lazy vote"
	// Demo says why the scores of this release must not be believed, e.g. "small
	// nets, trained partly on simulated pictures"; empty for a real release.
	Demo string `json:"demo"`
}

// Engine is a release that is ready to score.
type Engine struct {
	Scorer ensemble.Scorer
	About
}

// Event is what a subscriber gets: one judged frame, or, without a result, the
// state alone. Events are shared between subscribers: nobody may change what
// Result, Picture, Heat and Counters.Reasons point to.
type Event struct {
	Time   time.Time // when it was published
	State  State
	Detail string // one line, e.g. why there is no signal; "" while Running
	About  About

	// Result is nil in an event that reports the state alone. A result has been
	// recorded before anybody sees it.
	Result *ensemble.Result
	// Picture is the masked crop that Result was made from; nil where the source
	// had none.
	Picture *image.Gray
	// Heat says where in Picture the score comes from; nil when no net can say.
	Heat *ensemble.Heat
	// Taken is when the source delivered that picture. How old a score is counts
	// from here, not from Time: an engine may have been slow.
	Taken time.Time

	Counters Counters
}

// Counters are totals since the start and rates over the last [Window].
type Counters struct {
	In      uint64 `json:"in"`      // frames that the source delivered
	Judged  uint64 `json:"judged"`  // of these, frames with a recorded result
	Scored  uint64 `json:"scored"`  // of these, results with a score 0 to 3
	Dropped uint64 `json:"dropped"` // frames overtaken by a newer one before an engine was free
	Failed  uint64 `json:"failed"`  // frames lost to an engine that gave up or a recorder that failed

	Reasons map[ensemble.Reason]uint64 `json:"reasons"` // Judged, by reason

	InRate     float64 `json:"in_rate"`     // frames per second delivered
	JudgedRate float64 `json:"judged_rate"` // frames per second judged

	// Time from the source's delivery of a frame to its recorded result: the median
	// and the longest over the window, in milliseconds; 0 when nothing was judged.
	LatencyMs    float64 `json:"latency_ms"`
	LatencyMaxMs float64 `json:"latency_max_ms"`
}
