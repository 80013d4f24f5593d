package journal

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// SendReports says whether reports of exams are to be sent to an archive from now on. Exams that
// are there already when that begins are none of the archive's. No clock is asked: one that jumps
// must not lose a report.
func (j *Journal) SendReports(ctx context.Context, want bool) error {
	return j.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var known int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM meta WHERE key = 'send reports'").Scan(&known); err != nil {
			return err
		}
		if want && known > 0 {
			return nil
		}
		if _, err := tx.ExecContext(ctx, "UPDATE exam SET sent = 0 WHERE sent IS NULL"); err != nil {
			return err
		}
		change := "DELETE FROM meta WHERE key = 'send reports'"
		if want {
			change = "INSERT INTO meta (key, value) VALUES ('send reports', 'yes')"
		}
		_, err := tx.ExecContext(ctx, change)
		return err
	}, nil)
}

// Unsent are the exams whose reports are to be sent, the oldest first: those that have ended, and
// those begun before stale, which nobody will go on with.
func (j *Journal) Unsent(ctx context.Context, stale time.Time) ([]Exam, error) {
	return j.exams(ctx, "WHERE sent IS NULL AND (ended IS NOT NULL OR started < ?) ORDER BY started, id", stale.UnixMicro())
}

// Taken are the exams that the archive has, the oldest first.
func (j *Journal) Taken(ctx context.Context) ([]Exam, error) {
	return j.exams(ctx, "WHERE sent > 0 ORDER BY started, id")
}

// Sent notes that an exam's report, so many files, was taken by the archive, here and in the audit
// trail at once. With no file there was nothing to send. An exam or a clip of it that is saved
// after that makes another report, which is to be sent again.
func (j *Journal) Sent(ctx context.Context, exam string, files int) error {
	now := j.now()
	return j.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE exam SET sent = ? WHERE id = ?", max(1, now.UnixMicro()), j.key.Name(exam)); err != nil || files == 0 {
			return err
		}
		return audit(ctx, tx, AuditEntry{Time: now, Actor: "archive", Action: "exam sent to the archive", Detail: fmt.Sprintf("exam %s, %d files", exam, files)})
	}, nil)
}

// unsend makes the report of an exam that was sent one that is to be sent.
func (j *Journal) unsend(ctx context.Context, tx *sql.Tx, exam string) error {
	_, err := tx.ExecContext(ctx, "UPDATE exam SET sent = NULL WHERE id = ? AND sent > 0", j.key.Name(exam))
	return err
}
