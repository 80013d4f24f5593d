package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"lungbox/capture/gate"
	"lungbox/daemon/config"
	"lungbox/daemon/exam"
	"lungbox/daemon/keeper"
	"lungbox/daemon/metrics"
	"lungbox/daemon/page"
	"lungbox/daemon/panel"
	"lungbox/daemon/pipeline"
	"lungbox/daemon/service"
	"lungbox/docs"
	"lungbox/ensemble/worker"
	"lungbox/sync/enrol"
	"lungbox/sync/journal"
	"lungbox/sync/seal"
)

// box is everything that runs, made from one configuration. build makes it and opens
// what must be there; what may come and go (pictures, engine, lamps) is opened as it runs.
type box struct {
	*lifetime
	config   config.Config
	store    *journal.Journal
	entrance entrance
	feed     *feed
	state    string    // folder of what must survive
	key      *seal.Key // nil: nothing is sealed
	driver   panel.Driver
	line     *pipeline.Pipeline
	lamps    *panel.Panel
	web      *page.Page
	figures  *metrics.Box
	engines  *keeper.Keeper
	beats    sync.Mutex
	pulses   []*service.Pulse // of all loops, since some are made while others run
	session  *exam.Session
	examiner *examiner
	identity enrol.Identity // zero where the box is not enrolled
	updates  *updates
	centre   *centre                        // nil where the box is not enrolled
	released atomic.Pointer[gate.Config]    // rules of the release that scores
	onRules  func(gate.Config)              // told of them; nil: nobody asks
	gated    func() map[string]uint64       // what the gate of a live picture counts; may be nil
	places   page.Places                    // nil where nobody can set them
	last     atomic.Pointer[pipeline.Event] // newest event of the pipeline
	spoiled  chan struct{}                  // gets a value when the result store is found to be damaged
}

// Turns of loops that are later than this hang.
const (
	panelLimit    = 3 * time.Second // a driver answers within one
	pageLimit     = 3 * time.Second
	pipelineLimit = 5 * time.Second  // it speaks every second
	usualLimit    = 5 * time.Second  // all others turn every second
	endLimit      = 30 * time.Second // from the order to end, until all have
)

// build makes a box whose pictures come from what open opens.
func (l *lifetime) build(ctx context.Context, c config.Config, open func(ctx context.Context, b *box) (*feed, error)) (_ *box, err error) {
	b := &box{lifetime: l, config: c, spoiled: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if b.session, err = l.examine(c.Exam.Scheme); err != nil {
		return nil, err
	}
	if b.driver, err = panelDriver(c); err != nil {
		return nil, err
	}
	if err := b.openStore(ctx); err != nil {
		return nil, err
	}
	if b.updates, err = b.openUpdates(); err != nil {
		return nil, err
	}
	if b.centre, err = b.openCentre(); err != nil {
		return nil, err
	}
	if b.entrance, err = openEntrance(ctx, c.Page, b.state); err != nil {
		return nil, err
	}
	if b.feed, err = open(ctx, b); err != nil {
		return nil, err
	}
	b.examiner = &examiner{
		session: b.session, store: b.store, usual: exam.Scheme(c.Exam.Scheme), device: b.name(), log: b.log,
		clipPictures: clipPictures{folder: filepath.Join(b.state, clipFolder), key: b.key, store: b.store, floor: pictureFloor},
		note:         func(text string) { b.note("clips", text) },
		beat:         b.pulse("the recording of clips", usualLimit),
	}
	if c.Buttons.Chip != "" {
		b.feed.parts = append(b.feed.parts, newButtons(c.Buttons, b.examiner, l.log, b.pulse("the buttons", usualLimit)).run)
	}
	b.line, err = pipeline.New(pipeline.Config{
		Reading: b.steps("the source"), Judging: b.steps("scoring"),
		Source: b.feed.source, EveryFrame: b.feed.waits, RetrySource: seconds(c.Source.Retry),
		Place: b.session.Place, Recorder: recorder{b.store, b.spoiled, b.feed.recorded, b.updates.tally()},
		Device: b.name(), Epoch: b.store.Epoch(), LastSeq: b.store.LastSeq(),
	})
	if err != nil {
		return nil, err
	}
	b.show()
	return b, nil
}

// openStore opens the result store, a new one when the old one is damaged.
func (b *box) openStore(ctx context.Context) error {
	var err error
	if b.state, err = stateFolder(b.config.Box.State); err != nil {
		return err
	}
	if b.key, err = boxKey(b.config); err != nil {
		return err
	}
	b.store, err = journal.Open(ctx, filepath.Join(b.state, "journal"), journal.Options{
		Reserve: int64(b.config.Journal.Reserve) << 20, Quota: int64(b.config.Journal.Quota) << 20, Key: b.key,
	})
	if err != nil {
		return fmt.Errorf("results cannot be kept: %w; see box.state", err)
	}
	if aside := b.store.SetAside(); aside != "" {
		why := "damaged"
		if b.store.OtherKey() {
			why = "sealed with another key"
		}
		text := "the result store was " + why + " and set aside in " + aside + "; a new one was begun"
		b.note("store", text)
		b.log.Error(text)
		return b.store.AddEvent(ctx, journal.Event{Time: time.Now(), Kind: "damaged", Detail: text})
	}
	return nil
}

// show makes what people see: lamps, page and figures, and what keeps the engine.
func (b *box) show() {
	c := b.config
	rules := panel.Rules{Agree: c.Panel.Agree, Fade: seconds(c.Panel.Fade), Test: seconds(c.Panel.Test)}
	if c.Panel.Test == 0 {
		rules.Test = -1
	}
	b.lamps = panel.New(panel.Config{Driver: b.driver, Rules: rules, Beat: b.pulse("the panel", panelLimit), Attention: func() bool { return b.noted() != "" }})
	b.engines = keeper.New(keeper.Config{
		Beat:  b.steps("the engine's keeper"),
		Start: func(ctx context.Context) (keeper.Engine, pipeline.About, error) { return b.startEngine(ctx) },
		Swap:  b.line.Swap, Complain: func(err error) { b.log.Error(err.Error()) },
	})
	b.figures = metrics.New(metrics.Config{Version: version, Panel: b.lamps.Status, Lost: b.lost, Stored: b.store.Count, Gate: b.gated, Beat: b.pulse("the figures", usualLimit)})
	b.web = page.New(page.Config{
		Listen: b.entrance.listener.Addr().String(), Hosts: names(c.Page.Hosts), Device: b.name(), Access: b.entrance.access,
		Exams: b.examiner, Setup: b.installer(), Help: docs.Files, Language: c.Page.Language, Night: isNight(c.Panel),
		Panel: b.lamps.Status, Source: b.feed.about, Notice: b.noted, Beat: b.pulse("the page", pageLimit), Places: b.places,
		Also:   map[string]http.Handler{"GET /metrics": b.figures.Handler()},
		Centre: b.centre.about(b.store, b.updates.status),
	})
}

// installer is the setup on the page; nil where a box cannot start again by itself.
func (b *box) installer() page.Setup {
	if b.again == nil {
		return nil
	}
	return &installer{state: b.state, file: b.file, config: b.config, store: b.store, lamps: b.lamps, again: b.again}
}

// pulse adds a sign of life that ends with the box.
func (b *box) pulse(name string, limit time.Duration) func() {
	return b.newPulse(name, limit).Beat
}

// ending gives all loops time to end.
func (b *box) ending() {
	b.beats.Lock()
	defer b.beats.Unlock()
	for _, p := range b.pulses {
		p.Ending(endLimit)
	}
}

// steps is pulse for a loop whose steps may take longer than a turn: it says how long.
func (b *box) steps(name string) func(within time.Duration) {
	return b.newPulse(name, usualLimit).BeatWithin
}

func (b *box) newPulse(name string, limit time.Duration) *service.Pulse {
	b.beats.Lock()
	defer b.beats.Unlock()
	p := b.heart.Pulse(name, limit)
	b.pulses = append(b.pulses, p)
	return p
}

// run runs everything until ctx ends or a part fails, and closes it.
func (b *box) run(ctx context.Context) error {
	defer b.close()
	toPanel, toPage, toFigures, toWatch, toExam := b.line.Subscribe(4), b.line.Subscribe(4), b.line.Subscribe(1), b.line.Subscribe(64), b.line.Subscribe(64)
	beat, installing, collecting := b.pulse("the pipeline", pipelineLimit), b.steps("the installing of releases"), func() {}
	if b.centre != nil && b.centre.pictures != nil {
		collecting = b.pulse("the collecting of pictures", usualLimit)
	}
	group, ctx := errgroup.WithContext(ctx)
	defer context.AfterFunc(ctx, b.ending)()
	group.Go(func() error { return b.line.Run(ctx) })
	group.Go(func() error { return b.engines.Run(ctx) })
	group.Go(func() error { return b.lamps.Run(ctx, toPanel.Events()) })
	group.Go(func() error { return b.web.Run(ctx, toPage.Events()) })
	group.Go(func() error { return b.web.Serve(ctx, b.entrance.listener) })
	group.Go(func() error { return b.figures.Run(ctx, toFigures.Events()) })
	group.Go(func() error { return b.examiner.run(ctx, toExam.Events()) })
	group.Go(func() error { return b.watch(ctx, toWatch.Events(), beat) })
	group.Go(func() error { return b.updates.run(ctx, b, installing) })
	if b.centre != nil && b.centre.pictures != nil {
		toPictures := b.line.Subscribe(16)
		group.Go(func() error { return b.collect(toPictures.Events(), collecting) })
		group.Go(func() error { return b.centre.pictures.Run(ctx) })
	}
	if b.centre != nil {
		group.Go(func() error { return b.centre.up.Run(ctx) })
	}
	b.note("archive", "")
	if b.config.Archive.Address != "" {
		sending := b.steps("the sending of reports")
		group.Go(func() error { return b.toArchive(ctx, sending) })
	} else if err := b.store.SendReports(ctx, false); err != nil {
		b.log.Error("exams may be sent that were not meant to", "why", err)
	}
	for _, part := range b.feed.parts {
		group.Go(func() error { return part(ctx) })
	}
	b.log.Info("the page is at " + b.entrance.url())
	if b.entrance.note != "" {
		b.log.Warn(b.entrance.note)
	}
	b.heart.Ready()
	return group.Wait()
}

// watch tells the service manager, the log and the journal of changes of the state.
func (b *box) watch(ctx context.Context, events <-chan pipeline.Event, beat func()) error {
	var last pipeline.Event
	for e := range events {
		beat()
		b.last.Store(&e)
		text := string(e.State)
		if e.Detail != "" {
			text += ": " + e.Detail
		}
		b.heart.Status(text)
		b.note("disk", map[journal.State]string{
			journal.OnReserve:    "the disk is full, results take the room that was kept for them: make room on it",
			journal.NotRecording: "the disk is full, nothing is recorded and no score is shown: make room on it",
		}[b.store.State()])
		if e.State == last.State && e.Detail == last.Detail {
			continue
		}
		last = e
		b.log.Info("state "+text, "state", e.State)
		event := journal.Event{Time: e.Time, Kind: "state", Detail: text}
		if err := b.store.AddEvent(ctx, event); err != nil && ctx.Err() == nil {
			b.log.Error("the state is not recorded", "why", err)
		}
	}
	return nil
}

// lost is how many frames dying engines have cost.
func (b *box) lost() int {
	if w, ok := b.engines.Current().(*worker.Worker); ok {
		return w.Lost()
	}
	return 0
}

func (b *box) close() {
	b.beats.Lock()
	for _, p := range b.pulses {
		p.End()
	}
	b.beats.Unlock()
	var errs error
	if b.feed != nil {
		errs = errors.Join(errs, b.feed.close())
	}
	if b.entrance.listener != nil {
		b.entrance.listener.Close() // Serve has closed it when it ran
	}
	if b.driver != nil {
		errs = errors.Join(errs, b.driver.Close()) // twice does nothing more
	}
	if b.store != nil {
		errs = errors.Join(errs, b.store.Close())
	}
	if errs != nil {
		b.log.Error("closing the box", "why", errs)
	}
}
