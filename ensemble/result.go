package ensemble

import (
	"context"
	"time"

	"lungbox/capture"
)

// Result is one scored frame as it is printed, kept and sent: the JSON object of
// `lungbox score --json`, of the page's events and of MQTT.
type Result struct {
	Device     string    `json:"device"`
	Epoch      string    `json:"epoch"` // random per result store: (device, epoch, seq) names a result for ever
	Seq        uint64    `json:"seq"`
	Time       time.Time `json:"time"`
	Exam       string    `json:"exam"`
	Zone       string    `json:"zone"`
	Clip       string    `json:"clip"`
	File       string    `json:"file"`
	Frame      int       `json:"frame"` // number in the source, from 0
	Score      Score     `json:"score"` // 0 to 3 or null
	Reason     Reason    `json:"reason"`
	Confidence float64   `json:"confidence"`
	Votes      []Vote    `json:"votes"`   // never null
	Release    string    `json:"release"` // name of the release that scored
	Scheme     string    `json:"scheme"`  // zone scheme of the exam; "" outside one
	Simulated  bool      `json:"simulated"`
}

// Place is where in an examination a frame was taken; the zero value means outside one.
type Place struct {
	Exam, Zone string
	Scheme     string // of zones
}

// Scorer scores frames, one at a time. Score returns a Decision for every frame,
// including those that cannot be scored: an unfit frame's reason is passed on, an
// engine that failed gives EngineFault. An error means that the scorer as a whole
// cannot go on, or that the context has ended.
type Scorer interface {
	Score(ctx context.Context, frame *capture.Frame) (Decision, error)
}

// NewResult joins a frame and its decision. The caller fills in what only it
// knows: device, epoch, sequence, exam and zone.
func NewResult(f *capture.Frame, d Decision, release string) Result {
	votes := d.Votes
	if votes == nil {
		votes = []Vote{}
	}
	return Result{
		Time: f.Time, Clip: f.Clip, File: f.File, Frame: f.Index,
		Score: d.Score, Reason: d.Reason, Confidence: d.Confidence, Votes: votes,
		Release: release, Simulated: f.Simulated,
	}
}
