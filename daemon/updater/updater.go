// Package updater installs releases on a running box: it follows the centre's wish, tries
// what it has downloaded beside the engine that scores, lets it take over between two
// frames, and goes back when it does badly.
//
//	wish ─▶ signed metadata ─▶ may it? ─▶ download, results first ─▶ maintenance window
//	     ─▶ trial: a new engine, golden frames ─▶ takes over ─▶ probation ─▶ committed
//	                     └─ fails ─▶ refused        └─ crashes, faults, slow ─▶ rolled back
//
// A release that failed is never tried again. Nothing here reads a release's content; the
// engine's child process does, after every byte was hashed.
package updater

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lungbox/sync/ota"
)

// Engine is what a box can do with releases.
type Engine interface {
	// Try starts an engine for the release in a folder ("" for the one that came with the
	// program) beside the one that scores, has it answer the golden frames, and lets it
	// take over. An error changes nothing. start is the health just before it took over.
	Try(ctx context.Context, folder string) (start Health, err error)
	// Health is how the engine that scores does.
	Health() Health
}

// Health counts since the start of the box.
type Health struct {
	GaveUp int           // engines that gave up
	Faults uint64        // frames with an engine fault
	Scored uint64        // frames that were judged
	Median time.Duration // from frame to result lately; 0: nothing was judged
}

// Wish is what release is to run.
type Wish struct {
	Generation uint64
	Release    string // "": the newest
}

// Step is how far an update is.
type Step string

// Steps.
const (
	Idle        Step = ""
	Waiting     Step = "waiting"
	Downloading Step = "downloading"
	Trying      Step = "trying"
	Finished    Step = "installed"
	Refused     Step = "refused"
	RolledBack  Step = "rolled-back"
)

// Status is what is told of an update.
type Status struct {
	Wish
	Name   string // of the release
	Step   Step
	Reason string
	Done   float64 // share of the download
}

// Config is what an updater is made of.
type Config struct {
	Dir    string // the box's ota folder
	Trust  *ota.Trust
	Source ota.Source
	Engine Engine
	// Open says whether a release may take over now: the maintenance window. nil: always.
	Open func(time.Time) bool
	// Yield is ota.Fetcher's.
	Yield func(ctx context.Context) (gentle bool, err error)
	// Record keeps what happened, for the audit trail.
	Record func(ctx context.Context, action, detail string)
	// Probation is how long a release is watched before it is committed; 0 means 60 s.
	Probation time.Duration
	Retry     time.Duration // between tries of what failed for now; 0 means 1 minute
	Now       func() time.Time
	// Beat is called at every turn of Run's loop; the next comes within that time, or within
	// some seconds when it is 0. nil: nobody listens.
	Beat func(within time.Duration)
}

// Updater is what Run works with. See New.
type Updater struct {
	config Config
	wishes chan Wish

	mu     sync.Mutex
	status Status
}

// New makes an updater that Run will run.
func New(c Config) *Updater {
	if c.Probation == 0 {
		c.Probation = time.Minute
	}
	if c.Retry == 0 {
		c.Retry = time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Beat == nil {
		c.Beat = func(time.Duration) {}
	}
	if c.Record == nil {
		c.Record = func(context.Context, string, string) {}
	}
	return &Updater{config: c, wishes: make(chan Wish, 1)}
}

// Status is how far the update is. It may be called from any goroutine.
func (u *Updater) Status() Status {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.status
}

func (u *Updater) set(change func(*Status)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.status)
}

// Want tells what release is desired; the newest wish counts.
func (u *Updater) Want(w Wish) {
	for {
		select {
		case u.wishes <- w:
			return
		default:
		}
		select {
		case <-u.wishes:
		default:
		}
	}
}

// errLater marks what is tried again by itself.
type errLater struct{ error }

func (e errLater) Unwrap() error { return e.error }

// Run follows wishes until ctx ends.
func (u *Updater) Run(ctx context.Context) error {
	if err := u.resume(ctx); err != nil {
		u.set(func(s *Status) { s.Step, s.Reason = Refused, err.Error() })
		u.config.Record(ctx, "release", "a trial that was cut off is over: "+err.Error())
	}
	var wish *Wish
	retry := time.NewTimer(time.Hour)
	defer retry.Stop()
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		u.config.Beat(0)
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
			continue
		case w := <-u.wishes:
			if wish != nil && *wish == w {
				continue // retained, and heard with every connection
			}
			wish = &w
		case <-retry.C:
			if wish == nil {
				continue
			}
		}
		err := u.follow(ctx, *wish)
		var later errLater
		if errors.As(err, &later) {
			u.set(func(s *Status) { s.Step, s.Reason = Waiting, err.Error() })
			retry.Reset(u.config.Retry)
		}
	}
}

// resume goes on with a trial that the end of the box cut off.
func (u *Updater) resume(ctx context.Context) error {
	slots, err := ota.OpenSlots(u.config.Dir)
	if err != nil || slots.Trial == nil {
		return err
	}
	again, err := slots.Resume()
	if err != nil || !again {
		return err
	}
	return u.trial(ctx, slots)
}

// follow installs what is wished for.
func (u *Updater) follow(ctx context.Context, w Wish) error {
	u.set(func(s *Status) { *s = Status{Wish: w, Name: w.Release, Step: Waiting} })
	unlock, err := ota.Lock(u.config.Dir)
	if err != nil {
		return errLater{err}
	}
	defer unlock()
	slots, err := ota.OpenSlots(u.config.Dir)
	if err != nil {
		return u.refuse(ctx, err)
	}
	r, err := u.choose(ctx, w)
	if err != nil {
		return err
	}
	u.set(func(s *Status) { s.Name = r.Name })
	if slots.Has(r) {
		u.set(func(s *Status) { s.Step = Finished })
		return nil
	}
	if err := slots.May(r); errors.Is(err, ota.ErrPinned) {
		return errLater{err} // until somebody unpins it
	} else if err != nil {
		return u.refuse(ctx, err)
	}
	u.set(func(s *Status) { s.Step = Downloading })
	u.config.Beat(partLimit)
	fetcher := &ota.Fetcher{Source: u.config.Source, Dir: u.config.Dir, Yield: u.config.Yield, Tell: func(p ota.Progress) {
		u.config.Beat(partLimit)
		u.set(func(s *Status) { s.Done = float64(p.Done) / float64(max(p.Total, 1)) })
	}}
	folder, err := fetcher.Fetch(ctx, r)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, ota.ErrHash) {
			u.config.Record(ctx, "release", err.Error())
		}
		return errLater{err}
	}
	if u.config.Open != nil && !u.config.Open(u.config.Now()) {
		return errLater{errors.New("it is downloaded and waits for the maintenance window")}
	}
	u.config.Beat(hashLimit)
	if _, err := slots.Place(r, folder, u.config.Now()); err != nil {
		return errLater{err}
	}
	return u.trial(ctx, slots)
}

// choose finds the wished release among those that are signed.
func (u *Updater) choose(ctx context.Context, w Wish) (ota.Release, error) {
	u.config.Beat(listLimit + time.Minute)
	limited, cancel := context.WithTimeout(ctx, listLimit)
	defer cancel()
	all, err := u.config.Trust.Refresh(limited, u.config.Source)
	if err != nil {
		return ota.Release{}, errLater{err}
	}
	if w.Release == "" {
		if r, ok := ota.Newest(all); ok {
			return r, nil
		}
		return ota.Release{}, errLater{errors.New("nothing is published")}
	}
	r, ok := all[w.Release]
	if !ok {
		return r, errLater{fmt.Errorf("release %.80q is not among those that are signed", w.Release)}
	}
	return r, nil
}

func (u *Updater) refuse(ctx context.Context, err error) error {
	u.set(func(s *Status) { s.Step, s.Reason = Refused, err.Error() })
	u.config.Record(ctx, "release refused", err.Error())
	return err
}

// trial lets the release on trial take over and watches it.
func (u *Updater) trial(ctx context.Context, slots *ota.Slots) error {
	t := *slots.Trial
	u.set(func(s *Status) { s.Name, s.Step, s.Reason = t.Name, Trying, "" })
	before := u.config.Engine.Health()
	u.config.Beat(startLimit)
	start, err := u.config.Engine.Try(ctx, slots.Folder(t))
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err() // the box ends: the trial is gone on with at its next start
		}
		if e := errors.Join(slots.Reject(err.Error()), slots.Clean()); e != nil {
			return e
		}
		return u.refuse(ctx, fmt.Errorf("release %s: %w", t.Name, err))
	}
	why := u.watch(ctx, before.Median, start)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if why == nil {
		if err := slots.Commit(); err != nil {
			return errLater{err}
		}
		u.set(func(s *Status) { s.Step = Finished })
		u.config.Record(ctx, "release installed", fmt.Sprintf("%s, counter %d", t.Name, t.Counter))
		return nil
	}
	if err := slots.Reject(why.Error()); err != nil {
		return err
	}
	back := ""
	if slots.Current != nil {
		back = slots.Folder(*slots.Current)
	}
	u.config.Beat(startLimit)
	_, err = u.config.Engine.Try(ctx, back)
	if err == nil {
		err = slots.Clean() // before that, the engine's keeper may still start the rejected one
	}
	u.set(func(s *Status) { s.Step, s.Reason = RolledBack, why.Error() })
	u.config.Record(ctx, "release rolled back", fmt.Sprintf("%s: %v", t.Name, why))
	return err // the engine's keeper starts the former release by itself when this failed
}

// How long the steps of an update may take before they count as hung: the parts of a
// download, each of which has an end of its own, the hashing of a release, the reading of the
// list, and the first start of an engine, which converts its nets.
const (
	partLimit  = 5 * time.Minute
	hashLimit  = 15 * time.Minute
	listLimit  = 5 * time.Minute
	startLimit = 10 * time.Minute
)

const (
	faults = 3 // frames with an engine fault
	slower = 3 // times the median before
)

// watch looks at a release that has just taken over; the error says why it goes back.
func (u *Updater) watch(ctx context.Context, before time.Duration, start Health) error {
	ticks := time.NewTicker(min(time.Second, u.config.Probation/10))
	defer ticks.Stop()
	end := time.NewTimer(u.config.Probation)
	defer end.Stop()
	slow := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-end.C:
			return nil
		case <-ticks.C:
		}
		u.config.Beat(0)
		now := u.config.Engine.Health()
		switch {
		case now.GaveUp > start.GaveUp:
			return errors.New("its engine gave up")
		case now.Faults >= start.Faults+faults:
			return fmt.Errorf("%d frames had an engine fault", now.Faults-start.Faults)
		}
		if before > 0 && now.Median > slower*before && now.Median > 100*time.Millisecond {
			slow++
		} else {
			slow = 0
		}
		if slow >= 5 {
			return fmt.Errorf("a frame takes %v, before it took %v", now.Median.Round(time.Millisecond), before.Round(time.Millisecond))
		}
	}
}
