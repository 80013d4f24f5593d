package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"

	"lungbox/ensemble"
	"lungbox/sync/seal"
)

// Entry is a kept result: the JSON object as it was recorded and as it is sent.
type Entry struct {
	Seq    uint64
	Body   []byte
	SHA256 [sha256.Size]byte // of Body
	Acked  bool              // the centre has it
}

// Result reads the entry's body.
func (e Entry) Result() (r ensemble.Result, err error) {
	if err = json.Unmarshal(e.Body, &r); err != nil {
		err = fmt.Errorf("result %d: %w", e.Seq, err)
	}
	return r, err
}

// Record keeps a result and returns when it will survive a power loss. The same result
// again is no error; another with its number is [ErrConflict].
func (j *Journal) Record(ctx context.Context, r ensemble.Result) error {
	if r.Epoch != j.epoch {
		return fmt.Errorf("result %d is of epoch %q, the journal of %q", r.Seq, r.Epoch, j.epoch)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("result %d: %w", r.Seq, err)
	}
	known := false
	return j.change(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		known, err = j.record(ctx, tx, r, body)
		return err
	}, func() {
		if !known {
			j.came(r.Seq)
		}
	})
}

// came counts a new result and wakes whoever waits for one. The committer calls it.
func (j *Journal) came(seq uint64) {
	j.last.Store(max(j.last.Load(), seq))
	j.total.Add(1)
	j.waiting.Add(1)
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.fresh)
	j.fresh = make(chan struct{})
}

// record inserts a result and says whether this very one was there before.
func (j *Journal) record(ctx context.Context, tx *sql.Tx, r ensemble.Result, body []byte) (known bool, err error) {
	c := j.columns(r, body)
	made, err := tx.ExecContext(ctx,
		"INSERT INTO result (seq, time, exam, zone, clip, file, frame, score, reason, release, simulated, body, sha256) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (seq) DO NOTHING",
		int64(r.Seq), r.Time.UnixMicro(), c.exam, c.zone, c.clip, c.file, c.frame, c.score, c.reason, r.Release, r.Simulated, c.body, c.hash)
	if err != nil {
		return false, err
	}
	if n, err := made.RowsAffected(); err != nil || n == 1 {
		return false, err
	}
	var before []byte
	if err := tx.QueryRowContext(ctx, "SELECT sha256 FROM result WHERE seq = ?", int64(r.Seq)).Scan(&before); err != nil {
		return false, err
	}
	if !bytes.Equal(before, c.hash) {
		return false, fmt.Errorf("result %d: %w", r.Seq, ErrConflict)
	}
	return true, nil
}

// Fresh is closed when a result comes after the call: a follower asks for it, then for
// what is pending, then waits.
func (j *Journal) Fresh() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.fresh
}

// Pending are results that the centre has not acknowledged, with numbers above after,
// the oldest first, at most limit.
func (j *Journal) Pending(ctx context.Context, after uint64, limit int) ([]Entry, error) {
	return j.entries(ctx, "WHERE acked = 0 AND seq > ? ORDER BY seq LIMIT ?", int64(after), limit)
}

// Query chooses results; the zero value means all.
type Query struct {
	Exam  string // "": of any exam or none
	After uint64 // numbers above this
	Limit int    // 0: 1000
}

// Results are kept results in the order of their numbers.
func (j *Journal) Results(ctx context.Context, q Query) ([]Entry, error) {
	if q.Limit <= 0 {
		q.Limit = 1000
	}
	if q.Exam != "" {
		return j.entries(ctx, "WHERE exam = ? AND exam <> '' AND seq > ? ORDER BY seq LIMIT ?", j.key.Name(q.Exam), int64(q.After), q.Limit)
	}
	return j.entries(ctx, "WHERE seq > ? ORDER BY seq LIMIT ?", int64(q.After), q.Limit)
}

func (j *Journal) entries(ctx context.Context, where string, args ...any) (out []Entry, err error) {
	rows, err := j.read.QueryContext(ctx, "SELECT seq, body, sha256, acked FROM result "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", j.dir, err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var hash []byte
		if err := rows.Scan(&e.Seq, &e.Body, &hash, &e.Acked); err != nil {
			return nil, fmt.Errorf("journal %s: %w", j.dir, err)
		}
		known := sha256.Sum256
		if seal.Sealed(e.Body) {
			known = j.key.Hash
			if e.Body, err = j.key.Open(e.Body, j.place(e.Seq)); err != nil {
				return nil, fmt.Errorf("journal %s: result %d: %w", j.dir, e.Seq, err)
			}
		}
		e.SHA256 = sha256.Sum256(e.Body)
		if want := known(e.Body); !bytes.Equal(want[:], hash) {
			return nil, fmt.Errorf("journal %s: result %d: %w: its hash does not fit", j.dir, e.Seq, errDamaged)
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// Range is the numbers from the first to the second, both included.
type Range [2]uint64

// Acknowledge marks what the centre has committed: all numbers up to upTo but the gaps,
// which it does not have.
func (j *Journal) Acknowledge(ctx context.Context, upTo uint64, gaps ...Range) error {
	if upTo > j.LastSeq() {
		return fmt.Errorf("result %d is acknowledged, the last one is %d: the centre takes this box for another", upTo, j.LastSeq())
	}
	where, marks := "acked = 0 AND seq <= ?", []any{int64(upTo)}
	for _, g := range gaps {
		where += " AND NOT (seq BETWEEN ? AND ?)"
		marks = append(marks, int64(g[0]), int64(g[1]))
	}
	return j.mark(ctx, 1, where, marks)
}

// Demand marks as not acknowledged what the centre does not have, though it once had: all
// numbers above upTo and the gaps. They are sent again.
func (j *Journal) Demand(ctx context.Context, upTo uint64, gaps ...Range) error {
	where, marks := "acked = 1 AND (seq > ?", []any{int64(upTo)}
	for _, g := range gaps {
		where += " OR seq BETWEEN ? AND ?"
		marks = append(marks, int64(g[0]), int64(g[1]))
	}
	return j.mark(ctx, 0, where+")", marks)
}

func (j *Journal) mark(ctx context.Context, acked int, where string, marks []any) error {
	var n int64
	return j.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE result SET acked = %d WHERE %s", acked, where), marks...)
		if err != nil {
			return err
		}
		n, err = done.RowsAffected()
		return err
	}, func() {
		if acked == 1 {
			n = -n
		}
		j.waiting.Add(uint64(n))
	})
}
