package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lungbox/sync/wire"
)

// Device is a box that the centre knows.
type Device struct {
	wire.Box
	Created time.Time
	Revoked time.Time // zero: it may speak
	Serial  string    // of its certificate
	Group   string    // of rollouts

	Online bool
	Seen   time.Time   // zero: never
	Status wire.Status // the last that it said of itself
	Odd    int         // results in quarantine
}

// Audit keeps what a person did.
func (s *Store) Audit(ctx context.Context, actor, action, detail string) error {
	return s.change(ctx, func(t *tx) error { return s.audit(t, actor, action, detail) })
}

func (s *Store) audit(t *tx, actor, action, detail string) error {
	return t.exec("INSERT INTO audit (n, time, actor, action, detail) SELECT coalesce(max(n), 0) + 1, ?, ?, ?, ? FROM audit", micros(s.now()), actor, action, detail)
}

// Invite keeps the hash of a code's secret with which a box may be enrolled once.
func (s *Store) Invite(ctx context.Context, actor string, b wire.Box, secret []byte, expires time.Time) error {
	if err := b.Check(); err != nil {
		return err
	}
	hash := sha256.Sum256(secret)
	return s.change(ctx, func(t *tx) error {
		var site string
		err := t.row("SELECT site FROM device WHERE id = ?", b.Device).Scan(&site)
		if err == nil && site != b.Site {
			return fmt.Errorf("the name %s is taken by a box of the site %s: choose another", b.Device, site)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := t.exec("INSERT INTO enrolment (hash, site, device, expires) VALUES (?, ?, ?, ?)", hash[:], b.Site, b.Device, micros(expires)); err != nil {
			return err
		}
		return s.audit(t, actor, "enrol", b.String())
	})
}

// ErrCode says that a code is unknown, used or too old: which of them is nobody's business.
var ErrCode = errors.New("the code is not valid: ask the centre for a new one")

// Enrol uses a code up. issue makes the certificate of the box that the code is for and
// returns its serial number; a box that was known before gets a new one, and its old one
// counts no more.
func (s *Store) Enrol(ctx context.Context, secret []byte, issue func(wire.Box) (serial string, err error)) (b wire.Box, err error) {
	hash := sha256.Sum256(secret)
	err = s.change(ctx, func(t *tx) error {
		var expires int64
		var used sql.NullInt64
		err := t.row("SELECT site, device, expires, used FROM enrolment WHERE hash = ?"+t.lock(), hash[:]).Scan(&b.Site, &b.Device, &expires, &used)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (used.Valid || at(expires).Before(s.now())) {
			return ErrCode
		}
		if err != nil {
			return err
		}
		serial, err := issue(b)
		if err != nil {
			return err
		}
		now := micros(s.now())
		if err := t.exec("UPDATE enrolment SET used = ? WHERE hash = ?", now, hash[:]); err != nil {
			return err
		}
		if err := t.exec(`INSERT INTO device (id, site, created, serial) VALUES (?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET serial = excluded.serial, revoked = NULL`, b.Device, b.Site, now, serial); err != nil {
			return err
		}
		return s.audit(t, b.String(), "enrolled", "certificate "+serial)
	})
	return b, err
}

// Adopt takes in boxes whose certificates were made elsewhere, in one step.
func (s *Store) Adopt(ctx context.Context, actor string, boxes []Device) error {
	return s.change(ctx, func(t *tx) error {
		for _, b := range boxes {
			if err := t.exec("INSERT INTO device (id, site, created, serial, grp) VALUES (?, ?, ?, ?, ?)", b.Device, b.Site, micros(s.now()), b.Serial, b.Group); err != nil {
				return err
			}
		}
		return s.audit(t, actor, "adopt", fmt.Sprintf("%d boxes", len(boxes)))
	})
}

// ErrNoDevice says that there is no such box.
var ErrNoDevice = errors.New("no such box: `lunghub devices` lists them")

// Revoke refuses a box from now on. What it sent before stays.
func (s *Store) Revoke(ctx context.Context, actor, device, why string) error {
	return s.change(ctx, func(t *tx) error {
		n, err := t.execCount("UPDATE device SET revoked = ? WHERE id = ? AND revoked IS NULL", micros(s.now()), device)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%s: %w", device, ErrNoDevice)
		}
		return s.audit(t, actor, "revoke", device+": "+why)
	})
}

// Valid says whether a box may connect with a certificate: nil, or [ErrRefused].
func (s *Store) Valid(ctx context.Context, b wire.Box, serial string) error {
	return s.change(ctx, func(t *tx) error {
		if err := s.allowed(t, b); err != nil {
			return err
		}
		var have string
		if err := t.row("SELECT serial FROM device WHERE id = ?", b.Device).Scan(&have); err != nil {
			return err
		}
		if have != serial {
			return fmt.Errorf("%w: %s has a newer certificate", ErrRefused, b)
		}
		return nil
	})
}

// Certificates are the serial numbers with which boxes may connect, by device.
func (s *Store) Certificates(ctx context.Context) (map[string]string, error) {
	rows, err := s.rows(ctx, "SELECT id, serial FROM device WHERE revoked IS NULL")
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var id, serial string
		if err := rows.Scan(&id, &serial); err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		out[id] = serial
	}
	return out, rows.Err()
}

// heard keeps what a box says of itself. A last will of a connection that is not the
// newest of its boot changes nothing.
func (s *Store) heard(t *tx, b wire.Box, st wire.Status) error {
	var boot string
	var connection int64
	err := t.row("SELECT boot, connection FROM status WHERE device = ?"+t.lock(), b.Device).Scan(&boot, &connection)
	now := micros(s.now())
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return t.exec("INSERT INTO status (device, boot, connection, online, seen, body) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			b.Device, st.Boot, int64(st.Connection), st.Online, now, st.Encode())
	case err != nil:
		return err
	case !st.Online && (boot != st.Boot || int64(st.Connection) < connection):
		return nil // late
	case !st.Online:
		return t.exec("UPDATE status SET online = ?, seen = ? WHERE device = ?", false, now, b.Device)
	case boot == st.Boot && int64(st.Connection) < connection:
		return nil
	}
	return t.exec("UPDATE status SET boot = ?, connection = ?, online = ?, seen = ?, body = ? WHERE device = ?",
		st.Boot, int64(st.Connection), true, now, st.Encode(), b.Device)
}

// Devices lists all boxes by site and name.
func (s *Store) Devices(ctx context.Context) (out []Device, err error) {
	rows, err := s.rows(ctx, `SELECT d.id, d.site, d.created, d.revoked, d.serial, d.grp, s.online, s.seen, s.body,
		(SELECT count(*) FROM quarantine q WHERE q.device = d.id)
		FROM device d LEFT JOIN status s ON s.device = d.id ORDER BY d.site, d.id`)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var d Device
		var created int64
		var revoked, seen sql.NullInt64
		var online sql.NullBool
		var body []byte
		if err := rows.Scan(&d.Device, &d.Site, &created, &revoked, &d.Serial, &d.Group, &online, &seen, &body, &d.Odd); err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		d.Created, d.Online = at(created), online.Bool
		if revoked.Valid {
			d.Revoked = at(revoked.Int64)
		}
		if seen.Valid {
			d.Seen = at(seen.Int64)
		}
		if body != nil {
			if d.Status, err = wire.DecodeStatus(body); err != nil {
				return nil, fmt.Errorf("database: box %s: %w", d.Device, err)
			}
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Totals counts what is here.
func (s *Store) Totals(ctx context.Context) (results, odd int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM result), (SELECT count(*) FROM quarantine)").Scan(&results, &odd)
	if err != nil {
		err = fmt.Errorf("database: %w", err)
	}
	return results, odd, err
}
