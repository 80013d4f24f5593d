package journal_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lungbox/sync/faultstest"
	"lungbox/sync/journal"
)

// Children of these tests are this program with another job.
func TestMain(m *testing.M) {
	switch dir := os.Getenv("JOURNAL_TEST_DIR"); os.Getenv("JOURNAL_TEST_JOB") {
	case "write":
		writeForEver(dir)
	case "full":
		fillDisk(dir)
	case "use":
		useOnce(dir)
	case "seal":
		sealOnce(dir)
	default:
		os.Exit(m.Run())
	}
}

func must(err error) {
	if err != nil {
		fmt.Println("ERROR", err)
		os.Exit(1)
	}
}

func child(t *testing.T, job, dir string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), "JOURNAL_TEST_JOB="+job, "JOURNAL_TEST_DIR="+dir)
	return c
}

// writeForEver says every number once its result is kept.
func writeForEver(dir string) {
	ctx := context.Background()
	j, err := journal.Open(ctx, dir, journal.Options{})
	must(err)
	for seq := j.LastSeq() + 1; ; seq++ {
		must(j.Record(ctx, result(j, seq)))
		fmt.Println(seq)
	}
}

// A process that is killed at any moment leaves every result that it has spoken of, and
// the next one goes on after them.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	kills := faultstest.Times(t, "LUNGBOX_KILLS", 12)
	epoch, said := "", uint64(0)
	for round := range kills {
		c := child(t, "write", dir)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for stop := said + 1 + rand.Uint64N(80); said < stop && lines.Scan(); {
			if said, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
				t.Fatalf("round %d: %s", round, lines.Text())
			}
		}
		c.Process.Signal(syscall.SIGKILL)
		for lines.Scan() { // what it said before it died
			if n, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
				said = n
			}
		}
		c.Wait()
		j := open(t, dir, journal.Options{})
		if epoch == "" {
			epoch = j.Epoch()
		}
		// A campaign looks at the newest of them alone, each time, and at all at its end.
		query := journal.Query{Limit: 1 << 20}
		if round > 100 && round != kills-1 {
			query.After = max(2000, j.LastSeq()) - 2000
		}
		got, err := j.Results(t.Context(), query)
		if err != nil || j.SetAside() != "" || j.Epoch() != epoch {
			t.Fatalf("round %d: %v, aside %q, epoch %s", round, err, j.SetAside(), j.Epoch())
		}
		if j.LastSeq() < said || uint64(len(got)) != j.LastSeq()-query.After {
			t.Fatalf("round %d: %d was said, %d results to number %d are left", round, said, len(got), j.LastSeq())
		}
		said = j.LastSeq()
		j.Close()
	}
	t.Logf("%d results over %d kills", said, kills)
}

// A damaged database is set aside whole, and a new one with another epoch is begun.
func TestDamaged(t *testing.T) {
	for name, spoil := range map[string]func(f []byte) []byte{
		"head":      func(f []byte) []byte { copy(f, "no database at all"); return f },
		"middle":    func(f []byte) []byte { copy(f[4096:], bytes.Repeat([]byte{0xff}, 8192)); return f },
		"cut short": func(f []byte) []byte { return f[:len(f)/2] },
		"of others": func([]byte) []byte { return other(t) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "journal")
			now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
			o := journal.Options{Now: func() time.Time { return now }}
			j := open(t, dir, o)
			record(t, j, 1, 100)
			epoch := j.Epoch()
			j.Close()
			path := filepath.Join(dir, "journal.db")
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file = spoil(file)
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{"journal-corrupt-20261126T120000Z", "journal-corrupt-20261126T120000Z-2"} {
				j = open(t, dir, o)
				if got := filepath.Base(j.SetAside()); got != want || j.Epoch() == epoch || j.LastSeq() != 0 {
					t.Fatalf("aside %q, want %q; epoch as before: %t, last %d", got, want, j.Epoch() == epoch, j.LastSeq())
				}
				record(t, j, 1, 3)
				if kept, err := os.ReadFile(filepath.Join(j.SetAside(), "journal.db")); err != nil || !bytes.Equal(kept, file) {
					t.Errorf("what was set aside is not what was there: %v", err)
				}
				j.Close()
				if i == 0 { // and again within the same second
					if err := os.WriteFile(path, file, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// other is a database of another program.
func other(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	j.Close()
	tamper(t, dir, "CREATE TABLE x AS SELECT 1; PRAGMA application_id = 7; UPDATE meta SET value = 'x'")
	file, err := os.ReadFile(filepath.Join(dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// A database of a later version is left alone.
func TestNewer(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	record(t, j, 1, 2)
	j.Close()
	tamper(t, dir, "PRAGMA user_version = 1000; UPDATE meta SET value = value")
	before, err := os.ReadFile(filepath.Join(dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(t.Context(), dir, journal.Options{}); !errors.Is(err, journal.ErrNewer) || !strings.Contains(err.Error(), "schema 1000") {
		t.Errorf("a newer database: %v", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "journal.db"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("it was changed: %v", err)
	}
}

var makeDatabase = flag.Bool("make-database", false, "write a database of this version into testdata")

// Databases that earlier versions have written are opened, with all that is in them.
// Every new schema adds one: go test ./sync/journal -run Versions -make-database
func TestVersions(t *testing.T) {
	if *makeDatabase {
		writeVersion(t)
	}
	stored, err := filepath.Glob("testdata/schema-*.db")
	if err != nil || len(stored) == 0 {
		t.Fatalf("no stored databases: %v", err)
	}
	for _, path := range stored {
		dir := t.TempDir()
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "journal.db"), file, 0o600); err != nil {
			t.Fatal(err)
		}
		j := open(t, dir, journal.Options{})
		got, err := j.Results(t.Context(), journal.Query{})
		if err != nil || numbers(got) != "1 2 3 4 5" || j.SetAside() != "" {
			t.Errorf("%s: results %s, %v, aside %q", path, numbers(got), err, j.SetAside())
		}
		if p, err := j.Pending(t.Context(), 0, 10); err != nil || numbers(p) != "4 5" {
			t.Errorf("%s: pending %s, %v", path, numbers(p), err)
		}
		if n, err := j.VerifyAudit(t.Context()); err != nil || n != 1 {
			t.Errorf("%s: %d audit entries, %v", path, n, err)
		}
		if e, err := j.Exam(t.Context(), "E"); err != nil || e.Scheme != "blue12" {
			t.Errorf("%s: exam %+v, %v", path, e, err)
		}
		if e, err := j.Events(t.Context(), "state", 5); err != nil || len(e) != 1 {
			t.Errorf("%s: events %+v, %v", path, e, err)
		}
		if c, err := j.Clips(t.Context(), "E"); err != nil || path >= "testdata/schema-3.db" && (len(c) != 1 || c[0].Zone != "R1") { // there were none before
			t.Errorf("%s: clips %+v, %v", path, c, err)
		}
		record(t, j, 6, 7)
	}
}

func writeVersion(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	record(t, j, 1, 5)
	at := time.Unix(1790000000, 0)
	for _, err := range []error{
		j.Acknowledge(t.Context(), 3), j.Audit(t.Context(), "anna", "install", "2026.11.26-1"),
		j.AddEvent(t.Context(), journal.Event{Time: at, Kind: "state", Detail: "running"}),
		j.SaveExam(t.Context(), journal.Exam{ID: "E", Scheme: "blue12", Started: at}),
		j.SaveClip(t.Context(), journal.Clip{Exam: "E", Number: 1, Zone: "R1", Score: 2}), j.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(filepath.Join(dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fmt.Sprintf("testdata/schema-%d.db", file[63]), file, 0o644); err != nil { // user_version
		t.Fatal(err)
	}
}

// On a full disk the reserve takes results for a while, then Record fails in words, and
// works again once there is room. In a namespace of its own, with a disk of 8 MB.
func TestFullDisk(t *testing.T) {
	c := child(t, "full", t.TempDir())
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	if errors.Is(err, unix.EPERM) || bytes.Contains(out, []byte("NO MOUNT")) {
		t.Skipf("this machine lets nobody mount a small disk: %v %s", err, out)
	}
	if err != nil || !bytes.Contains(out, []byte("DONE")) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func fillDisk(dir string) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		fmt.Println("NO MOUNT", err)
		os.Exit(0)
	}
	ctx := context.Background()
	now := time.Unix(1790000000, 0)
	j, err := journal.Open(ctx, filepath.Join(dir, "journal"), journal.Options{
		Reserve: 2 << 20, Now: func() time.Time { now = now.Add(time.Minute); return now },
	})
	must(err)
	ballast := filepath.Join(dir, "ballast")
	must(os.WriteFile(ballast, make([]byte, 5<<20), 0o600))
	var kept []uint64
	seq := uint64(0)
	// write records until the state is wanted, or Record fails.
	write := func(wanted journal.State) error {
		for range 20000 {
			seq++
			if err := j.Record(ctx, result(j, seq)); err != nil {
				return err
			}
			kept = append(kept, seq)
			if j.State() == wanted {
				return nil
			}
		}
		must(fmt.Errorf("20000 results, and the state is %s, not %s", j.State(), wanted))
		return nil
	}
	must(write(journal.OnReserve))
	fmt.Println(len(kept), "results until the reserve was needed")
	err = write(journal.NotRecording)
	if j.State() != journal.NotRecording || err == nil || !strings.Contains(err.Error(), "the disk is full: make room") || strings.Contains(err.Error(), "\n") {
		must(fmt.Errorf("state %s, error %w", j.State(), err))
	}
	fmt.Println(len(kept), "until it was used up, then:", err)
	must(os.Remove(ballast))
	must(write(journal.Recording))
	got, err := j.Results(ctx, journal.Query{Limit: 1 << 20})
	must(err)
	for i, e := range got {
		if len(got) != len(kept) || e.Seq != kept[i] {
			must(fmt.Errorf("%d results on disk, %d were recorded", len(got), len(kept)))
		}
	}
	must(j.Close())
	fmt.Println("DONE: all", len(kept), "results are there")
	os.Exit(0)
}
