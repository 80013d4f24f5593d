package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Event is something that happened to the box: a state that changed, a file that was
// rejected and why. Detail names no patient.
type Event struct {
	ID     int64 // given by AddEvent
	Time   time.Time
	Kind   string // state, rejected, …
	Detail string
}

// AddEvent keeps an event.
func (j *Journal) AddEvent(ctx context.Context, e Event) error {
	return j.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO event (time, kind, detail) VALUES (?, ?, ?)", e.Time.UnixMicro(), e.Kind, e.Detail)
		return err
	}, nil)
}

// Events are the newest events, at most limit, the newest first; of one kind, or of all
// for "".
func (j *Journal) Events(ctx context.Context, kind string, limit int) (out []Event, err error) {
	rows, err := j.read.QueryContext(ctx, "SELECT id, time, kind, detail FROM event WHERE ?1 = '' OR kind = ?1 ORDER BY id DESC LIMIT ?2", kind, limit)
	return j.scanEvents(rows, err)
}

// scanEvents reads the rows of a query for events.
func (j *Journal) scanEvents(rows *sql.Rows, err error) (out []Event, _ error) {
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", j.dir, err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Event
		var micros int64
		if err := rows.Scan(&e.ID, &micros, &e.Kind, &e.Detail); err != nil {
			return nil, fmt.Errorf("journal %s: %w", j.dir, err)
		}
		e.Time = time.UnixMicro(micros).UTC()
		out = append(out, e)
	}
	return out, rows.Err()
}

// EventsAfter are the events with numbers above id, the oldest first, at most limit.
func (j *Journal) EventsAfter(ctx context.Context, id int64, limit int) (out []Event, err error) {
	rows, err := j.read.QueryContext(ctx, "SELECT id, time, kind, detail FROM event WHERE id > ? ORDER BY id LIMIT ?", id, limit)
	return j.scanEvents(rows, err)
}

// Exam is one examination of a patient.
type Exam struct {
	ID      string
	Scheme  string // of zones: blue12, …
	Label   string // what the site calls it; it stays on the box
	Started time.Time
	Ended   time.Time // zero: not yet
}

// ErrNoExam says that there is no such exam.
var ErrNoExam = errors.New("journal: no such exam")

// SaveExam keeps an exam, in place of a former state of it.
func (j *Journal) SaveExam(ctx context.Context, e Exam) error {
	var ended any
	if !e.Ended.IsZero() {
		ended = e.Ended.UnixMicro()
	}
	id, label, err := j.hideExam(e)
	if err != nil {
		return err
	}
	return j.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO exam (id, scheme, label, started, ended) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET scheme = excluded.scheme, label = excluded.label, started = excluded.started, ended = excluded.ended`,
			id, e.Scheme, label, e.Started.UnixMicro(), ended)
		if err != nil {
			return err
		}
		return j.unsend(ctx, tx, e.ID)
	}, nil)
}

// Exam is the exam with this id, or ErrNoExam.
func (j *Journal) Exam(ctx context.Context, id string) (Exam, error) {
	found, err := j.exams(ctx, "WHERE id = ?", j.key.Name(id))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: %q", ErrNoExam, id)
	}
	if err != nil {
		return Exam{}, err
	}
	return found[0], nil
}

// Exams are the newest exams, at most limit, the newest first.
func (j *Journal) Exams(ctx context.Context, limit int) ([]Exam, error) {
	return j.exams(ctx, "ORDER BY started DESC, id LIMIT ?", limit)
}

func (j *Journal) exams(ctx context.Context, where string, args ...any) (out []Exam, err error) {
	rows, err := j.read.QueryContext(ctx, "SELECT id, scheme, label, started, ended FROM exam "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", j.dir, err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Exam
		var started int64
		var ended sql.NullInt64
		if err := rows.Scan(&e.ID, &e.Scheme, &e.Label, &started, &ended); err != nil {
			return nil, fmt.Errorf("journal %s: %w", j.dir, err)
		}
		if err := j.showExam(&e); err != nil {
			return nil, fmt.Errorf("journal %s: %w", j.dir, err)
		}
		e.Started = time.UnixMicro(started).UTC()
		if ended.Valid {
			e.Ended = time.UnixMicro(ended.Int64).UTC()
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
