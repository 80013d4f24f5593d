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

// read asks the source for frames and passes them on until it ends, fails for good
// or ctx ends. It closes out when it is done.
func (c *Config) read(ctx context.Context, out chan<- arrival) {
	defer close(out)
	for {
		frame, err := c.Source.Next(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil && frame == nil {
			err = errors.New("source returned neither a frame nor an error")
		}
		a := arrival{frame: frame, err: err, taken: c.Now()}
		if c.Place != nil {
			a.place = c.Place()
		}
		if err == nil && !frame.Time.IsZero() {
			a.taken = frame.Time
		}
		select {
		case out <- a:
		case <-ctx.Done():
			return
		}
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) || c.RetrySource <= 0 {
			return
		}
		select {
		case <-time.After(c.RetrySource):
		case <-ctx.Done():
			return
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
	for j := range in {
		o := outcome{job: j}
		decision, err := j.engine.Scorer.Score(ctx, j.frame)
		if err != nil {
			o.scoring = err
		} else {
			o.result, o.heat = ensemble.NewResult(j.frame, decision, j.engine.Release), decision.Heat
			o.result.Device, o.result.Epoch, o.result.Seq = c.Device, c.Epoch, j.seq
			o.result.Exam, o.result.Zone, o.result.Scheme = j.place.Exam, j.place.Zone, j.place.Scheme
			o.result.Time = j.taken
			o.storing = c.Recorder.Record(ctx, o.result)
		}
		o.finished = c.Now()
		out <- o
	}
}
