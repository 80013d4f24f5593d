package uplink

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"lungbox/sync/journal"
	"lungbox/sync/wire"
)

// session is the use of one link.
type session struct {
	*Uplink
	link Link

	greeted bool       // the centre has said what it has
	sent    uint64     // number of the newest result that was sent over this link
	flights []flight   // messages without an acknowledgement, in order
	heard   time.Time  // when the centre last acknowledged something, or nothing was owed
	told    wire.Acked // newest acknowledgement
	gapped  time.Time  // since when the centre misses what was sent; zero: it does not
	notes   bool       // events are under way
	failed  chan error // of a Publish
	stated  time.Time  // when the state was last sent
	state   wire.Status
}

// flight is a message of results.
type flight struct {
	last  uint64 // highest number
	count int
}

func newSession(u *Uplink, link Link) *session {
	return &session{Uplink: u, link: link, failed: make(chan error, 1)}
}

// tick is how often states, patience and events are looked at.
const tick = time.Second

func (s *session) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := s.sayState(ctx, true); err != nil {
		return err
	}
	s.heard = time.Now()
	ticks := time.NewTicker(min(tick, s.config.Patience/4))
	defer ticks.Stop()
	gather := time.NewTimer(0) // results may be sent when it has fired
	defer gather.Stop()
	ready := false
	for {
		fresh := s.config.Journal.Fresh()
		if !s.greeted {
			fresh = nil
		}
		if s.greeted && ready {
			s.config.Beat(journalLimit)
			more, err := s.send(ctx)
			if err != nil {
				return err
			}
			// A full message goes at once; few results wait for company.
			ready = more
		}
		if ready {
			fresh = nil // there is more than may be under way: acknowledgements come first
		}
		s.setBusy(len(s.flights) > 0)
		s.config.Beat(0)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.link.Done():
			return s.link.Err()
		case err := <-s.failed:
			return err
		case m := <-s.link.Messages():
			if err := s.take(ctx, m); err != nil {
				return err
			}
			ready = true
		case <-fresh:
			gather.Reset(s.config.Gather)
			select { // until it fires, what comes is only gathered
			case <-gather.C:
				ready = true
			case m := <-s.link.Messages():
				if err := s.take(ctx, m); err != nil {
					return err
				}
				ready = true
			case <-s.link.Done():
				return s.link.Err()
			case <-ctx.Done():
				return ctx.Err()
			}
		case <-ticks.C:
			if len(s.flights) == 0 && s.greeted && !s.notes {
				s.heard = time.Now()
			}
			if time.Since(s.heard) > s.config.Patience {
				return errPatience
			}
			if err := s.sayState(ctx, false); err != nil {
				return err
			}
			if err := s.sayNotes(ctx); err != nil {
				return err
			}
		}
	}
}

// send sends what is pending as far as messages may be under way, and says whether there
// is more.
func (s *session) send(ctx context.Context) (more bool, err error) {
	for len(s.flights) < s.config.InFlight {
		entries, err := s.config.Journal.Pending(ctx, s.sent, s.config.Batch)
		if err != nil {
			return false, err
		}
		if len(entries) == 0 {
			return false, nil
		}
		batch, size := wire.Batch{Epoch: s.config.Journal.Epoch()}, 0
		for _, e := range entries {
			if size += len(e.Body) + 1; size > wire.MaxPlain/2 && len(batch.Bodies) > 0 {
				break
			}
			batch.Bodies = append(batch.Bodies, e.Body)
		}
		payload, err := batch.Encode()
		if err != nil {
			return false, err
		}
		last := entries[len(batch.Bodies)-1].Seq
		s.flights, s.sent = append(s.flights, flight{last, len(batch.Bodies)}), last
		s.publish(ctx, Message{Topic: s.config.Box.Topic(wire.Result), Payload: payload, Sure: true})
	}
	return true, nil
}

// publish sends without waiting; that it was delivered is heard from the centre.
func (s *session) publish(ctx context.Context, m Message) {
	go func() {
		if err := s.link.Publish(ctx, m); err != nil && ctx.Err() == nil {
			select {
			case s.failed <- err:
			default:
			}
		}
	}()
}

// take takes in what the centre says.
func (s *session) take(ctx context.Context, m Message) error {
	s.config.Beat(journalLimit)
	switch m.Topic {
	case s.config.Box.Topic(wire.Ack):
		return s.acknowledged(ctx, m.Payload)
	case s.config.Box.Topic(wire.Desired):
		var w wire.Wish
		if err := json.Unmarshal(m.Payload, &w); err == nil && s.config.Wished != nil {
			s.config.Wished(w) // what cannot be read is no wish: it is only a hint
		}
	}
	return nil
}

func (s *session) acknowledged(ctx context.Context, payload []byte) error {
	a, err := wire.DecodeAck(payload)
	if err != nil {
		return err
	}
	if a.Epoch != s.config.Journal.Epoch() {
		return nil // of a store that is no more
	}
	var gaps []journal.Range
	for _, g := range a.Gaps {
		gaps = append(gaps, journal.Range(g))
	}
	if a.Upto > s.config.Journal.LastSeq() {
		return fmt.Errorf("the centre has result %d of this box, which has %d: its disk was put back to an earlier time; move the journal aside to begin a new epoch", a.Upto, s.config.Journal.LastSeq())
	}
	if a.Whole && !s.greeted {
		if err := s.config.Journal.Demand(ctx, a.Upto, gaps...); err != nil {
			return err
		}
	}
	if err := s.config.Journal.Acknowledge(ctx, a.Upto, gaps...); err != nil {
		return err
	}
	s.heard, s.told = time.Now(), a
	s.notes = false
	if !s.greeted {
		s.greeted = true
		s.changed("")
	}
	left := s.flights[:0]
	for _, f := range s.flights {
		if f.last > a.Upto {
			left = append(left, f)
		}
	}
	s.flights = left
	switch {
	case len(gaps) == 0:
		s.gapped = time.Time{}
	case s.gapped.IsZero() && len(left) > 0:
		s.gapped = time.Now() // messages may overtake each other
	case len(left) == 0 || time.Since(s.gapped) > s.config.Patience/4:
		s.sent, s.gapped = 0, time.Time{} // lost on the way: all that is pending again
	}
	return nil
}

// sayState sends the state when it has changed, or after a while.
func (s *session) sayState(ctx context.Context, first bool) error {
	now := s.status()
	same := now
	same.Time, same.Last, same.Waiting = s.state.Time, s.state.Last, s.state.Waiting
	if !first && time.Since(s.stated) < s.config.StateEach && string(same.Encode()) == string(s.state.Encode()) {
		return nil
	}
	s.state, s.stated = now, time.Now()
	s.publish(ctx, Message{Topic: s.config.Box.Topic(wire.State), Payload: now.Encode(), Retained: true, Sure: true})
	return nil
}

// noteCount is how many events and audit entries travel together.
const noteCount = 100

// sayNotes sends events and audit entries that the centre has not, one message at a time
// and only while no results wait.
func (s *session) sayNotes(ctx context.Context) error {
	if !s.greeted || s.notes || len(s.flights) > 0 {
		return nil
	}
	s.config.Beat(journalLimit)
	n := wire.Notes{Epoch: s.config.Journal.Epoch(), EventsFrom: s.told.Events, AuditFrom: s.told.Audit}
	events, err := s.config.Journal.EventsAfter(ctx, n.EventsFrom, noteCount)
	if err != nil {
		return err
	}
	entries, err := s.config.Journal.AuditAfter(ctx, n.AuditFrom, noteCount)
	if err != nil {
		return err
	}
	if len(events)+len(entries) == 0 {
		return nil
	}
	for _, e := range events {
		n.Events = append(n.Events, wire.Note{ID: e.ID, Time: e.Time, Kind: e.Kind, Detail: e.Detail})
	}
	for _, e := range entries {
		n.Audit = append(n.Audit, wire.Audit{Number: e.Number, Time: e.Time, Actor: e.Actor, Action: e.Action, Detail: e.Detail, Hash: e.Hash[:]})
	}
	payload, err := n.Encode()
	if err != nil {
		return err
	}
	s.notes, s.heard = true, time.Now()
	s.publish(ctx, Message{Topic: s.config.Box.Topic(wire.Event), Payload: payload, Sure: true})
	return nil
}
