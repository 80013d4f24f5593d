package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// sendSince is the key of meta with the time since when exams are to be sent.
const sendSince = "send since"

// SendReports says whether reports of exams are to be sent to an archive. Exams from before the
// first time that they are are none of the archive's.
func (j *Journal) SendReports(ctx context.Context, want bool, now time.Time) error {
	return j.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		query, args := "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING", []any{sendSince, strconv.FormatInt(now.UnixMicro(), 10)}
		if !want {
			query, args = "DELETE FROM meta WHERE key = ?", args[:1]
		}
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	}, nil)
}

// Unsent are the exams whose reports are to be sent, the oldest first: those that have ended, and
// those begun before stale, which nobody will go on with.
func (j *Journal) Unsent(ctx context.Context, stale time.Time) ([]Exam, error) {
	var since int64
	err := j.read.QueryRowContext(ctx, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?", sendSince).Scan(&since)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", j.dir, err)
	}
	return j.exams(ctx, "WHERE sent IS NULL AND started >= ? AND (ended IS NOT NULL OR started < ?) ORDER BY started, id", since, stale.UnixMicro())
}

// Sent notes that an exam's report, so many files, was taken by the archive, here and in the audit
// trail at once. With no file there was nothing to send.
func (j *Journal) Sent(ctx context.Context, exam string, files int) error {
	now := j.now()
	return j.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE exam SET sent = ? WHERE id = ?", now.UnixMicro(), j.key.Name(exam)); err != nil || files == 0 {
			return err
		}
		return audit(ctx, tx, AuditEntry{Time: now, Actor: "archive", Action: "exam sent to the archive", Detail: fmt.Sprintf("exam %s, %d files", exam, files)})
	}, nil)
}
