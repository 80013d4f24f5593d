package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"

	"lungbox/sync/password"
)

// Role says what a person may do at the hub. Each may do what those before it may.
type Role string

// Roles.
const (
	Viewer   Role = "viewer"   // look and export
	Operator Role = "operator" // pause, resume and abort rollouts
	Admin    Role = "admin"    // enrol and revoke boxes, read the audit trail
)

var order = map[Role]int{Viewer: 1, Operator: 2, Admin: 3}

// May says whether a person with this role may do what needs another.
func (r Role) May(need Role) bool { return order[r] >= order[need] && order[need] > 0 }

// Person is somebody who may log in.
type Person struct {
	Name string
	Role Role
}

var personName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,31}$`)

// SetPerson adds a person, or gives one another password and role; their sessions end.
func (s *Store) SetPerson(ctx context.Context, actor string, p Person, secret string) error {
	if !personName.MatchString(p.Name) {
		return fmt.Errorf("name %q: want small letters, digits, dots and hyphens", p.Name)
	}
	if order[p.Role] == 0 {
		return fmt.Errorf("role %q: want viewer, operator or admin", p.Role)
	}
	text, err := password.Hash(secret)
	if err != nil {
		return err
	}
	return s.change(ctx, func(t *tx) error {
		if err := t.exec("DELETE FROM session WHERE name = ?", p.Name); err != nil {
			return err
		}
		if err := t.exec("INSERT INTO person (name, hash, role, created) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role",
			p.Name, text, string(p.Role), micros(s.now())); err != nil {
			return err
		}
		return s.audit(t, actor, "person", p.Name+" is "+string(p.Role))
	})
}

// RemovePerson ends a person's access.
func (s *Store) RemovePerson(ctx context.Context, actor, name string) error {
	return s.change(ctx, func(t *tx) error {
		n, err := t.execCount("DELETE FROM person WHERE name = ?", name)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("there is no person %q", name)
		}
		if err := t.exec("DELETE FROM session WHERE name = ?", name); err != nil {
			return err
		}
		return s.audit(t, actor, "person", name+" was removed")
	})
}

// ErrPassword says that name and password do not belong together.
var ErrPassword = errors.New("name or password is wrong")

// sessionTime is how long a login lasts.
const sessionTime = 12 * time.Hour

// Login checks a password and begins a session; the token goes into a cookie.
func (s *Store) Login(ctx context.Context, name, secret string) (token string, err error) {
	var text string
	err = s.db.QueryRowContext(ctx, bind(s.postgres, "SELECT hash FROM person WHERE name = ?"), name).Scan(&text)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("database: %w", err)
	}
	if !password.Fits(text, secret) { // nobody's takes as long
		return "", ErrPassword
	}
	token = rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(token))
	return token, s.change(ctx, func(t *tx) error {
		if err := t.exec("DELETE FROM session WHERE expires < ?", micros(s.now())); err != nil {
			return err
		}
		if err := t.exec("INSERT INTO session (hash, name, expires) VALUES (?, ?, ?)", sum[:], name, micros(s.now().Add(sessionTime))); err != nil {
			return err
		}
		return s.audit(t, name, "login", "")
	})
}

// Session is who a token belongs to.
func (s *Store) Session(ctx context.Context, token string) (p Person, err error) {
	sum := sha256.Sum256([]byte(token))
	var expires int64
	err = s.db.QueryRowContext(ctx, bind(s.postgres, "SELECT p.name, p.role, s.expires FROM session s JOIN person p ON p.name = s.name WHERE s.hash = ?"), sum[:]).
		Scan(&p.Name, &p.Role, &expires)
	if errors.Is(err, sql.ErrNoRows) || err == nil && at(expires).Before(s.now()) {
		return Person{}, ErrPassword
	}
	if err != nil {
		return Person{}, fmt.Errorf("database: %w", err)
	}
	return p, nil
}

// Logout ends a session.
func (s *Store) Logout(ctx context.Context, token string) error {
	sum := sha256.Sum256([]byte(token))
	return s.change(ctx, func(t *tx) error { return t.exec("DELETE FROM session WHERE hash = ?", sum[:]) })
}

// Day is what a site's boxes scored in a day (UTC).
type Day struct {
	Site      string    `json:"site"`
	Day       string    `json:"day"` // YYYY-MM-DD
	Scores    [4]uint64 `json:"scores"`
	None      uint64    `json:"none"` // frames without a score
	Simulated uint64    `json:"simulated"`
}

const dayMicros = 24 * 3600 * 1_000_000

// Days counts scores by site and day since a time, by the boxes' clocks.
func (s *Store) Days(ctx context.Context, since time.Time) (out []Day, err error) {
	rows, err := s.rows(ctx, fmt.Sprintf(`SELECT site, time / %d AS day, count(CASE WHEN score = 0 THEN 1 END), count(CASE WHEN score = 1 THEN 1 END),
		count(CASE WHEN score = 2 THEN 1 END), count(CASE WHEN score = 3 THEN 1 END), count(CASE WHEN score IS NULL THEN 1 END), count(CASE WHEN simulated THEN 1 END)
		FROM result WHERE time >= ? GROUP BY site, day ORDER BY site, day`, int64(dayMicros)), micros(since))
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var d Day
		var day int64
		if err := rows.Scan(&d.Site, &day, &d.Scores[0], &d.Scores[1], &d.Scores[2], &d.Scores[3], &d.None, &d.Simulated); err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		d.Day = at(day * dayMicros).Format("2006-01-02")
		out = append(out, d)
	}
	return out, rows.Err()
}

// Entry is an entry of the hub's audit trail.
type Entry struct {
	Number int64     `json:"n"`
	Time   time.Time `json:"time"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	Detail string    `json:"detail"`
}

// Entries are the newest entries of the audit trail.
func (s *Store) Entries(ctx context.Context, limit int) (out []Entry, err error) {
	rows, err := s.rows(ctx, "SELECT n, time, actor, action, detail FROM audit ORDER BY n DESC LIMIT ?", limit)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var when int64
		if err := rows.Scan(&e.Number, &when, &e.Actor, &e.Action, &e.Detail); err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
		e.Time = at(when)
		out = append(out, e)
	}
	return out, rows.Err()
}

// SetGroup puts a box into a group of rollouts; "" for none.
func (s *Store) SetGroup(ctx context.Context, actor, device, group string) error {
	return s.change(ctx, func(t *tx) error {
		n, err := t.execCount("UPDATE device SET grp = ? WHERE id = ?", group, device)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("%s: %w", device, ErrNoDevice)
		}
		return s.audit(t, actor, "group", device+": "+group)
	})
}
