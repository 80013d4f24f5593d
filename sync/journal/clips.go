package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lungbox/ensemble"
)

// Clip is some seconds of one zone in an exam, recorded and judged as a whole. Its frames are
// results of the journal.
type Clip struct {
	Exam    string         `json:"exam"`
	Number  int            `json:"number"` // within the exam, from 1
	Zone    string         `json:"zone"`
	Started time.Time      `json:"started"`
	Ended   time.Time      `json:"ended"`
	First   uint64         `json:"first"`           // number of the first frame's result, 0 for none
	Last    uint64         `json:"last"`            // of the last one's
	Frames  int            `json:"frames"`          // results in it
	Scored  int            `json:"scored"`          // of them with a score
	Score   ensemble.Score `json:"score"`           // of the vote, whatever a person says
	Best    uint64         `json:"best"`            // result of the frame that shows the score best, 0 for none
	Human   *Human         `json:"human,omitempty"` // nil: nobody has said otherwise

	// What scored, and what people must be told of it.
	Release   string `json:"release,omitempty"`   // "" for none
	Simulated bool   `json:"simulated,omitempty"` // the pictures are not of a patient
	Notice    string `json:"notice,omitempty"`    // of the release, such as that it is a demo
}

// Human is what a person says of a clip instead of the vote.
type Human struct {
	Score   ensemble.Score `json:"score"`
	Discard bool           `json:"discard,omitempty"` // the clip does not count
	Reason  string         `json:"reason"`
	By      string         `json:"by"`
	At      time.Time      `json:"at"`
}

// SaveClip keeps a clip, in place of a former state of it.
func (j *Journal) SaveClip(ctx context.Context, c Clip) error {
	body, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("journal %s: %w", j.dir, err)
	}
	return j.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO clip (exam, number, body) VALUES (?, ?, ?) ON CONFLICT (exam, number) DO UPDATE SET body = excluded.body",
			j.key.Name(c.Exam), c.Number, j.key.Seal(body, j.clipPlace(c.Exam, c.Number)))
		if err != nil {
			return err
		}
		return j.unsend(ctx, tx, c.Exam)
	}, nil)
}

// Clips are an exam's clips in the order of recording.
func (j *Journal) Clips(ctx context.Context, exam string) (out []Clip, err error) {
	rows, err := j.read.QueryContext(ctx, "SELECT number, body FROM clip WHERE exam = ? ORDER BY number", j.key.Name(exam))
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", j.dir, err)
	}
	defer rows.Close()
	for rows.Next() {
		var number int
		var body []byte
		if err := rows.Scan(&number, &body); err != nil {
			return nil, fmt.Errorf("journal %s: %w", j.dir, err)
		}
		if body, err = j.key.Open(body, j.clipPlace(exam, number)); err != nil {
			return nil, fmt.Errorf("journal %s: clip %d: %w", j.dir, number, err)
		}
		var c Clip
		if err := json.Unmarshal(body, &c); err != nil {
			return nil, fmt.Errorf("journal %s: clip %d: %w", j.dir, number, errors.Join(errDamaged, err))
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// clipPlace is what a clip's body is sealed for.
func (j *Journal) clipPlace(exam string, number int) string {
	return fmt.Sprintf("clip %s %s %d", j.epoch, exam, number)
}

// sealClips seals what was kept in the clear.
func (j *Journal) sealClips(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, "SELECT body FROM clip WHERE substr(body, 1, 1) = x'7b'") // {: JSON
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []Clip
	for rows.Next() {
		var body []byte
		var c Clip
		if err := rows.Scan(&body); err != nil {
			return err
		}
		if err := json.Unmarshal(body, &c); err != nil {
			return errors.Join(errDamaged, err)
		}
		all = append(all, c)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, c := range all {
		body, err := json.Marshal(c)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE clip SET exam = ?, body = ? WHERE exam = ? AND number = ?",
			j.key.Name(c.Exam), j.key.Seal(body, j.clipPlace(c.Exam, c.Number)), c.Exam, c.Number); err != nil {
			return err
		}
	}
	return nil
}
