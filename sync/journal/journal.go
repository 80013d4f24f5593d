package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver

	"lungbox/sync/seal"
)

const (
	databaseFile = "journal.db"
	lockFile     = "journal.lock"
)

// Errors that callers decide on.
var (
	// ErrLocked: another process has the journal open.
	ErrLocked = errors.New("another process has it open")
	// ErrNewer: the database was made by a later version of this program.
	ErrNewer = errors.New("it was written by a newer lungbox")
	// ErrConflict: another result has this number already.
	ErrConflict = errors.New("another result has this number")
	// ErrClosed: the journal is closed.
	ErrClosed = errors.New("journal: closed")
)

// Options say how a journal is kept.
type Options struct {
	Reserve int64 // bytes kept free for a full disk; 0: none
	// Quota is how many bytes the database may have: beyond, the oldest results that the
	// centre has acknowledged are removed, never others. 0: no limit.
	Quota int64
	Now   func() time.Time // nil means time.Now
	// Key seals results and exams; nil leaves them in the clear. What was kept before there was
	// a key is sealed by Open. A database of another key is set aside, and without a key it is
	// not opened (seal.ErrKey).
	Key *seal.Key
}

// Journal is an open journal. Its methods may be called from several goroutines.
type Journal struct {
	dir   string
	now   func() time.Time
	key   *seal.Key
	lock  *os.File
	write *sql.DB // one connection, used by the committer only
	read  *sql.DB

	epoch    string
	aside    string
	otherKey bool

	requests  chan *request
	committed chan struct{} // closed when the committer has ended
	closing   chan struct{}
	closed    sync.Once
	reserve   reserve
	quota     quota

	last, total, waiting atomic.Uint64

	mu    sync.Mutex
	fresh chan struct{} // closed when a result comes
}

// Open opens the journal in a folder, which is made if it is not there.
func Open(ctx context.Context, dir string, o Options) (*Journal, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	j := &Journal{
		dir: dir, now: o.Now, key: o.Key, fresh: make(chan struct{}),
		requests: make(chan *request), committed: make(chan struct{}), closing: make(chan struct{}),
		reserve: reserve{path: filepath.Join(dir, "reserve"), size: o.Reserve}, quota: quota{size: o.Quota},
	}
	if err := j.open(ctx); err != nil {
		_ = j.release() // why it was not opened counts
		return nil, fmt.Errorf("journal %s: %w", dir, err)
	}
	go j.commit() //nolint:contextcheck // it ends with Close
	return j, nil
}

func (j *Journal) open(ctx context.Context) error {
	if err := makeFolder(j.dir); err != nil {
		return err
	}
	var err error
	if j.lock, err = takeLock(filepath.Join(j.dir, lockFile)); err != nil {
		return err
	}
	err = j.openDatabase(ctx)
	if j.otherKey = errors.Is(err, errOtherKey); j.otherKey || Damaged(err) {
		_ = j.closeDatabase() // it is damaged
		if j.aside, err = setAside(j.dir, j.now()); err != nil {
			return err
		}
		err = j.openDatabase(ctx)
	}
	if err != nil {
		return err
	}
	j.reserve.fill()
	return syncFolder(j.dir)
}

// openDatabase opens, checks and migrates the database and reads what is kept in memory.
func (j *Journal) openDatabase(ctx context.Context) (err error) {
	path := filepath.Join(j.dir, databaseFile)
	if j.write, err = openSQLite(path, "rwc"); err != nil {
		return err
	}
	j.write.SetMaxOpenConns(1)
	if err := check(ctx, j.write); err != nil {
		return err
	}
	if err := migrate(ctx, j.write); err != nil {
		return err
	}
	if j.epoch, err = epoch(ctx, j.write); err != nil {
		return err
	}
	if err := j.settle(ctx); err != nil {
		return err
	}
	var last, total, waiting uint64
	row := j.write.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0), count(*), count(*) FILTER (WHERE acked = 0) FROM result")
	if err := row.Scan(&last, &total, &waiting); err != nil {
		return err
	}
	j.last.Store(last)
	j.total.Store(total)
	j.waiting.Store(waiting)
	if j.read, err = openSQLite(path, "ro"); err != nil {
		return err
	}
	j.read.SetMaxOpenConns(4)
	return nil
}

// openSQLite opens a database file. Every connection waits for another's lock instead of
// failing, and commits to the disk.
func openSQLite(path, mode string) (*sql.DB, error) {
	query := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
	}}
	if mode == "ro" {
		query["_pragma"] = []string{"busy_timeout(10000)", "query_only(ON)"}
	}
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+query.Encode())
}

// Epoch names this database: random, and never used again.
func (j *Journal) Epoch() string { return j.epoch }

// LastSeq is the highest number of a result, 0 for none.
func (j *Journal) LastSeq() uint64 { return j.last.Load() }

// Count is how many results are kept, and how many of them wait for the centre.
func (j *Journal) Count() (results, waiting uint64) { return j.total.Load(), j.waiting.Load() }

// SetAside is where Open has moved a damaged database; "" when there was none.
func (j *Journal) SetAside() string { return j.aside }

// OtherKey says that the database that was set aside is whole, and sealed with another key.
func (j *Journal) OtherKey() bool { return j.otherKey }

// Close ends the journal once everything under way is on the disk. Twice does nothing
// more.
func (j *Journal) Close() error {
	var err error
	j.closed.Do(func() {
		close(j.closing)
		<-j.committed
		err = j.release()
	})
	return err
}

func (j *Journal) closeDatabase() error {
	var errs error
	for _, db := range []*sql.DB{j.read, j.write} {
		if db != nil {
			errs = errors.Join(errs, db.Close())
		}
	}
	j.read, j.write = nil, nil
	return errs
}

func (j *Journal) release() error {
	err := j.closeDatabase()
	if j.lock != nil {
		err = errors.Join(err, j.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("close journal %s: %w", j.dir, err)
	}
	return nil
}

// makeFolder makes a private folder that survives a power loss.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(dir))
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// takeLock takes a lock that ends with the process.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: end it first", ErrLocked)
		}
		return nil, err
	}
	return f, nil
}
