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
)

// Config is what a panel is made of.
type Config struct {
	Driver Driver // required; Run closes it
	Rules  Rules
	Beat   func()           // called at every turn of Run's loop; nil: nobody listens
	Now    func() time.Time // nil means time.Now
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
	return &Panel{config: c, updating: make(chan bool), stopped: make(chan struct{}), status: Status{Reading: dark(Stale)}}
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

// Run shows what events say until ctx ends; then it closes the driver, which leaves
// the panel dark, and returns the error of that. A driver that fails is tried again
// every second, and Status says so. When events is closed the panel goes dark and
// says Fault. Run can be called once.
func (p *Panel) Run(ctx context.Context, events <-chan pipeline.Event) error {
	defer close(p.stopped)
	ticks := time.NewTicker(glance)
	defer ticks.Stop()
	rules := NewIndicator(p.config.Rules, p.config.Now())
	for {
		p.show(rules.Read(p.config.Now()))
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
		case on := <-p.updating:
			rules.Updating(on)
		case <-ticks.C:
		}
	}
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
