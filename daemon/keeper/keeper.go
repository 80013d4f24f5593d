// Package keeper keeps an engine in the pipeline: it starts the first one while the
// page and the panel are up already, and brings another when one gives up. Until one
// works, frames are judged by nobody and the pipeline says why.
package keeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lungbox/capture"
	"lungbox/daemon/pipeline"
	"lungbox/ensemble"
)

// Engine is a scorer that can be closed: a worker.
type Engine interface {
	ensemble.Scorer
	Close() error
}

// Config says what to keep where.
type Config struct {
	// Start starts an engine; it may take minutes (a first conversion of large nets).
	Start func(ctx context.Context) (Engine, pipeline.About, error)
	// Swap puts an engine into the pipeline (pipeline.Pipeline.Swap).
	Swap func(ctx context.Context, to pipeline.Engine) (pipeline.Engine, error)
	// Complain is told, in one line, of every engine that could not start or gave up.
	Complain func(error)
	// Pause is the wait before the next try after n failures in a row; nil means 1 s
	// that doubles up to 30 s.
	Pause func(n int) time.Duration
	// StartLimit is how long Start may take before it counts as hung; 0 means 6 minutes.
	StartLimit time.Duration
	// Beat is called at every turn of Run's loop; the next comes within that time, or within
	// some seconds when it is 0. nil: nobody listens.
	Beat func(within time.Duration)
}

// bounded is how long it may take to come between two frames, or to close an engine.
const bounded = 30 * time.Second

// steady is how long an engine must have worked for its end to count as the first.
const steady = time.Minute

// Keeper is what Run works with. See New.
type Keeper struct {
	config Config

	replace chan replacement

	mu      sync.Mutex
	current Engine
	gaveUp  int // engines so far
}

type replacement struct {
	engine Engine
	about  pipeline.About
	done   chan<- error
}

// New makes a keeper that Run will run.
func New(c Config) *Keeper {
	if c.Beat == nil {
		c.Beat = func(time.Duration) {}
	}
	if c.StartLimit == 0 {
		c.StartLimit = 6 * time.Minute
	}
	if c.Pause == nil {
		c.Pause = func(n int) time.Duration { return min(time.Second<<min(n-1, 5), 30*time.Second) }
	}
	return &Keeper{config: c, replace: make(chan replacement)}
}

// Current is the engine that scores now; nil for none. It may be closed at any time.
func (k *Keeper) Current() Engine {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current
}

// GaveUp is how many engines have given up so far.
func (k *Keeper) GaveUp() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.gaveUp
}

// Replace puts an engine that runs already in the place of the present one, between two
// frames, and closes that one. While no engine works it waits until one does. When it
// fails, the caller still owns the engine.
func (k *Keeper) Replace(ctx context.Context, e Engine, about pipeline.About) error {
	done := make(chan error, 1)
	select {
	case k.replace <- replacement{e, about, done}:
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-done
}

func (k *Keeper) set(e Engine) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current = e
}

// Run keeps an engine until ctx ends, then closes it: the pipeline must have ended by
// then, or be about to.
func (k *Keeper) Run(ctx context.Context) error {
	defer k.close()
	for failures := 1; ; failures++ {
		began := time.Now()
		why := k.once(ctx)
		if ctx.Err() != nil || errors.Is(why, pipeline.ErrStopped) {
			return nil
		}
		if time.Since(began) >= steady {
			failures = 1
		}
		k.config.Complain(why)
		k.config.Beat(bounded)
		// Whoever waits for a score hears why there is none.
		if _, err := k.config.Swap(ctx, pipeline.Engine{Scorer: broken{why}}); err != nil {
			return nil // the pipeline has ended
		}
		k.close()
		rest := k.config.Pause(failures)
		k.config.Beat(rest + bounded)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(rest):
		}
	}
}

// once starts an engine, puts it into the pipeline and waits until it gives up.
func (k *Keeper) once(ctx context.Context) error {
	k.config.Beat(k.config.StartLimit + bounded)
	engine, about, err := k.config.Start(ctx)
	if err != nil {
		return fmt.Errorf("the engine does not start: %w", err)
	}
	guard, err := k.put(ctx, engine, about)
	if err != nil {
		return err
	}
	return k.wait(ctx, guard)
}

// put lets an engine score.
func (k *Keeper) put(ctx context.Context, engine Engine, about pipeline.About) (*guarded, error) {
	k.set(engine)
	k.config.Beat(bounded)
	guard := &guarded{Engine: engine, gaveUp: make(chan error, 1)}
	_, err := k.config.Swap(ctx, pipeline.Engine{Scorer: guard, About: about})
	return guard, err
}

// wait waits until an engine gives up, or another has taken its place.
func (k *Keeper) wait(ctx context.Context, guard *guarded) error {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		k.config.Beat(0)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		case err := <-guard.gaveUp:
			k.mu.Lock()
			k.gaveUp++
			k.mu.Unlock()
			return fmt.Errorf("the engine gave up: %w", err)
		case r := <-k.replace:
			former := k.Current()
			next, err := k.put(ctx, r.engine, r.about)
			r.done <- err
			if err != nil {
				k.set(former)
				return err
			}
			if err := former.Close(); err != nil {
				k.config.Complain(fmt.Errorf("close the former engine: %w", err))
			}
			guard = next
		}
	}
}

func (k *Keeper) close() {
	if e := k.Current(); e != nil {
		k.set(nil)
		if err := e.Close(); err != nil {
			k.config.Complain(fmt.Errorf("close the engine: %w", err))
		}
	}
}

// guarded tells when an engine cannot go on.
type guarded struct {
	Engine
	gaveUp chan error
}

func (g *guarded) Score(ctx context.Context, f *capture.Frame) (ensemble.Decision, error) {
	d, err := g.Engine.Score(ctx, f)
	if err != nil && ctx.Err() == nil {
		select {
		case g.gaveUp <- err:
		default:
		}
	}
	return d, err
}

// broken is the scorer of a box that has none.
type broken struct{ why error }

func (b broken) Score(context.Context, *capture.Frame) (ensemble.Decision, error) {
	return ensemble.Decision{Score: ensemble.None, Reason: ensemble.EngineFault}, b.why
}
