package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"lungbox/sync/spreadsheet"
	"lungbox/sync/wire"
)

// Query chooses results; the zero value means all.
type Query struct {
	Site, Device string
	Since, Until time.Time // by the box's clock; zero: no limit
}

// Row is one result as the centre has it.
type Row struct {
	Site, Device, Epoch string
	Seq                 int64
	Time                time.Time
	Exam, Zone, Clip    string
	Score               sql.NullInt64 // not valid: no score
	Reason              string
	Confidence          float64
	Agreed              bool
	Release, Scheme     string
	Simulated           bool
	Received            time.Time
	Body                []byte // JSON, as the box wrote it
}

// Columns name what Fields gives.
func Columns() []string {
	return []string{"site", "device", "epoch", "seq", "time", "exam", "zone", "clip", "score", "reason", "confidence", "agreed", "release", "scheme", "simulated", "received"}
}

// Fields are the row's columns as text. What a spreadsheet would run as a formula gets an
// apostrophe before it: a box that was broken into may send anything as a name.
func (r Row) Fields() []string {
	score := ""
	if r.Score.Valid {
		score = strconv.FormatInt(r.Score.Int64, 10)
	}
	return []string{
		r.Site, r.Device, spreadsheet.Cell(r.Epoch), strconv.FormatInt(r.Seq, 10), r.Time.Format(time.RFC3339Nano), spreadsheet.Cell(r.Exam), spreadsheet.Cell(r.Zone), spreadsheet.Cell(r.Clip), score, spreadsheet.Cell(r.Reason),
		strconv.FormatFloat(r.Confidence, 'g', 6, 64), strconv.FormatBool(r.Agreed), spreadsheet.Cell(r.Release), spreadsheet.Cell(r.Scheme), strconv.FormatBool(r.Simulated), r.Received.Format(time.RFC3339),
	}
}

// Results calls f with every result, by box, epoch and number.
func (s *Store) Results(ctx context.Context, q Query, f func(Row) error) error {
	where, args := "WHERE 1 = 1", []any{}
	add := func(condition string, value any) {
		where += " AND " + condition
		args = append(args, value)
	}
	if q.Site != "" {
		add("site = ?", q.Site)
	}
	if q.Device != "" {
		add("device = ?", q.Device)
	}
	if !q.Since.IsZero() {
		add("time >= ?", micros(q.Since))
	}
	if !q.Until.IsZero() {
		add("time < ?", micros(q.Until))
	}
	rows, err := s.rows(ctx, "SELECT "+rowColumns+" FROM result r "+where+" ORDER BY device, epoch, seq", args...)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return fmt.Errorf("database: %w", err)
		}
		if err := f(r); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}

// ErrNoResult says that a result is not here.
var ErrNoResult = errors.New("there is no such result")

const rowColumns = "r.site, r.device, r.epoch, r.seq, r.time, r.exam, r.zone, r.clip, r.score, r.reason, r.confidence, r.agreed, r.release, r.scheme, r.simulated, r.received, r.body"

// scan reads rowColumns, after other columns.
func scan(from interface{ Scan(into ...any) error }, before ...any) (r Row, err error) {
	var taken, received int64
	err = from.Scan(append(before, &r.Site, &r.Device, &r.Epoch, &r.Seq, &taken, &r.Exam, &r.Zone, &r.Clip, &r.Score, &r.Reason, &r.Confidence, &r.Agreed,
		&r.Release, &r.Scheme, &r.Simulated, &received, &r.Body)...)
	r.Time, r.Received = at(taken), at(received)
	return r, err
}

// Result is one result of a box, or ErrNoResult.
func (s *Store) Result(ctx context.Context, b wire.Box, epoch string, seq uint64) (Row, error) {
	r, err := scan(s.db.QueryRowContext(ctx, bind(s.postgres, "SELECT "+rowColumns+" FROM result r WHERE r.device = ? AND r.epoch = ? AND r.seq = ?"), b.Device, epoch, int64(seq)))
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNoResult
	}
	if err != nil {
		return r, fmt.Errorf("database: %w", err)
	}
	return r, nil
}

// AddFrame keeps where the picture of a result lies, with an entry in the audit trail.
func (s *Store) AddFrame(ctx context.Context, r Row, file string) error {
	return s.change(ctx, func(t *tx) error {
		n, err := t.execCount("INSERT INTO frame (device, epoch, seq, file) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", r.Device, r.Epoch, r.Seq, file)
		if err != nil || n == 0 {
			return err
		}
		return s.audit(t, r.Site+"/"+r.Device, "picture", file)
	})
}

// Frames calls f with every picture that is kept and its result.
func (s *Store) Frames(ctx context.Context, f func(file string, r Row) error) error {
	rows, err := s.rows(ctx, "SELECT f.file, "+rowColumns+" FROM frame f JOIN result r ON r.device = f.device AND r.epoch = f.epoch AND r.seq = f.seq ORDER BY f.device, f.epoch, f.seq")
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var file string
		r, err := scan(rows, &file)
		if err != nil {
			return fmt.Errorf("database: %w", err)
		}
		if err := f(file, r); err != nil {
			return err
		}
	}
	return rows.Err()
}
