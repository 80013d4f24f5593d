// Package uplink brings what a box has found out to the centre. It follows the journal,
// which is the only queue: a result leaves it when the centre says that it has committed
// it, never because a broker took it. Whatever breaks, what is not acknowledged is sent
// again; the centre knows it by (device, epoch, seq) and keeps it once.
//
//	link up ─▶ state (retained) ─▶ the centre answers with all that it has of this epoch
//	        ─▶ batches of what is missing, a few at a time ─▶ acknowledgements ─▶ journal
//	link broken, or no acknowledgement in time ─▶ a new link, after a random while
package uplink

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"lungbox/sync/journal"
	"lungbox/sync/wire"
)

// Config is what an uplink is made of.
type Config struct {
	Box       wire.Box
	Journal   *journal.Journal
	Transport Transport
	// Status is what the box says of itself; the uplink fills in boot, connection, epoch
	// and what waits. nil: only that.
	Status func() wire.Status
	// Wished is told what release the centre desires; nil: nobody asks.
	Wished func(wire.Wish)
	// Changed is told of every change of the link: "" when it is up, else why it is not.
	Changed func(trouble string)
	// Beat is called at every turn of Run's loops; the next comes within that time, or within
	// some seconds when it is 0. nil: nobody listens.
	Beat func(within time.Duration)

	Batch     int           // results of one message; 0 means 200
	InFlight  int           // messages without an acknowledgement; 0 means 4
	Patience  time.Duration // without an acknowledgement; 0 means 30 s
	Gather    time.Duration // how long results wait for others to travel with; 0 means 500 ms
	StateEach time.Duration // how often the state is sent though nothing changed; 0 means 60 s
	RetryMin  time.Duration // of the random wait before another link: 0 means 1 s
	RetryMax  time.Duration // 0 means 60 s
}

// Uplink sends. See New.
type Uplink struct {
	config     Config
	boot       string
	connection uint64

	mu     sync.Mutex
	busy   bool
	busied time.Time // when results were last under way
}

// New makes an uplink that Run will run. boot must be another at every start of the
// program.
func New(c Config, boot string) *Uplink {
	set := func(d *time.Duration, usual time.Duration) {
		if *d == 0 {
			*d = usual
		}
	}
	set(&c.Patience, 30*time.Second)
	set(&c.Gather, 500*time.Millisecond)
	set(&c.StateEach, time.Minute)
	set(&c.RetryMin, time.Second)
	set(&c.RetryMax, time.Minute)
	if c.Beat == nil {
		c.Beat = func(time.Duration) {}
	}
	if c.Batch <= 0 || c.Batch > wire.MaxResults {
		c.Batch = 200
	}
	if c.InFlight <= 0 {
		c.InFlight = 4
	}
	return &Uplink{config: c, boot: boot}
}

// Busy says that results are under way on the link: what can wait, such as downloads,
// should.
func (u *Uplink) Busy() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.busy
}

// Quiet is how long no results have been under way.
func (u *Uplink) Quiet() time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	return time.Since(u.busied)
}

func (u *Uplink) setBusy(on bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.busy || on {
		u.busied = time.Now()
	}
	u.busy = on
}

// Run sends until ctx ends, over as many links as it takes.
func (u *Uplink) Run(ctx context.Context) error {
	wait := u.config.RetryMin
	for ctx.Err() == nil {
		began := time.Now()
		err := u.serveLink(ctx)
		u.setBusy(false)
		if ctx.Err() != nil {
			break
		}
		u.changed(err.Error())
		if time.Since(began) > u.config.RetryMax {
			wait = u.config.RetryMin // it held for a while
		}
		// Full jitter: a thousand boxes that lost the same hub must not come back at once.
		rest := u.config.RetryMin/10 + rand.N(wait)
		u.config.Beat(rest + breath)
		pause := time.NewTimer(rest)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
		wait = min(2*wait, u.config.RetryMax)
	}
	return ctx.Err()
}

// breath is what a bounded step may take longer than its bound on a busy machine, and
// journalLimit how long the journal may take to find or mark thousands of results.
const (
	breath       = 5 * time.Second
	journalLimit = 30 * time.Second
)

func (u *Uplink) changed(trouble string) {
	if u.config.Changed != nil {
		u.config.Changed(trouble)
	}
}

// serveLink opens a link and uses it until it breaks; the error says why.
func (u *Uplink) serveLink(ctx context.Context) error {
	u.connection++
	topic := u.config.Box.Topic(wire.State)
	gone := wire.Status{Boot: u.boot, Connection: u.connection}
	u.config.Beat(2*u.config.Patience + breath)
	dialling, enough := context.WithTimeout(ctx, 2*u.config.Patience)
	link, err := u.config.Transport.Dial(dialling, u.config.Box.Down(), Message{Topic: topic, Payload: gone.Encode(), Retained: true, Sure: true})
	enough()
	if err != nil {
		return err
	}
	s := newSession(u, link)
	err = s.run(ctx)
	if ctx.Err() != nil {
		// As told: others learn at once that the box is off, and need not wait.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		gone.Time = time.Now()
		_ = link.Publish(last, Message{Topic: topic, Payload: gone.Encode(), Retained: true, Sure: true}) // or the last will says it
	}
	link.Close()
	return err
}

// status is what the box says of itself now.
func (u *Uplink) status() wire.Status {
	var s wire.Status
	if u.config.Status != nil {
		s = u.config.Status()
	}
	s.Boot, s.Connection, s.Online, s.Time = u.boot, u.connection, true, time.Now().UTC()
	s.Epoch, s.Last = u.config.Journal.Epoch(), u.config.Journal.LastSeq()
	_, s.Waiting = u.config.Journal.Count()
	return s
}

// errPatience says that the centre does not answer though the link stands.
var errPatience = fmt.Errorf("the centre acknowledges nothing")
