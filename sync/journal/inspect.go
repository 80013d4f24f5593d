package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lungbox/sync/seal"
)

// Summary is what a journal holds.
type Summary struct {
	Epoch     string   `json:"epoch"`
	Results   uint64   `json:"results"`
	Waiting   uint64   `json:"waiting"` // of these, results that the centre has not acknowledged
	LastSeq   uint64   `json:"last_seq"`
	Exams     uint64   `json:"exams"`
	Events    uint64   `json:"events"`
	Audit     int64    `json:"audit"`     // entries, all of which follow from one another
	SetAside  []string `json:"set_aside"` // folders of databases that were damaged
	Megabytes float64  `json:"megabytes"`
	Sealed    bool     `json:"sealed"` // results are sealed
	Unread    bool     `json:"unread"` // and were not read: their key is not here
}

// Inspect reads a journal from end to end while a box may be writing to it, and changes
// nothing. Without the key of a sealed journal its results are counted and not read. The error
// says what is damaged.
func Inspect(ctx context.Context, dir string, key *seal.Key) (s Summary, err error) {
	path := filepath.Join(dir, databaseFile)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return s, fmt.Errorf("journal: nothing is kept in %s: name the box's folder in box.state, or its configuration with --config", dir)
	}
	if err != nil {
		return s, fmt.Errorf("journal: %w", err)
	}
	s.Megabytes = float64(info.Size()) / (1 << 20)
	s.SetAside = []string{}
	if aside, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "journal-corrupt-*")); err == nil {
		s.SetAside = append(s.SetAside, aside...)
	}
	db, err := openSQLite(path, "ro")
	if err != nil {
		return s, fmt.Errorf("journal %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := check(ctx, db); err != nil {
		return s, fmt.Errorf("journal %s: %w", dir, err)
	}
	row := db.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE key = 'epoch'), count(*), count(*) FILTER (WHERE acked = 0), coalesce(max(seq), 0),
		(SELECT count(*) FROM exam), (SELECT count(*) FROM event) FROM result`)
	if err := row.Scan(&s.Epoch, &s.Results, &s.Waiting, &s.LastSeq, &s.Exams, &s.Events); err != nil {
		return s, fmt.Errorf("journal %s: %w", dir, err)
	}
	var sealed string
	if err := db.QueryRowContext(ctx, "SELECT coalesce((SELECT value FROM meta WHERE key = 'seal'), '')").Scan(&sealed); err != nil {
		return s, fmt.Errorf("journal %s: %w", dir, err)
	}
	s.Sealed = sealed != ""
	j := &Journal{dir: dir, read: db, key: key, epoch: s.Epoch}
	for after := uint64(0); ; {
		some, err := j.Results(ctx, Query{After: after})
		if errors.Is(err, seal.ErrKey) {
			s.Unread = true
			break
		}
		if err != nil {
			return s, err
		}
		if len(some) == 0 {
			break
		}
		after = some[len(some)-1].Seq
	}
	s.Audit, err = j.VerifyAudit(ctx)
	return s, err
}
