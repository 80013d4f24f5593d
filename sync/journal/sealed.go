package journal

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"lungbox/ensemble"
	"lungbox/sync/seal"
)

// errOtherKey says that the database was sealed with a key that is gone: it is set aside, as a
// damaged one, because a box must be able to record.
var errOtherKey = errors.New("the database was sealed with another key")

// settle makes the database fit the key: what an earlier run has kept in the clear is sealed.
func (j *Journal) settle(ctx context.Context) error {
	var have string
	if err := j.write.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'seal'").Scan(&have); err != nil {
		return err
	}
	want := ""
	if j.key != nil {
		want = j.key.Name("journal " + j.epoch)
		// What is removed or replaced must not be left in the file.
		if _, err := j.write.ExecContext(ctx, "PRAGMA secure_delete = ON"); err != nil {
			return err
		}
	}
	switch {
	case have == want:
		return nil
	case want == "":
		return fmt.Errorf("%w: give the box its key again (see box.key), or move the folder away", seal.ErrKey)
	case have != "":
		return errOtherKey
	}
	for {
		n, err := j.sealSome(ctx)
		if err != nil {
			return fmt.Errorf("seal what was kept in the clear: %w", err)
		}
		if n == 0 {
			break
		}
	}
	if err := j.inWrite(ctx, func(tx *sql.Tx) error { return errors.Join(j.sealExams(ctx, tx), j.sealClips(ctx, tx)) }); err != nil {
		return fmt.Errorf("seal what was kept in the clear: %w", err)
	}
	// SQLite leaves pieces of former rows within its pages, whatever secure_delete says: only a
	// file that is written anew has none. That needs room; on a full disk the next start does it.
	for _, statement := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := j.write.ExecContext(ctx, statement); full(err) {
			return nil
		} else if err != nil {
			return fmt.Errorf("seal what was kept in the clear: %w", err)
		}
	}
	_, err := j.write.ExecContext(ctx, "UPDATE meta SET value = ? WHERE key = 'seal'", want)
	return err
}

func (j *Journal) inWrite(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := j.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit there is nothing to undo
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// sealSome seals some results that are in the clear, and says how many.
func (j *Journal) sealSome(ctx context.Context) (n int, err error) {
	return n, j.inWrite(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT body FROM result WHERE substr(body, 1, 1) <> x'00' ORDER BY seq LIMIT 500")
		if err != nil {
			return err
		}
		defer rows.Close()
		var bodies [][]byte
		for rows.Next() {
			var body []byte
			if err := rows.Scan(&body); err != nil {
				return err
			}
			bodies = append(bodies, body)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, body := range bodies {
			var r ensemble.Result
			if err := json.Unmarshal(body, &r); err != nil {
				return fmt.Errorf("%w: a result that cannot be read: %v", errDamaged, err) //nolint:errorlint // one kind is enough
			}
			c := j.columns(r, body)
			if _, err := tx.ExecContext(ctx, "UPDATE result SET exam = ?, zone = ?, clip = ?, file = ?, frame = ?, score = ?, reason = ?, body = ?, sha256 = ? WHERE seq = ?",
				c.exam, c.zone, c.clip, c.file, c.frame, c.score, c.reason, c.body, c.hash, int64(r.Seq)); err != nil {
				return err
			}
		}
		n = len(bodies)
		return nil
	})
}

func (j *Journal) sealExams(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, "SELECT id, label FROM exam")
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []Exam
	for rows.Next() {
		var e Exam
		if err := rows.Scan(&e.ID, &e.Label); err != nil {
			return err
		}
		if !strings.HasPrefix(e.Label, sealedLabel) {
			all = append(all, e)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, e := range all {
		id, label, err := j.hideExam(e)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE exam SET id = ?, label = ? WHERE id = ?", id, label, e.ID); err != nil {
			return err
		}
	}
	return nil
}

// columns are what a row of a result holds. With a key only numbers that say nothing of a
// patient are in the clear.
type columns struct {
	exam, zone, clip, file string
	frame                  int
	score                  any
	reason                 string
	body, hash             []byte
}

func (j *Journal) columns(r ensemble.Result, body []byte) columns {
	hash := j.key.Hash(body)
	c := columns{exam: j.key.Name(r.Exam), body: j.key.Seal(body, j.place(r.Seq)), hash: hash[:]}
	if j.key != nil {
		return c
	}
	c.zone, c.clip, c.file, c.frame, c.reason = r.Zone, r.Clip, r.File, r.Frame, string(r.Reason)
	if r.Score != ensemble.None {
		c.score = int(r.Score)
	}
	return c
}

// place is what a result's body is sealed for.
func (j *Journal) place(seq uint64) string { return fmt.Sprintf("result %s %d", j.epoch, seq) }

// sealedLabel begins the label of an exam that is sealed.
const sealedLabel = "sealed:"

type hidden struct{ ID, Label string }

// hideExam is what is kept of an exam's names.
func (j *Journal) hideExam(e Exam) (id, label string, err error) {
	if j.key == nil {
		return e.ID, e.Label, nil
	}
	text, err := json.Marshal(hidden{e.ID, e.Label})
	if err != nil {
		return "", "", err
	}
	id = j.key.Name(e.ID)
	return id, sealedLabel + base64.StdEncoding.EncodeToString(j.key.Seal(text, "exam "+j.epoch+" "+id)), nil
}

// showExam gives an exam its names back.
func (j *Journal) showExam(e *Exam) error {
	text, ok := strings.CutPrefix(e.Label, sealedLabel)
	if !ok {
		return nil
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return fmt.Errorf("exam %s: %w", e.ID, errDamaged)
	}
	plain, err := j.key.Open(sealed, "exam "+j.epoch+" "+e.ID)
	if err != nil {
		return fmt.Errorf("exam %s: %w", e.ID, err)
	}
	var h hidden
	if err := json.Unmarshal(plain, &h); err != nil {
		return fmt.Errorf("exam %s: %w", e.ID, errDamaged)
	}
	e.ID, e.Label = h.ID, h.Label
	return nil
}
