// Package page is the local web page of a box: the live picture, its score, the
// three votes and the lamp panel, in any browser, without a network.
//
// A picture and its score travel in one message, so they cannot disagree. Messages
// are server-sent events: at most twelve with a picture per second, and one without
// at least every second. A browser that is slow loses messages, nobody else does.
//
// A stale score is the worst thing that this page could show. The server sends a
// result only while it is fresh and says how old its picture is; the script counts
// on from there, adds what the network took, and clears digit, picture and lamps two
// seconds after the picture was taken or the last message came. Without the script
// the page says that there is no live data, for that is what its HTML says.
//
//	/            the page
//	/api/events  server-sent events
//	/api/state   the same as one JSON object, without the picture
//	/api/login   begins a session, where there is a password
//	/api/setup   what a new box can be set up with; POST below it does it
//	/api/exam    the exam; POST below it runs it
//	/help/       the guides
//	/usual.js    the language that the box is set to
//	/api/region  where the ultrasound picture lies; POST sets it, for live sources
//	/healthz     200 while frames are or could be judged, 503 when not
//	/readyz      200 once an engine judges frames or waits for them, 503 before and in a fault
package page

import (
	"context"
	"io/fs"
	"net/http"
	"sync"
	"time"

	"lungbox/daemon/panel"
	"lungbox/daemon/pipeline"
)

const (
	pictureEvery = time.Second / 12       // pictures are not sent more often
	heartbeat    = time.Second            // messages are sent at least this often
	glance       = 100 * time.Millisecond // how often the panel is looked at
	stale        = 2 * time.Second        // a result whose picture is older is not sent; static/freshness.js has the same
)

// Config is what a page is made of.
type Config struct {
	// Listen is the address that the server listens on, as the user gave it, e.g.
	// "127.0.0.1:8080". Requests must name its host, a loopback name or, when it
	// stands for all addresses, an IP address: see Hosts.
	Listen string
	// Hosts are further names that browsers may use, e.g. "lungbox.local". Any other
	// name is refused, or else a foreign site could point its name here and read
	// pictures (DNS rebinding).
	Hosts  []string
	Device string // name of the box
	// Panel says what the lamps show; nil when there is no panel to draw.
	Panel func() panel.Status
	// Viewers bounds the browsers that may watch at a time. 0 means 16.
	Viewers int
	// Notice is what every viewer must be told beside the state, such as a faulty
	// configuration; "" for nothing. nil means that there is never anything.
	Notice func() string
	// Source says what pictures come from, with format and rate; nil: it is not shown.
	Source func() string
	// Centre says how the link to the centre is; nil: there is none.
	Centre func() string
	// Access asks whoever comes from another machine for the box's password; nil: nobody.
	Access *Access
	// Places is set where people may say where the ultrasound picture lies; may be nil.
	Places Places
	Exams  Exams // nil where there are none
	Setup  Setup // nil where there is nothing to set up
	// Help holds the guides in Markdown and their pictures; nil: there are none.
	Help fs.FS
	// Language is what the page speaks where nobody has chosen: en, fr, es or ar; "" for
	// what the browser asks for.
	Language string
	// Night says whether it is night, when the page is dimmed; nil: it never is.
	Night func() bool
	// Also are further handlers by pattern, such as "GET /metrics".
	Also map[string]http.Handler
	Beat func()           // called at every turn of Run's loop; nil: nobody listens
	Now  func() time.Time // nil means time.Now
}

// Page follows the pipeline and shows it. See New.
type Page struct {
	config  Config
	began   time.Time
	viewers viewers

	mu     sync.Mutex
	latest latest
}

// latest is what is known now.
type latest struct {
	status pipeline.Event // newest of all events
	result pipeline.Event // newest event with a result
	panel  panel.Status
}

// New makes a page. Run feeds it, Handler or Serve shows it.
func New(c Config) *Page {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Viewers <= 0 {
		c.Viewers = 16
	}
	p := &Page{config: c, began: c.Now(), viewers: viewers{most: c.Viewers, joined: make(chan struct{}, 1)}}
	p.latest.status.State = pipeline.Starting
	p.latest.status.Detail = "waiting for the pipeline"
	p.look()
	return p
}

// Run takes in the pipeline's events and sends messages to the viewers until ctx
// ends; then it returns nil. When events is closed the page says so.
func (p *Page) Run(ctx context.Context, events <-chan pipeline.Event) error {
	ticks := time.NewTicker(glance)
	defer ticks.Stop()
	due := time.NewTimer(0)
	defer due.Stop()
	var sent, sentPicture time.Time
	waiting := false // there is a result that has not been sent
	for {
		if p.config.Beat != nil {
			p.config.Beat()
		}
		send := false
		select {
		case <-ctx.Done():
			return nil
		case e, open := <-events:
			if !open {
				events, e = nil, pipeline.Event{State: pipeline.Fault, Detail: "the pipeline has ended", Time: p.config.Now()}
			}
			waiting = waiting || e.Result != nil
			send = p.take(e)
		case <-p.viewers.joined:
			waiting = true // so that they see something at once
		case <-due.C:
		case <-ticks.C:
			send = p.look()
		}
		now := p.config.Now()
		wait := pictureEvery - now.Sub(sentPicture)
		if waiting && wait <= 0 {
			p.viewers.send(p.message(now, true))
			waiting, sent, sentPicture = false, now, now
		} else if send || now.Sub(sent) >= heartbeat {
			p.viewers.send(p.message(now, false))
			sent = now
		}
		if waiting {
			due.Reset(wait)
		}
	}
}

// take keeps an event and reports whether the state has changed.
func (p *Page) take(e pipeline.Event) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.latest.status
	p.latest.status = e
	if e.Result != nil {
		p.latest.result = e
	}
	return e.State != old.State || e.Detail != old.Detail || e.About != old.About
}

// look keeps what the panel shows and reports whether that has changed.
func (p *Page) look() (changed bool) {
	if p.config.Panel == nil {
		return false
	}
	s := p.config.Panel()
	p.mu.Lock()
	defer p.mu.Unlock()
	changed = s != p.latest.panel
	p.latest.panel = s
	return changed
}
