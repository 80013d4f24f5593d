package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var errDamaged = errors.New("the database is damaged")

// Damaged says whether an error means that the database cannot be trusted: the journal is to
// be closed and opened again, which sets the database aside.
func Damaged(err error) bool {
	code := resultCode(err)
	return errors.Is(err, errDamaged) || code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// full says whether an error means that the disk has no room.
func full(err error) bool { return resultCode(err) == sqlite3.SQLITE_FULL }

// resultCode is SQLite's primary result code, 0 for other errors.
func resultCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// setAside moves a damaged database with all that belongs to it into a folder beside the
// journal's, and returns that folder.
func setAside(dir string, now time.Time) (string, error) {
	base := filepath.Join(filepath.Dir(dir), "journal-corrupt-"+now.UTC().Format("20060102T150405Z"))
	target := base
	for n := 2; ; n++ {
		err := os.Mkdir(target, 0o700)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrExist) {
			return "", err
		}
		target = fmt.Sprintf("%s-%d", base, n)
	}
	for _, suffix := range []string{"-wal", "-shm", ""} {
		name := databaseFile + suffix
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(target, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	return target, errors.Join(syncFolder(target), syncFolder(dir), syncFolder(filepath.Dir(dir)))
}
