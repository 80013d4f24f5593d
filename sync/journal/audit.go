package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// ErrAudit says that the audit trail is not as it was written.
var ErrAudit = errors.New("the audit trail was changed")

// AuditEntry is one line of the audit trail: who did what.
type AuditEntry struct {
	Number                int64 // from 1
	Time                  time.Time
	Actor, Action, Detail string
	Hash                  [sha256.Size]byte
}

// chain is the hash of an entry that follows another. Every field has its length before
// it, so that no two entries give the same bytes.
func (e AuditEntry) chain(before [sha256.Size]byte) (out [sha256.Size]byte) {
	text := append([]byte("lungbox audit 1\n"), before[:]...)
	text = binary.BigEndian.AppendUint64(text, uint64(e.Number))
	text = binary.BigEndian.AppendUint64(text, uint64(e.Time.UnixMicro()))
	for _, field := range []string{e.Actor, e.Action, e.Detail} {
		text = binary.BigEndian.AppendUint64(text, uint64(len(field)))
		text = append(text, field...)
	}
	return sha256.Sum256(text)
}

// Audit adds an entry to the audit trail.
func (j *Journal) Audit(ctx context.Context, actor, action, detail string) error {
	now := j.now()
	return j.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return audit(ctx, tx, AuditEntry{Time: now, Actor: actor, Action: action, Detail: detail})
	}, nil)
}

// audit adds an entry, whose number and hash it makes.
func audit(ctx context.Context, tx *sql.Tx, e AuditEntry) error {
	e.Number = 1
	var before [sha256.Size]byte
	var hash []byte
	err := tx.QueryRowContext(ctx, "SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1").Scan(&e.Number, &hash)
	switch {
	case err == nil:
		e.Number++
		copy(before[:], hash)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	e.Hash = e.chain(before)
	if _, err := tx.ExecContext(ctx, "INSERT INTO audit (n, time, actor, action, detail, hash) VALUES (?, ?, ?, ?, ?, ?)",
		e.Number, e.Time.UnixMicro(), e.Actor, e.Action, e.Detail, e.Hash[:]); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES ('audit', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", head(e))
	return err
}

// scanEntry reads a row of the audit trail; its hash as it is stored, whatever that is.
func scanEntry(rows *sql.Rows) (e AuditEntry, hash []byte, err error) {
	var micros int64
	err = rows.Scan(&e.Number, &micros, &e.Actor, &e.Action, &e.Detail, &hash)
	e.Time = time.UnixMicro(micros).UTC()
	return e, hash, err
}

// AuditAfter are the entries with numbers above n, in order, at most limit.
func (j *Journal) AuditAfter(ctx context.Context, n int64, limit int) (out []AuditEntry, err error) {
	rows, err := j.read.QueryContext(ctx, "SELECT n, time, actor, action, detail, hash FROM audit WHERE n > ? ORDER BY n LIMIT ?", n, limit)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", j.dir, err)
	}
	defer rows.Close()
	for rows.Next() {
		e, hash, err := scanEntry(rows)
		if err != nil {
			return nil, fmt.Errorf("journal %s: %w", j.dir, err)
		}
		copy(e.Hash[:], hash)
		out = append(out, e)
	}
	return out, rows.Err()
}

// head is what the meta table says of the last entry.
func head(e AuditEntry) string { return fmt.Sprintf("%d %s", e.Number, hex.EncodeToString(e.Hash[:])) }

// VerifyAudit reads the whole trail and says how many entries it has. The error names the
// first that is not as it was written.
func (j *Journal) VerifyAudit(ctx context.Context) (entries int64, err error) {
	var last AuditEntry
	tx, err := j.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, fmt.Errorf("journal %s: %w", j.dir, err)
	}
	defer tx.Rollback() //nolint:errcheck // it has only read
	rows, err := tx.QueryContext(ctx, "SELECT n, time, actor, action, detail, hash FROM audit ORDER BY n")
	if err != nil {
		return 0, fmt.Errorf("journal %s: %w", j.dir, err)
	}
	defer rows.Close()
	for rows.Next() {
		e, hash, err := scanEntry(rows)
		if err != nil {
			return entries, fmt.Errorf("journal %s: %w", j.dir, err)
		}
		e.Hash = e.chain(last.Hash)
		if e.Number != last.Number+1 || !bytes.Equal(e.Hash[:], hash) {
			return entries, fmt.Errorf("journal %s: %w: entry %d does not follow from entry %d", j.dir, ErrAudit, e.Number, last.Number)
		}
		last = e
		entries++
	}
	if err := rows.Err(); err != nil {
		return entries, fmt.Errorf("journal %s: %w", j.dir, err)
	}
	want := ""
	err = tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'audit'").Scan(&want)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return entries, fmt.Errorf("journal %s: %w", j.dir, err)
	}
	if entries > 0 && head(last) != want || entries == 0 && want != "" {
		return entries, fmt.Errorf("journal %s: %w: it ends with entry %d, the last one written was %q", j.dir, ErrAudit, last.Number, want)
	}
	return entries, nil
}
