package uplink_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lungbox/ensemble"
	"lungbox/sync/journal"
	"lungbox/sync/uplink"
	"lungbox/sync/wire"
)

// centre is a hub in memory behind a link that a test can break.
type centre struct {
	box wire.Box

	mu     sync.Mutex
	down   bool
	deaf   bool // takes messages and answers nothing
	lose   int  // the next so many batches are lost after the broker took them
	have   map[uint64]int
	events int64
	dials  []time.Time
	links  map[*link]bool
}

func (c *centre) Dial(_ context.Context, _ string, _ uplink.Message) (uplink.Link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dials = append(c.dials, time.Now())
	if c.down {
		return nil, errors.New("no way")
	}
	l := &link{centre: c, messages: make(chan uplink.Message, 64), done: make(chan struct{})}
	c.links[l] = true
	return l, nil
}

func (c *centre) set(change func(c *centre)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
	if c.down {
		for l := range c.links {
			l.Close()
		}
	}
}

// acked is what a hub says.
func (c *centre) acked(epoch string) wire.Acked {
	a := wire.Acked{Epoch: epoch, Events: c.events, Whole: true}
	for seq := range c.have {
		a.Upto = max(a.Upto, seq)
	}
	for seq := uint64(1); seq < a.Upto && len(a.Gaps) < wire.MaxGaps; seq++ {
		if c.have[seq] > 0 {
			continue
		}
		if n := len(a.Gaps); n > 0 && a.Gaps[n-1][1] == seq-1 {
			a.Gaps[n-1][1] = seq
		} else {
			a.Gaps = append(a.Gaps, wire.Range{seq, seq})
		}
	}
	return a
}

type link struct {
	centre   *centre
	messages chan uplink.Message
	once     sync.Once
	done     chan struct{}
}

func (l *link) Publish(_ context.Context, m uplink.Message) error {
	c := l.centre
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-l.done:
		return errors.New("broken")
	default:
	}
	_, kind, err := wire.Parse(m.Topic)
	if err != nil || c.deaf {
		return err
	}
	var epoch string
	switch kind {
	case wire.Result:
		if c.lose > 0 {
			c.lose--
			return nil
		}
		var items []wire.Item
		if epoch, items, err = wire.Decode(m.Payload); err != nil {
			return err
		}
		for _, i := range items {
			c.have[i.Seq]++
		}
	case wire.State:
		s, err := wire.DecodeStatus(m.Payload)
		if err != nil || !s.Online {
			return err
		}
		epoch = s.Epoch
	case wire.Event:
		n, err := wire.DecodeNotes(m.Payload)
		if err != nil {
			return err
		}
		epoch, c.events = n.Epoch, n.Events[len(n.Events)-1].ID
	}
	select {
	case l.messages <- uplink.Message{Topic: c.box.Topic(wire.Ack), Payload: c.acked(epoch).Encode()}:
	default:
	}
	return nil
}

func (l *link) Messages() <-chan uplink.Message { return l.messages }
func (l *link) Done() <-chan struct{}           { return l.done }
func (l *link) Err() error                      { return errors.New("broken") }
func (l *link) Close()                          { l.once.Do(func() { close(l.done) }) }

// rig runs an uplink in a bubble of its own time.
func rig(t *testing.T, f func(t *testing.T, c *centre, j *journal.Journal, record func(n int))) {
	t.Helper()
	j, err := journal.Open(t.Context(), t.TempDir(), journal.Options{Reserve: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	record := func(n int) {
		first := j.LastSeq()
		var all sync.WaitGroup
		for i := range n {
			r := ensemble.Result{Device: "b", Epoch: j.Epoch(), Seq: first + uint64(i) + 1, Reason: ensemble.Majority, Votes: []ensemble.Vote{}}
			all.Go(func() {
				if err := j.Record(context.Background(), r); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	c := &centre{box: wire.Box{Site: "s", Device: "b"}, have: map[uint64]int{}, links: map[*link]bool{}}
	f(t, c, j, record)
}

// start runs the uplink in real time with short waits.
func start(t *testing.T, c *centre, j *journal.Journal) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	u := uplink.New(uplink.Config{
		Box: c.box, Journal: j, Transport: c, RetryMin: 5 * time.Millisecond, RetryMax: 20 * time.Millisecond, Gather: time.Millisecond, Patience: 200 * time.Millisecond,
		Batch: int(j.LastSeq())/20 + 2,
	}, "boot")
	go func() { defer close(done); _ = u.Run(ctx) }()
	return func() { cancel(); <-done }
}

func drained(t *testing.T, c *centre, j *journal.Journal, what string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, waiting := j.Count(); waiting == 0 {
			break
		}
		if time.Now().After(deadline) {
			_, waiting := j.Count()
			t.Fatalf("%s: %d results wait", what, waiting)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.have) != int(j.LastSeq()) {
		t.Errorf("%s: the centre has %d of %d", what, len(c.have), j.LastSeq())
	}
}

// A broker that takes messages and loses them costs nothing: a PUBACK is no promise.
func TestLostAfterPuback(t *testing.T) {
	rig(t, func(t *testing.T, c *centre, j *journal.Journal, record func(int)) {
		c.lose = 3
		record(100)
		stop := start(t, c, j)
		drained(t, c, j, "three batches lost")
		c.set(func(c *centre) { c.lose = 1 })
		record(5)
		drained(t, c, j, "the last batch lost")
		stop()
	})
}

// A centre that is deaf, and one that has lost what it had.
func TestDeafAndForgetful(t *testing.T) {
	rig(t, func(t *testing.T, c *centre, j *journal.Journal, record func(int)) {
		c.deaf = true
		record(50)
		stop := start(t, c, j)
		time.Sleep(500 * time.Millisecond)
		c.set(func(c *centre) { c.deaf = false })
		drained(t, c, j, "deaf")
		c.set(func(c *centre) { c.down = true; clear(c.have); c.have[1], c.have[30] = 1, 1; c.events = 0 })
		c.set(func(c *centre) { c.down = false })
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			c.mu.Lock()
			n := len(c.have)
			c.mu.Unlock()
			if n == 50 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("a centre that lost 48 results has %d", n)
			}
		}
		stop()
	})
}

// A day without a link: tries are spread at random and never more than one a minute in the
// long run; then everything goes out.
func TestPartitionOfADay(t *testing.T) {
	rig(t, func(t *testing.T, c *centre, j *journal.Journal, record func(int)) {
		record(10_000)
		c.down = true
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			u := uplink.New(uplink.Config{Box: c.box, Journal: j, Transport: c}, "boot")
			done := make(chan struct{})
			go func() { defer close(done); _ = u.Run(ctx) }()
			time.Sleep(24 * time.Hour)
			c.mu.Lock()
			dials := c.dials
			c.mu.Unlock()
			cancel()
			<-done
			short, long := 0, 0
			for i := 20; i < len(dials); i++ {
				switch pause := dials[i].Sub(dials[i-1]); {
				case pause < 15*time.Second:
					short++
				case pause > 45*time.Second:
					long++
				}
			}
			t.Logf("%d tries in a day, %d pauses below 15 s, %d above 45 s", len(dials), short, long)
			if len(dials) < 24*60 || len(dials) > 24*60*3 || short < len(dials)/8 || long < len(dials)/8 {
				t.Error("the tries are not spread at random over a minute")
			}
		})
		began := time.Now()
		c.set(func(c *centre) { c.down = false; c.dials = nil })
		stop := start(t, c, j)
		drained(t, c, j, "after a day")
		t.Logf("10,000 results drained in %v (a centre in memory)", time.Since(began).Round(time.Millisecond))
		stop()
	})
}
