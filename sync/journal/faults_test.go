//go:build linux && amd64

package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lungbox/sync/faultstest"
	"lungbox/sync/journal"
	"lungbox/sync/seal"
)

// useOnce does everything that a box does with a journal, says what was kept, and goes on after
// errors, as a box does.
func useOnce(dir string) {
	ctx := context.Background()
	var j *journal.Journal
	for range 3 { // systemd starts a box again
		var err error
		if j, err = journal.Open(ctx, dir, journal.Options{Reserve: 64 << 10, Quota: 1 << 30}); err == nil {
			break
		}
		fmt.Println("refused open:", err)
	}
	if j == nil {
		os.Exit(1)
	}
	did := func(what string, err error) {
		if err != nil {
			fmt.Printf("refused %s: %v\n", what, err)
			return
		}
		fmt.Println("kept", what)
	}
	next := func() {
		seq := j.LastSeq() + 1
		did(fmt.Sprint(seq), j.Record(ctx, result(j, seq)))
	}
	for range 3 {
		next()
	}
	did("event", j.AddEvent(ctx, journal.Event{Time: time.Unix(1790000000, 0), Kind: "state", Detail: "a"}))
	did("audit", j.Audit(ctx, "somebody", "did", "a"))
	did("exam", j.SaveExam(ctx, journal.Exam{ID: "E1", Scheme: "blue12", Started: time.Unix(1790000000, 0)}))
	did("clip", j.SaveClip(ctx, journal.Clip{Exam: "E1", Number: 1, Zone: "R1", Score: 2}))
	did("acknowledged", j.Acknowledge(ctx, 2))
	did("demanded", j.Demand(ctx, 2, journal.Range{2, 2}))
	next()
	did("close", j.Close())
	os.Exit(0)
}

// At every point at which the journal changes its files: killed there, or the call fails. What
// was said to be kept is there, nothing is set aside, and the next open needs no hand.
func TestEveryWritePoint(t *testing.T) {
	env := func(dir string) []string {
		return append(os.Environ(), "JOURNAL_TEST_JOB=use", "JOURNAL_TEST_DIR="+dir)
	}
	faultstest.EveryPoint(t, 1, func(t testing.TB, plan faultstest.Plan) faultstest.Outcome {
		plan.Root = t.TempDir()
		dir := filepath.Join(plan.Root, "journal")
		before, err := journal.Open(t.Context(), dir, journal.Options{Reserve: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		record(t, before, 1, 2)
		epoch := before.Epoch()
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		o, err := faultstest.Run(t.Context(), plan, env(dir), os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(o.Output, "panic") || strings.Contains(o.Output, "goroutine ") {
			t.Errorf("it panicked:\n%s", o.Output)
		}
		after, err := journal.Open(t.Context(), dir, journal.Options{Reserve: 64 << 10})
		if err != nil {
			t.Fatalf("it does not open any more: %v\n%s", err, o.Output)
		}
		defer after.Close()
		if after.SetAside() != "" || after.Epoch() != epoch {
			t.Errorf("set aside: %q, epoch %s, before %s\n%s", after.SetAside(), after.Epoch(), epoch, o.Output)
		}
		entries, err := after.Results(t.Context(), journal.Query{})
		if err != nil {
			t.Fatal(err)
		}
		has := map[string]bool{}
		for _, e := range entries {
			has[fmt.Sprint(e.Seq)] = true
			if r, err := e.Result(); err != nil || r.Seq != e.Seq {
				t.Errorf("result %d: %v", e.Seq, err)
			}
		}
		if audited, err := after.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		} else {
			has["audit"] = audited > 0
		}
		events, err := after.Events(t.Context(), "state", 10)
		has["event"] = err == nil && len(events) > 0
		_, err = after.Exam(t.Context(), "E1")
		has["exam"] = err == nil
		clips, err := after.Clips(t.Context(), "E1")
		has["clip"] = err == nil && len(clips) == 1 && clips[0].Zone == "R1"
		for _, name := range []string{"1", "2"} {
			if !has[name] {
				t.Errorf("result %s of before is lost\n%s", name, o.Output)
			}
		}
		for line := range strings.Lines(o.Output) {
			what, kept := strings.CutPrefix(strings.TrimSpace(line), "kept ")
			if kept && !has[what] && what != "acknowledged" && what != "demanded" && what != "close" {
				t.Errorf("%s was kept and is lost\n%s", what, o.Output)
			}
		}
		// And it goes on.
		if err := after.Record(t.Context(), result(after, after.LastSeq()+1)); err != nil {
			t.Errorf("no result can be kept any more: %v", err)
		}
		return o
	})
}

// sealOnce opens a journal with a key, and once more when that fails.
func sealOnce(dir string) {
	key, err := seal.New(bytes.Repeat([]byte{1}, 32))
	must(err)
	for range 2 {
		j, err := journal.Open(context.Background(), dir, journal.Options{Key: key})
		if err != nil {
			fmt.Println("refused open:", err)
			continue
		}
		must(j.Close())
		os.Exit(0)
	}
	os.Exit(1)
}

// A box that gets a key, and is killed or fails at any point while it seals what it has: nothing
// is lost, and in the end everything is sealed.
func TestSealingAtEveryPoint(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "journal")
	j := open(t, plain, journal.Options{})
	fillSealed(t, j, 1)
	epoch := j.Epoch()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(plain, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	faultstest.EveryPoint(t, 40, func(tb testing.TB, plan faultstest.Plan) faultstest.Outcome {
		plan.Root = tb.TempDir()
		dir := filepath.Join(plan.Root, "journal")
		if err := os.Mkdir(dir, 0o700); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "journal.db"), file, 0o600); err != nil {
			tb.Fatal(err)
		}
		o, err := faultstest.Run(tb.Context(), plan, append(os.Environ(), "JOURNAL_TEST_JOB=seal", "JOURNAL_TEST_DIR="+dir), os.Args[0])
		if err != nil {
			tb.Fatal(err)
		}
		if strings.Contains(o.Output, "panic") {
			tb.Errorf("it panicked:\n%s", o.Output)
		}
		after, err := journal.Open(tb.Context(), dir, journal.Options{Key: newKey(tb, 1)})
		if err != nil {
			tb.Fatalf("%v\n%s", err, o.Output)
		}
		defer after.Close()
		if after.SetAside() != "" || after.Epoch() != epoch {
			tb.Errorf("aside %q, epoch %s, before %s\n%s", after.SetAside(), after.Epoch(), epoch, o.Output)
		}
		readSealed(tb, after, 700)
		if found := clear(tb, dir); len(found) > 0 {
			tb.Errorf("in the clear: %v", found)
		}
		return o
	})
}
