// Package ingest takes in what boxes send: it checks it, commits it together with what
// other boxes sent in the same moment, and says what is committed.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"lungbox/sync/hub/store"
	"lungbox/sync/wire"
)

// Counts are of everything since the start.
type Counts struct {
	Messages, Refused, Malformed atomic.Uint64
	New, Known, Odd              atomic.Uint64 // results; odd ones are in quarantine
	Commits                      atomic.Uint64
}

// Ingest takes messages in. See New.
type Ingest struct {
	Counts Counts

	// Wish says what a box is to run, when that is other than what it said of itself; nil:
	// nothing to say. It is set before Run.
	Wish func(b wire.Box, s wire.Status) *wire.Wish

	// Committed is called after every commit, before anybody hears of it; nil: nobody asks.
	// It is set before Run. Tests end the hub in it.
	Committed func()

	store *store.Store
	log   *slog.Logger
	queue chan request
	done  chan struct{}
}

// Answer is what to say to a box.
type Answer struct {
	Kind    wire.Kind
	Payload []byte
}

type request struct {
	delivery store.Delivery
	answer   chan<- answer
}

type answer struct {
	store.Outcome
	err error
}

// most is how many deliveries are committed together at most.
const most = 256

// New makes an ingest that Run will run.
func New(s *store.Store, log *slog.Logger) *Ingest {
	return &Ingest{store: s, log: log, queue: make(chan request, most), done: make(chan struct{})}
}

// ErrMalformed says that a message cannot be read. Sending it again helps nobody.
var ErrMalformed = errors.New("malformed")

// Take takes a message in and returns when it is committed, with what to say to the box.
// [store.ErrRefused] and [ErrMalformed] are final; other
// errors are the database's, and the box will send it again.
func (i *Ingest) Take(ctx context.Context, b wire.Box, k wire.Kind, payload []byte) ([]Answer, error) {
	i.Counts.Messages.Add(1)
	d, err := read(b, k, payload)
	if err != nil {
		i.Counts.Malformed.Add(1)
		i.log.Error("a message cannot be read and is dropped", "box", b.String(), "kind", string(k), "why", err)
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	got := make(chan answer, 1)
	select {
	case i.queue <- request{d, got}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-i.done:
		return nil, context.Canceled
	}
	select {
	case a := <-got:
		return i.told(b, d, a)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-i.done:
		return nil, context.Canceled
	}
}

// read turns a message into what is to be committed.
func read(b wire.Box, k wire.Kind, payload []byte) (d store.Delivery, err error) {
	d.Box = b
	switch k {
	case wire.Result:
		d.Epoch, d.Items, err = wire.Decode(payload)
	case wire.Event:
		var n wire.Notes
		n, err = wire.DecodeNotes(payload)
		d.Epoch, d.Notes = n.Epoch, &n
	case wire.State:
		var s wire.Status
		s, err = wire.DecodeStatus(payload)
		d.Epoch, d.Status = s.Epoch, &s
	default:
		err = fmt.Errorf("kind %.40q is not known", k)
	}
	return d, err
}

func (i *Ingest) told(b wire.Box, d store.Delivery, a answer) (out []Answer, err error) {
	if a.err != nil {
		return nil, a.err
	}
	if a.Err != nil {
		i.Counts.Refused.Add(1)
		i.log.Warn("a box is refused", "box", b.String(), "why", a.Err)
		return nil, a.Err
	}
	i.Counts.New.Add(uint64(a.New))
	i.Counts.Known.Add(uint64(a.Known))
	if a.Odd > 0 {
		i.Counts.Odd.Add(uint64(a.Odd))
		i.log.Error("ALARM: results with numbers of other results are in quarantine: a box's disk was copied or put back", "box", b.String(), "epoch", d.Epoch, "results", a.Odd)
	}
	if d.Epoch != "" {
		out = append(out, Answer{wire.Ack, a.Acked.Encode()})
	}
	if d.Status != nil && d.Status.Online && i.Wish != nil {
		if w := i.Wish(b, *d.Status); w != nil {
			out = append(out, Answer{wire.Desired, w.Encode()})
		}
	}
	return out, nil
}

// Run commits until ctx ends.
func (i *Ingest) Run(ctx context.Context) error {
	defer close(i.done)
	for {
		var batch []request
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r := <-i.queue:
			batch = append(batch, r)
		}
		for len(batch) < most {
			select {
			case r := <-i.queue:
				batch = append(batch, r)
				continue
			default:
			}
			break
		}
		i.commit(ctx, batch)
	}
}

// commit commits a batch and answers everybody in it.
func (i *Ingest) commit(ctx context.Context, batch []request) {
	deliveries := make([]store.Delivery, len(batch))
	for n, r := range batch {
		deliveries[n] = r.delivery
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	outcomes, err := i.store.Take(ctx, deliveries)
	i.Counts.Commits.Add(1)
	if err != nil {
		i.log.Error("nothing was committed; boxes send it again", "deliveries", len(batch), "why", err)
	}
	if err == nil && i.Committed != nil {
		i.Committed()
	}
	for n, r := range batch {
		if err != nil {
			r.answer <- answer{err: err}
		} else {
			r.answer <- answer{Outcome: outcomes[n]}
		}
	}
}
