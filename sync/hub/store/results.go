package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"
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

// Fields are the row's columns as text.
func (r Row) Fields() []string {
	score := ""
	if r.Score.Valid {
		score = strconv.FormatInt(r.Score.Int64, 10)
	}
	return []string{
		r.Site, r.Device, r.Epoch, strconv.FormatInt(r.Seq, 10), r.Time.Format(time.RFC3339Nano), r.Exam, r.Zone, r.Clip, score, r.Reason,
		strconv.FormatFloat(r.Confidence, 'g', 6, 64), strconv.FormatBool(r.Agreed), r.Release, r.Scheme, strconv.FormatBool(r.Simulated), r.Received.Format(time.RFC3339),
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
	rows, err := s.rows(ctx, `SELECT site, device, epoch, seq, time, exam, zone, clip, score, reason, confidence, agreed, release, scheme, simulated, received, body
		FROM result `+where+` ORDER BY device, epoch, seq`, args...)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r Row
		var taken, received int64
		if err := rows.Scan(&r.Site, &r.Device, &r.Epoch, &r.Seq, &taken, &r.Exam, &r.Zone, &r.Clip, &r.Score, &r.Reason, &r.Confidence, &r.Agreed,
			&r.Release, &r.Scheme, &r.Simulated, &received, &r.Body); err != nil {
			return fmt.Errorf("database: %w", err)
		}
		r.Time, r.Received = at(taken), at(received)
		if err := f(r); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("database: %w", err)
	}
	return nil
}
