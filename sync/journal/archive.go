package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lungbox/sync/seal"
)

// Archive reads a journal's exams while a box may be writing to it, and changes nothing.
type Archive struct {
	j *Journal
}

// OpenArchive opens a journal's folder for reading.
func OpenArchive(ctx context.Context, dir string, key *seal.Key) (*Archive, error) {
	path := filepath.Join(dir, databaseFile)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("journal: nothing is kept in %s: name the box's folder in box.state, or its configuration with --config", dir)
	}
	db, err := openSQLite(path, "ro")
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", dir, err)
	}
	a := &Archive{&Journal{dir: dir, read: db, key: key}}
	if err := a.open(ctx, db); err != nil {
		return nil, fmt.Errorf("journal %s: %w", dir, errors.Join(err, db.Close()))
	}
	return a, nil
}

func (a *Archive) open(ctx context.Context, db *sql.DB) error {
	var have int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	switch {
	case have > version():
		return fmt.Errorf("%w (schema %d, this one knows %d): install that version again", ErrNewer, have, version())
	case have < version():
		return errors.New("it was written by an earlier version: start the box once")
	}
	return db.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'epoch'").Scan(&a.j.epoch)
}

// Epoch names this database: random, and never used again.
func (a *Archive) Epoch() string { return a.j.epoch }

// Exams are the newest exams, at most limit, the newest first.
func (a *Archive) Exams(ctx context.Context, limit int) ([]Exam, error) { return a.j.Exams(ctx, limit) }

// Clips are an exam's clips in the order of recording.
func (a *Archive) Clips(ctx context.Context, exam string) ([]Clip, error) {
	return a.j.Clips(ctx, exam)
}

// Close closes it.
func (a *Archive) Close() error { return a.j.read.Close() }
