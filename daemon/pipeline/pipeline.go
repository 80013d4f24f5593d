// Package pipeline is the one-way loop that every frame of a box goes through:
//
//	source → one-slot mailbox → scorer → recorder → subscribers
//	         (newest wins)                (durable)  (page, panel, exam, uplink)
//
// Nothing downstream slows anything upstream. A frame that comes while the engine
// is busy waits in the mailbox; the next one takes its place and the first is
// counted as dropped, so what is scored is always what the probe sees now. A
// subscriber that is slow loses its oldest events, and only its own.
//
// A source that ends or fails, an engine that gives up and a recorder that cannot
// write are states that subscribers are told about, not ends of the program: the
// page and the panel must be able to say what is wrong.
//
// One goroutine owns all state; one reads the source, one scores and records.
package pipeline

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"lungbox/capture"
	"lungbox/ensemble"
)

// Recorder keeps results. Record returns only when the result will survive a power
// loss; no subscriber sees it before. After an error the result counts as not
// recorded and is not shown; the next one is tried again under a new number.
type Recorder interface {
	Record(ctx context.Context, r ensemble.Result) error
}

// Discard is a Recorder that keeps nothing: for the demo.
type Discard struct{}

// Record does nothing.
func (Discard) Record(context.Context, ensemble.Result) error { return nil }

// ErrStopped says that the pipeline is not running any more.
var ErrStopped = errors.New("pipeline: not running")

// Config is what a pipeline is made of.
type Config struct {
	Source   capture.Source // required; the caller closes it after Run
	Recorder Recorder       // required; its epoch and last number go into Epoch and LastSeq
	// Engine scores first. Without a Scorer the pipeline stays in Starting, dropping
	// frames, until Swap brings one.
	Engine Engine

	Device  string // name of the box, for results
	Epoch   string // of the result store
	LastSeq uint64 // number of the last result in the store; the next one is LastSeq+1

	// Place says where in an examination a frame that comes now is taken. nil: in none.
	Place func() ensemble.Place

	// EveryFrame is for sources that can wait, such as received files: no frame is
	// overtaken, the source is asked for the next one when there is room. What is shown
	// may then be older than what the source has.
	EveryFrame bool
	// SignalTimeout is how long the source may deliver nothing before the state is
	// NoSignal. 0 means 2 s.
	SignalTimeout time.Duration
	// EngineTimeout is how long one frame may take before the state is Fault. The
	// loop goes on waiting: stopping a hung engine is its supervisor's work. 0 means 5 s.
	EngineTimeout time.Duration
	// RetrySource is the pause before a source that failed is asked again. 0 means
	// never, which is right for every source that does not document otherwise.
	RetrySource time.Duration
	// Reading and Judging are called at every turn of the goroutine that asks the source, and
	// of the one that scores and records; the next comes within that time, or within some
	// seconds when it is 0. nil: nobody listens.
	Reading, Judging func(within time.Duration)
	// ScoreLimit is how long an engine may take for a frame, with the start of another in its
	// place, before scoring counts as hung; 0 means 6 minutes.
	ScoreLimit time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Pipeline is the loop. See New.
type Pipeline struct {
	config  Config
	fanout  fanout
	swaps   chan swap
	stopped chan struct{}
	started atomic.Bool
}

// New checks the configuration and makes a pipeline that Run will run.
func New(c Config) (*Pipeline, error) {
	if c.Source == nil || c.Recorder == nil {
		return nil, errors.New("pipeline: a source and a recorder are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	for _, beat := range []*func(time.Duration){&c.Reading, &c.Judging} {
		if *beat == nil {
			*beat = func(time.Duration) {}
		}
	}
	if c.ScoreLimit == 0 {
		c.ScoreLimit = 6 * time.Minute
	}
	if c.SignalTimeout == 0 {
		c.SignalTimeout = 2 * time.Second
	}
	if c.EngineTimeout == 0 {
		c.EngineTimeout = 5 * time.Second
	}
	return &Pipeline{config: c, swaps: make(chan swap), stopped: make(chan struct{})}, nil
}

// Subscribe adds a reader with room for buffer events (at least one): 1 for who
// wants the newest only, more for who wants all. It may be called at any time.
func (p *Pipeline) Subscribe(buffer int) *Subscription { return p.fanout.add(buffer) }

type swap struct {
	to  Engine
	old chan<- Engine
}

// Swap lets another engine score from the next frame on and returns the one it
// replaces, which is then no longer in use and may be closed. It waits for the
// frame that is being scored, as long as ctx allows. Every result names the release
// that made it. It returns ErrStopped when Run has ended.
func (p *Pipeline) Swap(ctx context.Context, to Engine) (Engine, error) {
	if to.Scorer == nil {
		return Engine{}, errors.New("pipeline: swap to an engine without a scorer")
	}
	old := make(chan Engine, 1)
	select {
	case p.swaps <- swap{to, old}:
		return <-old, nil
	case <-p.stopped:
		return Engine{}, ErrStopped
	case <-ctx.Done():
		return Engine{}, ctx.Err()
	}
}

// Run works until ctx ends and then returns nil; by then neither the source nor
// the scorer nor the recorder is being called, and all subscriptions are closed. It
// goes on, in state Ended, after the source's last frame: who wants to stop then
// watches the events. It can be called once.
func (p *Pipeline) Run(ctx context.Context) error {
	if !p.started.CompareAndSwap(false, true) {
		return errors.New("pipeline: Run called twice")
	}
	defer p.fanout.end()
	defer close(p.stopped)
	newLoop(p).run(ctx)
	return nil
}
