// Package store is the centre's database: SQLite for one hub without a server to install,
// PostgreSQL for many. Both run the same SQL.
//
// # Promises
//
//   - What Take returns without an error is committed and on the disk.
//   - A result is kept once for (device, epoch, seq). The same again changes nothing;
//     another with its number goes to quarantine and never takes its place.
//   - Nothing is taken from a box that is unknown, revoked or of another site.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	_ "modernc.org/sqlite"             // driver "sqlite"
)

//go:embed schema.sql
var schema embed.FS

// schemaVersion is written into the database.
const schemaVersion = 1

// Store is an open database. Its methods may be called from any goroutine.
type Store struct {
	db       *sql.DB
	postgres bool
	now      func() time.Time
}

// Open opens "postgres://…", or the SQLite file at any other address, and makes its tables
// if there are none.
func Open(ctx context.Context, address string) (*Store, error) {
	s := &Store{now: time.Now, postgres: strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")}
	var err error
	if s.postgres {
		s.db, err = sql.Open("pgx", address)
	} else {
		query := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}}
		s.db, err = sql.Open("sqlite", "file:"+(&url.URL{Path: address}).EscapedPath()+"?"+query.Encode())
	}
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	s.db.SetMaxOpenConns(8)
	if err := s.prepare(ctx); err != nil {
		s.db.Close()
		return nil, fmt.Errorf("database: %w", err)
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// prepare makes the tables once, though several hubs may start at a time.
func (s *Store) prepare(ctx context.Context) error {
	return s.change(ctx, func(tx *tx) error {
		if s.postgres {
			if err := tx.exec("SELECT pg_advisory_xact_lock(4818122)"); err != nil {
				return err
			}
		}
		if err := tx.exec("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)"); err != nil {
			return err
		}
		var have string
		err := tx.row("SELECT value FROM meta WHERE key = 'schema'").Scan(&have)
		if err == nil {
			if have != strconv.Itoa(schemaVersion) {
				return fmt.Errorf("it has schema %s, this lunghub knows %d", have, schemaVersion)
			}
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		text, err := schema.ReadFile("schema.sql")
		if err != nil {
			return err
		}
		blob := "BLOB"
		if s.postgres {
			blob = "BYTEA"
		}
		for statement := range strings.SplitSeq(strings.ReplaceAll(uncommented(string(text)), "{blob}", blob), ";") {
			if strings.TrimSpace(statement) == "" {
				continue
			}
			if err := tx.exec(statement); err != nil {
				return err
			}
		}
		return tx.exec("INSERT INTO meta (key, value) VALUES ('schema', ?)", strconv.Itoa(schemaVersion))
	})
}

func uncommented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "--")
		out.WriteString(strings.TrimRight(line, "\n") + "\n")
	}
	return out.String()
}

// tx is a transaction that takes ? for parameters on both databases.
type tx struct {
	*sql.Tx
	ctx      context.Context
	postgres bool
}

// bind numbers the parameters as PostgreSQL wants them.
func bind(postgres bool, query string) string {
	if !postgres {
		return query
	}
	var out strings.Builder
	n := 0
	for _, c := range query {
		if c == '?' {
			n++
			out.WriteString("$" + strconv.Itoa(n))
			continue
		}
		out.WriteRune(c)
	}
	return out.String()
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.execCount(query, args...)
	return err
}

func (t *tx) execCount(query string, args ...any) (int64, error) {
	done, err := t.ExecContext(t.ctx, bind(t.postgres, query), args...)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

func (t *tx) row(query string, args ...any) *sql.Row {
	return t.QueryRowContext(t.ctx, bind(t.postgres, query), args...)
}

func (s *Store) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.db.QueryContext(ctx, bind(s.postgres, query), args...)
}

// lock is what PostgreSQL needs to keep a row from others until the commit; SQLite has one
// writer anyhow.
func (t *tx) lock() string {
	if t.postgres {
		return " FOR UPDATE"
	}
	return ""
}

// change runs apply in a transaction. On PostgreSQL, one that two hubs fell out over is run
// again.
func (s *Store) change(ctx context.Context, apply func(*tx) error) error {
	for attempt := 0; ; attempt++ {
		err := s.once(ctx, apply)
		if err == nil || attempt == 5 || !again(err) {
			return err
		}
	}
}

func (s *Store) once(ctx context.Context, apply func(*tx) error) error {
	t, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() //nolint:errcheck // after a commit it does nothing
	if err := apply(&tx{Tx: t, ctx: ctx, postgres: s.postgres}); err != nil {
		return err
	}
	return t.Commit()
}

// again says whether PostgreSQL asks for a transaction to be run again: 40001 and 40P01.
func again(err error) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state) && (state.SQLState() == "40001" || state.SQLState() == "40P01")
}

func micros(t time.Time) int64 { return t.UnixMicro() }
func at(m int64) time.Time     { return time.UnixMicro(m).UTC() }
