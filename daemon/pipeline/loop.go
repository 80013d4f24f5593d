package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"lungbox/ensemble"
)

// Status events come at least this often, and the state is looked at this often.
const (
	heartbeat = time.Second
	glance    = 250 * time.Millisecond
)

// loop is the state that the owning goroutine has and nobody else sees.
type loop struct {
	*Pipeline
	engine  Engine
	seq     uint64
	waiting *arrival // the mailbox
	busy    bool     // a job is with the worker

	began, lastIn, lastOut time.Time // start, newest frame, newest event
	handed, freed          time.Time // when the worker got its last job, and was done with it
	state                  State
	detail                 string

	sourceEnded bool
	sourceErr   error // nil while frames come
	engineErr   error // the engine cannot go on
	storeErr    error // the last result was not recorded

	counters   Counters
	in, judged meter
}

func newLoop(p *Pipeline) *loop {
	c := &p.config
	return &loop{
		Pipeline: p, engine: c.Engine, seq: c.LastSeq, began: c.Now(),
		state: Starting, counters: Counters{Reasons: map[ensemble.Reason]uint64{}},
	}
}

func (l *loop) run(ctx context.Context) {
	arrivals, jobs, outcomes := make(chan arrival), make(chan job), make(chan outcome, 1)
	var stages sync.WaitGroup
	stages.Go(func() { l.config.read(ctx, arrivals) })
	stages.Go(func() { l.config.work(ctx, jobs, outcomes) })
	defer stages.Wait()
	defer close(jobs)

	ticks := time.NewTicker(glance)
	defer ticks.Stop()
	l.look()
	for {
		if !l.busy {
			l.next(jobs)
		}
		swaps := l.swaps
		if l.busy {
			swaps = nil // between two frames only
		}
		room := arrivals
		if l.config.EveryFrame && l.waiting != nil {
			room = nil
		}
		select {
		case <-ctx.Done():
			return
		case a, open := <-room:
			if open {
				l.arrived(a)
			} else {
				arrivals = nil
			}
		case o := <-outcomes:
			if ctx.Err() != nil {
				return // whatever it is, the end of ctx may have made it
			}
			l.finished(o)
		case s := <-swaps:
			l.swap(s)
		case <-ticks.C:
		}
		l.look()
	}
}

// next gives the idle worker the waiting frame. A swap that is wanted comes first:
// a stream of frames must not keep a new engine out.
func (l *loop) next(jobs chan<- job) {
	select {
	case s := <-l.swaps:
		l.swap(s)
	default:
	}
	if l.waiting == nil || !l.ready() {
		return
	}
	l.seq++
	jobs <- job{*l.waiting, l.engine, l.seq}
	l.waiting, l.busy, l.handed = nil, true, l.config.Now()
}

func (l *loop) ready() bool { return l.engine.Scorer != nil && l.engineErr == nil }

func (l *loop) swap(s swap) {
	s.old <- l.engine
	l.engine, l.engineErr = s.to, nil
}

// arrived puts a frame into the mailbox or notes why none came.
func (l *loop) arrived(a arrival) {
	switch {
	case errors.Is(a.err, io.EOF):
		l.sourceEnded = true
	case a.err != nil:
		l.sourceErr = a.err
	default:
		now := l.config.Now()
		l.sourceErr, l.lastIn = nil, now
		l.counters.In++
		l.in.add(now, 0)
		if l.waiting != nil {
			l.counters.Dropped++
		}
		l.waiting = &a
	}
}

// finished counts an outcome and publishes its result.
func (l *loop) finished(o outcome) {
	l.busy, l.freed = false, l.config.Now()
	l.engineErr, l.storeErr = o.scoring, o.storing
	if o.scoring != nil {
		l.seq-- // never left the loop, so no gap; a failed record may have reached the disk
	}
	if o.scoring != nil || o.storing != nil {
		l.counters.Failed++
		return // look tells everybody
	}
	l.counters.Judged++
	l.counters.Reasons[o.result.Reason]++
	if o.result.Score != ensemble.None {
		l.counters.Scored++
	}
	l.judged.add(o.finished, max(0, o.finished.Sub(o.taken)))
	l.state, l.detail = l.assess(l.config.Now())
	if l.state == Ended {
		l.state, l.detail = Running, "" // the end comes after the last result, not with it
	}
	l.publish(Event{Result: &o.result, Heat: o.heat, Picture: o.frame.Image, Taken: o.taken, About: o.engine.About})
}

// look publishes the state when it has changed, and once in a while when not.
func (l *loop) look() {
	now := l.config.Now()
	state, detail := l.assess(now)
	if state == l.state && detail == l.detail && now.Sub(l.lastOut) < heartbeat {
		return
	}
	l.state, l.detail = state, detail
	l.publish(Event{About: l.engine.About})
}

// assess says what the state is; the first thing that is wrong decides.
func (l *loop) assess(now time.Time) (State, string) {
	since := l.lastIn
	if since.IsZero() {
		since = l.began
	}
	if l.config.EveryFrame { // the source may have been waiting for the engine
		if l.busy || l.waiting != nil {
			since = now
		} else if l.freed.After(since) {
			since = l.freed
		}
	}
	switch {
	case l.engineErr != nil:
		return Fault, fmt.Sprintf("the engine cannot go on: %v", l.engineErr)
	case l.storeErr != nil:
		return Fault, fmt.Sprintf("results are not being recorded: %v", l.storeErr)
	case l.busy && now.Sub(l.handed) >= l.config.EngineTimeout:
		return Fault, fmt.Sprintf("the engine has not answered for %v", l.config.EngineTimeout)
	case l.sourceErr != nil:
		return NoSignal, fmt.Sprintf("the source failed: %v", l.sourceErr)
	case l.sourceEnded && !l.busy && (l.waiting == nil || !l.ready()):
		return Ended, "the source has no more frames"
	case !l.sourceEnded && now.Sub(since) >= l.config.SignalTimeout:
		return NoSignal, fmt.Sprintf("no frame for %v", l.config.SignalTimeout)
	case l.engine.Scorer == nil:
		return Starting, "waiting for the engine"
	case l.counters.Judged == 0:
		return Starting, "waiting for the first result"
	}
	return Running, ""
}

// publish fills in what every event has and sends it.
func (l *loop) publish(e Event) {
	now := l.config.Now()
	l.lastOut = now
	c := l.counters
	c.Reasons = maps.Clone(c.Reasons)
	c.InRate, c.JudgedRate = l.in.rate(now), l.judged.rate(now)
	c.LatencyMs, c.LatencyMaxMs = l.judged.took(now)
	e.Time, e.State, e.Detail, e.Counters = now, l.state, l.detail, c
	l.fanout.publish(e)
}
