package pipeline

import (
	"context"
	"errors"
	"io"
	"time"

	"lungbox/capture"
	"lungbox/ensemble"
)

// arrival is what the source gave: a frame or an error.
type arrival struct {
	frame *capture.Frame
	taken time.Time
	place ensemble.Place // when it came
	err   error
}

// A source that has nothing is asked anew after probe: one that lives says at once that it
// was told to stop waiting, a hung one does not. grace is what it may take to say so, and
// reading of files, which is bounded elsewhere, may take fileGrace.
const (
	probe     = 15 * time.Second
	grace     = 5 * time.Second
	fileGrace = 5 * time.Minute
)

// ask asks the source for a frame for a while. A nil frame and no error say that it has none
// yet.
func (c *Config) ask(ctx context.Context) (*capture.Frame, error) {
	if c.EveryFrame {
		c.Reading(probe + fileGrace)
	} else {
		c.Reading(probe + grace)
	}
	asked, cancel := context.WithTimeout(ctx, probe)
	defer cancel()
	frame, err := c.Source.Next(asked)
	if frame == nil && err == nil {
		return nil, errors.New("source returned neither a frame nor an error")
	}
	if err != nil && ctx.Err() == nil && asked.Err() != nil && errors.Is(err, asked.Err()) {
		return nil, nil //nolint:nilnil // there is none yet, which is no error
	}
	return frame, err
}

// read asks the source for frames and passes them on until it ends, fails for good
// or ctx ends. It closes out when it is done.
func (c *Config) read(ctx context.Context, out chan<- arrival) {
	defer close(out)
	for {
		frame, err := c.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		if frame == nil && err == nil {
			continue
		}
		a := arrival{frame: frame, err: err, taken: c.Now()}
		if c.Place != nil {
			a.place = c.Place()
		}
		if err == nil && !frame.Time.IsZero() {
			a.taken = frame.Time
		}
		if !c.pass(ctx, a, out) {
			return
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) || c.RetrySource <= 0 {
			return
		}
		c.Reading(c.RetrySource + grace)
		select {
		case <-time.After(c.RetrySource):
		case <-ctx.Done():
			return
		}
	}
}

// pass waits until a is taken; false: ctx has ended.
func (c *Config) pass(ctx context.Context, a arrival, out chan<- arrival) bool {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		c.Reading(0)
		select {
		case out <- a:
			return true
		case <-ctx.Done():
			return false
		case <-ticks.C:
		}
	}
}

// job is one frame to score with one engine.
type job struct {
	arrival
	engine Engine
	seq    uint64
}

// outcome is a job that has been done. At most one of the errors is set.
type outcome struct {
	job
	result   ensemble.Result
	heat     *ensemble.Heat
	finished time.Time
	scoring  error // the engine cannot go on
	storing  error // the result could not be recorded
}

// work scores and records jobs until in is closed.
func (c *Config) work(ctx context.Context, in <-chan job, out chan<- outcome) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		c.Judging(0)
		var j job
		select {
		case <-ticks.C:
			continue
		case next, open := <-in:
			if !open {
				return
			}
			j = next
		}
		o := outcome{job: j}
		c.Judging(c.ScoreLimit)
		decision, err := j.engine.Scorer.Score(ctx, j.frame)
		if err != nil {
			o.scoring = err
		} else {
			o.result, o.heat = ensemble.NewResult(j.frame, decision, j.engine.Release), decision.Heat
			o.result.Device, o.result.Epoch, o.result.Seq = c.Device, c.Epoch, j.seq
			o.result.Exam, o.result.Zone, o.result.Scheme = j.place.Exam, j.place.Zone, j.place.Scheme
			o.result.Time = j.taken
			c.Judging(0)
			o.storing = c.Recorder.Record(ctx, o.result)
		}
		o.finished = c.Now()
		out <- o
	}
}
