package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"lungbox/ensemble"
	"lungbox/sync/wire"
)

// Delivery is what one box sends at a time: results, or events and audit entries, or its
// state.
type Delivery struct {
	Box    wire.Box
	Epoch  string // "" for a state of a box without one
	Items  []wire.Item
	Notes  *wire.Notes  // nil: none
	Status *wire.Status // nil: none; the answer then says that there is nothing beyond it
}

// Outcome is what became of a delivery.
type Outcome struct {
	Acked wire.Acked
	New   int   // results that were not here
	Known int   // that were
	Odd   int   // that are in quarantine: another result has their number
	Err   error // nothing was taken: [ErrRefused]
}

// ErrRefused says that a box may not speak: it is unknown, revoked, or of another site.
var ErrRefused = errors.New("the box is refused")

// Take commits deliveries together and says what is here of each box's epoch then.
func (s *Store) Take(ctx context.Context, deliveries []Delivery) ([]Outcome, error) {
	out := make([]Outcome, len(deliveries))
	// Hubs that share a database lock rows in one order.
	order := make([]int, len(deliveries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(deliveries[a].Box.Device, deliveries[b].Box.Device) })
	err := s.change(ctx, func(t *tx) error {
		clear(out)
		for _, i := range order {
			d := deliveries[i]
			err := s.allowed(t, d.Box)
			if errors.Is(err, ErrRefused) {
				out[i].Err = err
				continue
			}
			if err != nil {
				return err
			}
			if d.Status != nil {
				if err := s.heard(t, d.Box, *d.Status); err != nil {
					return err
				}
			}
			if d.Epoch == "" {
				continue
			}
			if out[i], err = s.take(t, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	return out, nil
}

// allowed says whether a box may speak.
func (s *Store) allowed(t *tx, b wire.Box) error {
	var site string
	var revoked sql.NullInt64
	err := t.row("SELECT site, revoked FROM device WHERE id = ?", b.Device).Scan(&site, &revoked)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%w: %s is not enrolled", ErrRefused, b)
	case err != nil:
		return err
	case site != b.Site:
		return fmt.Errorf("%w: %s belongs to the site %s", ErrRefused, b, site)
	case revoked.Valid:
		return fmt.Errorf("%w: %s was revoked", ErrRefused, b)
	}
	return nil
}

func (s *Store) take(t *tx, d Delivery) (o Outcome, err error) {
	if err := t.exec("INSERT INTO mark (device, epoch, ranges, events, audit) VALUES (?, ?, '', 0, 0) ON CONFLICT DO NOTHING", d.Box.Device, d.Epoch); err != nil {
		return o, err
	}
	o.Acked = wire.Acked{Epoch: d.Epoch, Whole: d.Status != nil}
	var text string
	err = t.row("SELECT ranges, events, audit FROM mark WHERE device = ? AND epoch = ?"+t.lock(), d.Box.Device, d.Epoch).Scan(&text, &o.Acked.Events, &o.Acked.Audit)
	if err != nil {
		return o, err
	}
	here, err := parseRanges(text)
	if err != nil {
		return o, err
	}
	for _, i := range d.Items {
		fresh := !here.has(i.Seq)
		if fresh {
			if fresh, err = s.insert(t, d.Box, i); err != nil {
				return o, err
			}
			here = here.add(i.Seq)
		}
		if fresh {
			o.New++
			continue
		}
		same, err := s.same(t, d.Box, i)
		if err != nil {
			return o, err
		}
		if same {
			o.Known++
		} else {
			o.Odd++
		}
	}
	if d.Notes != nil {
		if err := s.takeNotes(t, d, &o.Acked); err != nil {
			return o, err
		}
	}
	if now := here.String(); now != text || d.Notes != nil {
		if err := t.exec("UPDATE mark SET ranges = ?, events = ?, audit = ? WHERE device = ? AND epoch = ?", now, o.Acked.Events, o.Acked.Audit, d.Box.Device, d.Epoch); err != nil {
			return o, err
		}
	}
	o.Acked.Upto, o.Acked.Gaps = here.acked()
	return o, nil
}

// insert keeps a result unless its number is taken.
func (s *Store) insert(t *tx, b wire.Box, i wire.Item) (fresh bool, err error) {
	var score any
	if i.Score != ensemble.None {
		score = int(i.Score)
	}
	agreed := true
	for _, v := range i.Votes {
		agreed = agreed && v.Score == i.Votes[0].Score
	}
	n, err := t.execCount(`INSERT INTO result
		(device, epoch, seq, sha256, site, time, exam, zone, clip, score, reason, confidence, agreed, release, scheme, simulated, body, received)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		b.Device, i.Epoch, int64(i.Seq), i.SHA256[:], b.Site, micros(i.Time), i.Exam, i.Zone, i.Clip, score, string(i.Reason), i.Confidence, agreed,
		i.Release, i.Scheme, i.Simulated, i.Body, micros(s.now()))
	return n == 1, err
}

// same says whether a result is the one that is here; another goes to quarantine.
func (s *Store) same(t *tx, b wire.Box, i wire.Item) (bool, error) {
	var have []byte
	if err := t.row("SELECT sha256 FROM result WHERE device = ? AND epoch = ? AND seq = ?", b.Device, i.Epoch, int64(i.Seq)).Scan(&have); err != nil {
		return false, err
	}
	if bytes.Equal(have, i.SHA256[:]) {
		return true, nil
	}
	return false, t.exec("INSERT INTO quarantine (device, epoch, seq, sha256, body, why, received) VALUES (?, ?, ?, ?, ?, 'another result has its number', ?) ON CONFLICT DO NOTHING",
		b.Device, i.Epoch, int64(i.Seq), i.SHA256[:], i.Body, micros(s.now()))
}

// takeNotes keeps events and audit entries that follow what is here.
func (s *Store) takeNotes(t *tx, d Delivery, a *wire.Acked) error {
	if n := d.Notes; n.EventsFrom <= a.Events {
		for _, e := range n.Events {
			if e.ID <= a.Events {
				continue
			}
			if err := t.exec("INSERT INTO event (device, epoch, id, time, kind, detail) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
				d.Box.Device, d.Epoch, e.ID, micros(e.Time), e.Kind, e.Detail); err != nil {
				return err
			}
			a.Events = e.ID
		}
	}
	if n := d.Notes; n.AuditFrom <= a.Audit {
		for _, e := range n.Audit {
			if e.Number != a.Audit+1 {
				continue
			}
			if err := t.exec("INSERT INTO box_audit (device, epoch, n, time, actor, action, detail, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
				d.Box.Device, d.Epoch, e.Number, micros(e.Time), e.Actor, e.Action, e.Detail, e.Hash); err != nil {
				return err
			}
			a.Audit = e.Number
		}
	}
	return nil
}
