package journal_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"lungbox/sync/journal"
)

// tamper runs SQL on a closed journal, as somebody with a shell would.
func tamper(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	done, err := db.ExecContext(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: changed %d rows, %v", statement, n, err)
	}
}

func TestAudit(t *testing.T) {
	for name, c := range map[string]struct{ statement, want string }{
		"untouched": {"UPDATE meta SET value = value", ""},
		"changed":   {"UPDATE audit SET actor = 'mallory' WHERE n = 2", "entry 2"},
		"moved":     {"UPDATE audit SET actor = 'anna ', action = 'install' WHERE n = 1", "entry 1"},
		"removed":   {"DELETE FROM audit WHERE n = 2", "entry 3"},
		"cut short": {"DELETE FROM audit WHERE n = 3", "ends with entry 2"},
		"emptied":   {"DELETE FROM audit", "ends with entry 0"},
		"added":     {"INSERT INTO audit SELECT 4, time, actor, action, detail, hash FROM audit WHERE n = 3", "entry 4"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir, journal.Options{})
			for _, e := range [][3]string{{"anna", "install", "2026.11.26-1"}, {"button", "new-patient", ""}, {"anna", "roll back", ""}} {
				if err := j.Audit(t.Context(), e[0], e[1], e[2]); err != nil {
					t.Fatal(err)
				}
			}
			j.Close()
			tamper(t, dir, c.statement)
			j = open(t, dir, journal.Options{})
			n, err := j.VerifyAudit(t.Context())
			switch {
			case c.want == "" && (err != nil || n != 3):
				t.Errorf("%d entries, %v", n, err)
			case c.want != "" && (!errors.Is(err, journal.ErrAudit) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// An honest trail goes on over a restart.
func TestAuditGoesOn(t *testing.T) {
	dir := t.TempDir()
	for i := range int64(3) {
		j := open(t, dir, journal.Options{})
		if err := j.Audit(t.Context(), "box", "start", ""); err != nil {
			t.Fatal(err)
		}
		if n, err := j.VerifyAudit(t.Context()); err != nil || n != i+1 {
			t.Errorf("%d entries, %v", n, err)
		}
		j.Close()
	}
}
