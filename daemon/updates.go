package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"lungbox/daemon/pipeline"
	"lungbox/daemon/updater"
	"lungbox/ensemble"
	"lungbox/sync/enrol"
	"lungbox/sync/ota"
	"lungbox/sync/wire"
)

// otaFolder, in the state folder, holds installed releases and what is trusted.
const otaFolder = "ota"

// updates is what a box has to do with releases: which one scores, how it does, and how
// another takes its place.
type updates struct {
	dir string // "" where engine.release names the release

	mu      sync.Mutex
	active  string // folder of the release that is to score; "": the one that came with the program
	updater *updater.Updater
	wish    *wire.Wish
	counts  *tally
}

// tally counts what one release says.
type tally struct {
	mu                             sync.Mutex
	release                        string
	scored, disagreed, noConsensus uint64
}

// add counts a result that nets have voted on.
func (t *tally) add(r ensemble.Result) {
	if len(r.Votes) < 2 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Release != t.release {
		t.release, t.scored, t.disagreed, t.noConsensus = r.Release, 0, 0, 0
	}
	t.scored++
	for _, v := range r.Votes {
		if v.Score != r.Votes[0].Score {
			t.disagreed++
			break
		}
	}
	if r.Reason == ensemble.NoConsensus {
		t.noConsensus++
	}
}

// openUpdates finds the release that is to score.
func (b *box) openUpdates() (*updates, error) {
	u := &updates{counts: &tally{}}
	if b.config.Engine.Release != "" {
		return u, nil
	}
	u.dir = filepath.Join(b.state, otaFolder)
	slots, err := ota.OpenSlots(u.dir)
	if err != nil {
		return nil, err
	}
	if slots.Current != nil {
		u.active = slots.Folder(*slots.Current)
	}
	return u, nil
}

func (u *updates) tally() *tally { return u.counts }

func (u *updates) folder() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.active
}

func (u *updates) set(folder string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.active = folder
}

// want takes in what the centre desires; before there is an updater it is kept.
func (u *updates) want(w wire.Wish) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.wish = &w
	if u.updater != nil {
		u.updater.Want(updater.Wish{Generation: w.Generation, Release: w.Release})
	}
}

// status is what the centre is told.
func (u *updates) status() *wire.Update {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := &wire.Update{}
	if u.updater != nil {
		s := u.updater.Status()
		out.Generation, out.Release, out.Step, out.Reason, out.Done = s.Generation, s.Name, string(s.Step), s.Reason, s.Done
	}
	u.counts.mu.Lock()
	defer u.counts.mu.Unlock()
	out.Scored, out.Disagreed, out.NoConsensus = u.counts.scored, u.counts.disagreed, u.counts.noConsensus
	return out
}

// run installs what is desired until ctx ends, and takes up what a person installs.
func (u *updates) run(ctx context.Context, b *box, beat func(within time.Duration)) error {
	if u.dir == "" {
		beat(forever) // there is nothing to do
		return nil
	}
	ticks := time.NewTicker(2 * time.Second)
	defer ticks.Stop()
	var running sync.WaitGroup
	defer running.Wait()
	for begun := false; ; {
		if !begun && b.centre != nil && b.config.Updates.Install {
			beat(trustLimit + usualLimit)
			up, err := b.newUpdater(ctx)
			if errors.Is(err, ota.ErrNotThere) || ctx.Err() != nil {
				err = nil // the hub has no releases yet
			}
			if up != nil || err != nil && !errors.As(err, new(*url.Error)) { // no link is no news
				b.note("updates", trouble(err))
			}
			if up != nil {
				begun = true
				u.begin(up)
				running.Go(func() { _ = up.Run(ctx) }) // it ends with ctx alone
			}
		}
		beat(0)
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		beat(takeLimit)
		if err := u.takeUp(ctx, b); err != nil && ctx.Err() == nil {
			b.log.Error("the release that was installed by hand does not run", "why", err)
		}
	}
}

// trustLimit is how long the first word of a hub may take, and takeLimit how long it may take
// until a release that a person installed scores: its nets may have to be converted.
const (
	trustLimit = 2 * time.Minute
	takeLimit  = 6 * time.Minute
	forever    = math.MaxInt64
)

func (u *updates) begin(up *updater.Updater) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.updater = up
	if u.wish != nil {
		up.Want(updater.Wish{Generation: u.wish.Generation, Release: u.wish.Release})
	}
}

// takeUp lets a release score that a person has installed or gone back to.
func (u *updates) takeUp(ctx context.Context, b *box) error {
	unlock, err := ota.Lock(u.dir)
	if err != nil {
		return nil //nolint:nilerr // an installation is under way: it sees to it itself
	}
	defer unlock()
	if err := ota.Notes(u.dir, func(n ota.Noted) error {
		return b.store.Audit(ctx, "command line", n.Action, n.Detail+", at "+n.Time.Format(time.RFC3339))
	}); err != nil {
		return err
	}
	slots, err := ota.OpenSlots(u.dir)
	if err != nil || slots.Trial != nil {
		return err
	}
	want := ""
	if slots.Current != nil {
		want = slots.Folder(*slots.Current)
	}
	if want == u.folder() {
		return nil
	}
	_, err = (&engines{b}).Try(ctx, want)
	return err
}

// newUpdater makes what follows the centre's wishes. There is none before the hub has
// releases; that is no error.
func (b *box) newUpdater(ctx context.Context) (*updater.Updater, error) {
	source, err := hubSource(b.identity)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, trustLimit)
	defer cancel()
	trust, err := openTrust(limited, filepath.Join(b.state, otaFolder), b.config.Updates.Root, source)
	if err != nil {
		return nil, err
	}
	return updater.New(updater.Config{
		Dir: filepath.Join(b.state, otaFolder), Trust: trust, Source: source, Engine: &engines{b}, Open: b.config.Updates.Open,
		Yield: b.giveWay, Beat: b.steps("the updater"),
		Record: func(ctx context.Context, action, detail string) {
			b.log.Info(action, "detail", detail)
			if err := b.store.Audit(ctx, "updates", action, detail); err != nil && ctx.Err() == nil {
				b.log.Error("the audit trail is not written", "why", err)
			}
		},
		Probation: seconds(b.config.Updates.Probation),
	}), nil
}

// giveWay waits while results are under way to the centre: a download on a thin link must
// not hold them up. It does not wait for ever for a link that is down. While results are
// made, a download asks for little at a time.
func (b *box) giveWay(ctx context.Context) (gentle bool, err error) {
	for range 100 {
		if !b.centre.up.Busy() {
			break
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return b.centre.up.Quiet() < quiet, nil
}

// quiet is how long no result must have gone out for a download to take the whole link.
const quiet = 10 * time.Second

// hubSource is the hub's repository, which asks for the box's certificate.
func hubSource(i enrol.Identity) (ota.HTTP, error) {
	secure, err := i.TLS()
	if err != nil {
		return ota.HTTP{}, err
	}
	return ota.HTTP{Base: i.Hub + "/tuf", Client: &http.Client{Transport: &http.Transport{
		TLSClientConfig: secure, ResponseHeaderTimeout: 30 * time.Second, TLSHandshakeTimeout: 30 * time.Second, IdleConnTimeout: time.Minute,
	}}}, nil
}

// openTrust opens what is trusted. The first root comes from a file, or else from the
// source: the hub, which proved itself with the authority that the enrolment pinned.
func openTrust(ctx context.Context, dir, file string, source ota.Source) (*ota.Trust, error) {
	var root []byte
	if _, err := os.Stat(filepath.Join(dir, "metadata", "root.json")); errors.Is(err, fs.ErrNotExist) {
		if file != "" {
			if root, err = os.ReadFile(file); err != nil {
				return nil, fmt.Errorf("updates.root: %w", err)
			}
		} else {
			body, _, err := source.Open(ctx, "metadata/1.root.json", 0, 0, "")
			if err != nil {
				return nil, err
			}
			defer body.Close()
			if root, err = io.ReadAll(io.LimitReader(body, 1<<20)); err != nil {
				return nil, err
			}
		}
	}
	return ota.OpenTrust(dir, root, built(), time.Now)
}

// engines is what the updater may do with the box's engine.
type engines struct{ *box }

// replaceLimit is how long a new engine waits for its turn while the present one does not
// work; the keeper starts it then by itself.
const replaceLimit = 20 * time.Second

// Try starts an engine for a release and lets it take over.
func (e *engines) Try(ctx context.Context, folder string) (start updater.Health, err error) {
	next, about, err := e.start(ctx, folder)
	if err != nil {
		return start, err
	}
	start = e.Health()
	e.updates.set(folder)
	limit, cancel := context.WithTimeout(ctx, replaceLimit)
	defer cancel()
	if err := e.engines.Replace(limit, next, about); err != nil {
		_ = next.Close() // it has not scored
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return start, nil
		}
		return start, err
	}
	return start, nil
}

// Health is how the engine does.
func (e *engines) Health() updater.Health {
	var c pipeline.Counters
	if last := e.last.Load(); last != nil {
		c = last.Counters
	}
	return updater.Health{
		GaveUp: e.engines.GaveUp(), Faults: c.Reasons[ensemble.EngineFault] + uint64(e.lost()), Scored: c.Judged,
		Median: time.Duration(c.LatencyMs * float64(time.Millisecond)),
	}
}

// built is when this program's source was committed: no clock is right that says less. Zero
// where the build does not know.
func built() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			at, err := time.Parse(time.RFC3339, s.Value)
			if err == nil {
				return at
			}
		}
	}
	return time.Time{}
}
