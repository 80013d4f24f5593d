package journal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lungbox/ensemble"
	"lungbox/sync/journal"
	"lungbox/sync/seal"
)

func newKey(t testing.TB, fill byte) *seal.Key {
	t.Helper()
	k, err := seal.New(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// secrets are what nobody may read on the disk of a box that was stolen.
var secrets = []string{"clip.mp4", "EXAM-7", "bed 12", "behind the rib", `"zone"`, "googlenet", "majority"}

// clear lists the secrets that are found in the journal's files.
func clear(t testing.TB, dir string) (found []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "journal.db*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			if bytes.Contains(text, []byte(s)) {
				found = append(found, s+" in "+filepath.Base(f))
			}
		}
	}
	return found
}

func sealedResult(j *journal.Journal, seq uint64) ensemble.Result {
	r := result(j, seq)
	r.Exam = "EXAM-7"
	return r
}

func fillSealed(t *testing.T, j *journal.Journal, from uint64) {
	t.Helper()
	for seq := from; seq < from+700; seq++ { // more than are sealed in one go
		if err := j.Record(t.Context(), sealedResult(j, seq)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.SaveExam(t.Context(), journal.Exam{ID: "EXAM-7", Scheme: "blue12", Label: "bed 12", Started: time.Unix(1790000000, 0)}); err != nil {
		t.Fatal(err)
	}
	judged := clipOf(2)
	judged.Human = &journal.Human{Score: 3, Reason: "consolidation behind the rib", By: "page", At: time.Unix(1790000009, 0).UTC()}
	for _, c := range []journal.Clip{clipOf(2), clipOf(1), judged} { // the last in place of the first
		if err := j.SaveClip(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func clipOf(number int) journal.Clip {
	return journal.Clip{Exam: "EXAM-7", Number: number, Zone: "R1", Started: time.Unix(1790000000, 0).UTC(), Ended: time.Unix(1790000005, 0).UTC(), First: 1, Last: 100, Frames: 100, Scored: 90, Score: 2, Best: 17}
}

func readSealed(t testing.TB, j *journal.Journal, n int) {
	t.Helper()
	for _, q := range []journal.Query{{Limit: 1 << 20}, {Exam: "EXAM-7", Limit: 1 << 20}} {
		all, err := j.Results(t.Context(), q)
		if err != nil || len(all) != n {
			t.Fatalf("%+v: %d results, want %d; %v", q, len(all), n, err)
		}
		for i, e := range all {
			if r, err := e.Result(); err != nil || r.Seq != uint64(i+1) || r.File != "clip.mp4" || r.Exam != "EXAM-7" {
				t.Fatalf("result %d: %+v, %v", i, r, err)
			}
		}
	}
	clips, err := j.Clips(t.Context(), "EXAM-7")
	if err != nil || len(clips) != 2 || clips[0] != clipOf(1) || clips[1].Human == nil || clips[1].Human.Reason != "consolidation behind the rib" {
		t.Errorf("clips %+v, %v", clips, err)
	}
	e, err := j.Exam(t.Context(), "EXAM-7")
	all, also := j.Exams(t.Context(), 10)
	if err != nil || also != nil || e.ID != "EXAM-7" || e.Label != "bed 12" || len(all) != 1 || all[0] != e {
		t.Errorf("exam %+v of %+v, %v, %v", e, all, err, also)
	}
}

// With a key nothing that says anything of a patient is on the disk, and everything is read.
func TestSealed(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "journal"), newKey(t, 1)
	j := open(t, dir, journal.Options{Key: key})
	fillSealed(t, j, 1)
	readSealed(t, j, 700)
	if err := j.Record(t.Context(), sealedResult(j, 5)); err != nil {
		t.Errorf("the same result again: %v", err)
	}
	other := sealedResult(j, 5)
	other.Frame++
	if err := j.Record(t.Context(), other); !errors.Is(err, journal.ErrConflict) {
		t.Errorf("another result with its number: %v", err)
	}
	if err := j.Acknowledge(t.Context(), 690); err != nil {
		t.Fatal(err)
	}
	if p, err := j.Pending(t.Context(), 0, 100); err != nil || numbers(p) != "691 692 693 694 695 696 697 698 699 700" {
		t.Errorf("pending %s, %v", numbers(p), err)
	}
	if found := clear(t, dir); len(found) > 0 {
		t.Errorf("while it runs: %v", found)
	}
	j.Close()
	if found := clear(t, dir); len(found) > 0 {
		t.Errorf("after it has ended: %v", found)
	}
	if s, err := journal.Inspect(t.Context(), dir, key); err != nil || !s.Sealed || s.Unread || s.Results != 700 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := journal.Inspect(t.Context(), dir, nil); err != nil || !s.Sealed || !s.Unread || s.Results != 700 {
		t.Errorf("without the key: %+v, %v", s, err)
	}
	if _, err := journal.Open(t.Context(), dir, journal.Options{}); !errors.Is(err, seal.ErrKey) {
		t.Errorf("opened without the key: %v", err)
	}
	again := open(t, dir, journal.Options{Key: key})
	if again.SetAside() != "" {
		t.Errorf("set aside in %s", again.SetAside())
	}
	readSealed(t, again, 700)
	again.Close()
	// Another key: the box goes on with a new database, and the old one is there for who has its key.
	next := open(t, dir, journal.Options{Key: newKey(t, 2)})
	if next.SetAside() == "" || !next.OtherKey() || next.LastSeq() != 0 {
		t.Errorf("with another key: aside %q, last %d", next.SetAside(), next.LastSeq())
	}
	old := open(t, next.SetAside(), journal.Options{Key: key})
	readSealed(t, old, 700)
}

// What was kept in the clear before there was a key is sealed, all of it, and is not left in
// free pages of the file.
func TestSealsWhatWasClear(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "journal"), newKey(t, 1)
	j := open(t, dir, journal.Options{})
	fillSealed(t, j, 1)
	epoch := j.Epoch()
	j.Close()
	if len(clear(t, dir)) < len(secrets) {
		t.Fatalf("in the clear only %v is found: the test looks for the wrong words", clear(t, dir))
	}
	j = open(t, dir, journal.Options{Key: key})
	if j.Epoch() != epoch || j.SetAside() != "" {
		t.Errorf("epoch %s, before %s; aside %q", j.Epoch(), epoch, j.SetAside())
	}
	if found := clear(t, dir); len(found) > 0 {
		t.Errorf("still in the clear: %v", found)
	}
	fillSealed(t, j, 701)
	readSealed(t, j, 1400)
	if found := clear(t, dir); len(found) > 0 {
		t.Errorf("still in the clear: %v", found)
	}
}
