package panel

import (
	"context"
	"fmt"
	"sync"
	"time"

	"lungbox/daemon/pipeline"
)

const (
	glance  = 100 * time.Millisecond // how often the rules are asked when nothing comes
	refresh = time.Second            // how often lamps are lit anew: a tower may have been unplugged

	// A wink is seen by whoever looks for ten seconds, and far from the flashing of an
	// alarm (IEC 60601-1-8: at least 0.4 times a second).
	winkEvery = 10 * time.Second
	wink      = 500 * time.Millisecond
)

// Config is what a panel is made of.
type Config struct {
	Driver Driver // required; Run closes it
	Rules  Rules
	// Attention says whether people should look at the page, such as for a faulty
	// configuration: live lamps then wink. nil: never.
	Attention func() bool
	Beat      func()           // called at every turn of Run's loop; nil: nobody listens
	Now       func() time.Time // nil means time.Now
}

// Status is what a page shows of a panel.
type Status struct {
	Reading
	// Error is why the lamps may not be what Reading says, in one line; "" if they are.
	Error string `json:"error"`
}

// Panel follows the pipeline and keeps the lamps right.
type Panel struct {
	config   Config
	updating chan bool
	tries    chan trial
	stopped  chan struct{}

	shownAt time.Time // of the last Show; zero before

	mu     sync.Mutex
	status Status // written by Run only
}

// New makes a panel that Run will run.
func New(c Config) *Panel {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Panel{config: c, updating: make(chan bool), tries: make(chan trial), stopped: make(chan struct{}), status: Status{Reading: dark(Stale)}}
}

// Status is what is shown now. It may be called from any goroutine.
func (p *Panel) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// Updating says that the box is busy installing and does not score, or no longer.
func (p *Panel) Updating(on bool) {
	select {
	case p.updating <- on:
	case <-p.stopped:
	}
}

// trial is lamps that somebody wants to see, and until when.
type trial struct {
	lamps Lamps
	until time.Time
}

// Try lights lamps as they are for some time, whatever there is to show, so that somebody can say
// where they hang. Status says meanwhile that it is a test.
func (p *Panel) Try(l Lamps, long time.Duration) {
	select {
	case p.tries <- trial{l, p.config.Now().Add(long)}:
	case <-p.stopped:
	}
}

// Run shows what events say until ctx ends; then it closes the driver, which leaves
// the panel dark, and returns the error of that. A driver that fails is tried again
// every second, and Status says so. When events is closed the panel goes dark and
// says Fault. Run can be called once.
func (p *Panel) Run(ctx context.Context, events <-chan pipeline.Event) error {
	defer close(p.stopped)
	ticks := time.NewTicker(glance)
	defer ticks.Stop()
	began := p.config.Now()
	rules := NewIndicator(p.config.Rules, began)
	var tried trial
	for {
		now := p.config.Now()
		reading := p.winking(rules.Read(now), now.Sub(began))
		if now.Before(tried.until) {
			reading = dark(LampTest)
			reading.Lamps = tried.lamps
		}
		p.show(reading)
		if p.config.Beat != nil {
			p.config.Beat()
		}
		select {
		case <-ctx.Done():
			return p.close()
		case e, open := <-events:
			if !open {
				events = nil
				rules.Block(Fault)
				continue
			}
			follow(rules, e, p.config.Now())
		case tried = <-p.tries:
		case on := <-p.updating:
			rules.Updating(on)
		case <-ticks.C:
		}
	}
}

// winking darkens live lamps for a moment while people should look at the page. Dark is
// what lamps are when there is nothing to trust, so a wink can say nothing wrong.
func (p *Panel) winking(r Reading, age time.Duration) Reading {
	if r.State.live() && age%winkEvery < wink && age > winkEvery && p.config.Attention != nil && p.config.Attention() {
		r.Lamps = Lamps{}
	}
	return r
}

// follow tells the rules what an event means for them.
func follow(rules *Indicator, e pipeline.Event, now time.Time) {
	switch e.State {
	case pipeline.NoSignal, pipeline.Ended:
		rules.Block(NoSignal)
	case pipeline.Fault:
		rules.Block(Fault)
	default:
		rules.Block("")
	}
	if e.Result != nil {
		rules.Scene(e.Result.Exam, e.Result.Zone, e.Result.Clip, e.Result.File)
		rules.Frame(e.Result.Score, e.Result.Reason, e.Taken, now)
	}
}

// show lights the lamps when they change and every refresh. A driver that failed is
// left alone until then: it may take a second to find out that it fails again.
func (p *Panel) show(r Reading) {
	now := p.config.Now()
	status := Status{Reading: r, Error: p.status.Error}
	if now.Sub(p.shownAt) >= refresh || status.Error == "" && r.Lamps != p.status.Lamps {
		p.shownAt, status.Error = now, ""
		if err := p.config.Driver.Show(r.Lamps); err != nil {
			status.Error = fmt.Sprintf("the lamp panel does not answer: %v", err)
		}
	}
	p.set(status)
}

func (p *Panel) close() error {
	p.set(Status{Reading: dark(Stale)})
	if err := p.config.Driver.Close(); err != nil {
		return fmt.Errorf("darken the lamp panel: %w", err)
	}
	return nil
}

func (p *Panel) set(s Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = s
}
