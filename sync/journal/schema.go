package journal

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
)

//go:embed schema/*.sql
var steps embed.FS

// application marks the file as a journal (PRAGMA application_id): "LBXJ".
const application = 0x4c42584a

// version is the schema that this program writes: the number of steps.
func version() int {
	names, err := fs.Glob(steps, "schema/*.sql")
	if err != nil {
		panic(err) // the pattern is constant
	}
	return len(names)
}

// check reads the whole structure; a damaged database must not be written to.
func check(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", errDamaged, verdict)
	}
	return nil
}

// migrate brings a database to this version, one step in one transaction each.
func migrate(ctx context.Context, db *sql.DB) error {
	var have, mark int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&mark); err != nil {
		return err
	}
	if have > 0 && mark != application {
		return fmt.Errorf("%w: it is the database of another program", errDamaged)
	}
	if have > version() {
		return fmt.Errorf("%w (schema %d, this one knows %d): install that version again", ErrNewer, have, version())
	}
	for n := have + 1; n <= version(); n++ {
		text, err := steps.ReadFile(fmt.Sprintf("schema/%d.sql", n))
		if err != nil {
			return err
		}
		if err := step(ctx, db, n, string(text)); err != nil {
			return fmt.Errorf("schema %d: %w", n, err)
		}
	}
	return nil
}

func step(ctx context.Context, db *sql.DB, n int, text string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit there is nothing to undo
	for _, statement := range []string{text, fmt.Sprintf("PRAGMA user_version = %d", n), fmt.Sprintf("PRAGMA application_id = %d", application)} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// epoch reads the database's name, or gives it one.
func epoch(ctx context.Context, db *sql.DB) (string, error) {
	var name string
	err := db.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'epoch'").Scan(&name)
	if !errors.Is(err, sql.ErrNoRows) {
		return name, err
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	name = hex.EncodeToString(random)
	_, err = db.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES ('epoch', ?)", name)
	return name, err
}
