package journal_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lungbox/ensemble"
	"lungbox/sync/journal"
)

func open(t testing.TB, dir string, o journal.Options) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func result(j *journal.Journal, seq uint64) ensemble.Result {
	return ensemble.Result{
		Device: "bedside", Epoch: j.Epoch(), Seq: seq, Time: time.UnixMicro(1790000000123456).UTC(),
		Exam: "E", Zone: "R1", File: "clip.mp4", Frame: int(seq), Score: ensemble.Score(seq % 4), Reason: ensemble.Majority,
		Confidence: 0.75, Release: "2026.11.26-1", Scheme: "blue12",
		Votes: []ensemble.Vote{{Net: "googlenet", Score: ensemble.Score(seq % 4), Probs: [4]float64{0.1, 0.2, 0.3, 0.4}}},
	}
}

func record(t testing.TB, j *journal.Journal, from, to uint64) {
	t.Helper()
	for seq := from; seq <= to; seq++ {
		if err := j.Record(t.Context(), result(j, seq)); err != nil {
			t.Fatal(err)
		}
	}
}

func numbers(entries []journal.Entry) string {
	var all []string
	for _, e := range entries {
		all = append(all, fmt.Sprint(e.Seq))
	}
	return strings.Join(all, " ")
}

func TestResults(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b%20c", "journal") // a name that a URL would change
	j := open(t, dir, journal.Options{})
	if len(j.Epoch()) != 32 || j.LastSeq() != 0 || j.State() != journal.Recording {
		t.Errorf("new: epoch %q, last %d, %s", j.Epoch(), j.LastSeq(), j.State())
	}
	fresh := j.Fresh()
	record(t, j, 1, 5)
	select {
	case <-fresh:
	default:
		t.Error("a follower is not woken")
	}
	none := result(j, 6)
	none.Score, none.Reason, none.Exam = ensemble.None, ensemble.NoConsensus, ""
	if err := j.Record(t.Context(), none); err != nil {
		t.Fatal(err)
	}
	if err := j.Record(t.Context(), none); err != nil {
		t.Errorf("the same result again: %v", err)
	}
	other := none
	other.Confidence = 0.1
	if err := j.Record(t.Context(), other); !errors.Is(err, journal.ErrConflict) {
		t.Errorf("another result with the same number: %v", err)
	}
	other.Epoch = "elsewhere"
	if err := j.Record(t.Context(), other); err == nil {
		t.Error("a result of another epoch is taken")
	}
	epoch := j.Epoch()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := j.Record(t.Context(), none); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}

	j = open(t, dir, journal.Options{})
	if j.Epoch() != epoch || j.LastSeq() != 6 || j.SetAside() != "" {
		t.Errorf("opened again: epoch %q, last %d, aside %q", j.Epoch(), j.LastSeq(), j.SetAside())
	}
	all, err := j.Results(t.Context(), journal.Query{})
	if err != nil || numbers(all) != "1 2 3 4 5 6" {
		t.Fatalf("results %s, %v", numbers(all), err)
	}
	got, err := all[5].Result()
	if err != nil || got.Score != ensemble.None || got.Reason != ensemble.NoConsensus || !got.Time.Equal(none.Time) || got.Votes[0].Probs != none.Votes[0].Probs {
		t.Errorf("result %+v, %v", got, err)
	}
	for want, q := range map[string]journal.Query{"3 4": {After: 2, Limit: 2}, "4 5": {Exam: "E", After: 3}} {
		if got, err := j.Results(t.Context(), q); err != nil || numbers(got) != want {
			t.Errorf("%+v: %s, %v", q, numbers(got), err)
		}
	}
}

func TestAcknowledge(t *testing.T) {
	j := open(t, t.TempDir(), journal.Options{})
	record(t, j, 1, 6)
	pending := func(after uint64, limit int) string {
		t.Helper()
		p, err := j.Pending(t.Context(), after, limit)
		if err != nil {
			t.Fatal(err)
		}
		return numbers(p)
	}
	if err := j.Acknowledge(t.Context(), 4, journal.Range{2, 3}); err != nil {
		t.Fatal(err)
	}
	if got := pending(0, 10); got != "2 3 5 6" {
		t.Errorf("pending %s", got)
	}
	if got := pending(2, 2); got != "3 5" {
		t.Errorf("pending after 2: %s", got)
	}
	if results, waiting := j.Count(); results != 6 || waiting != 4 {
		t.Errorf("%d results, %d waiting", results, waiting)
	}
	if err := j.Acknowledge(t.Context(), 4); err != nil { // again, without gaps
		t.Fatal(err)
	}
	if _, waiting := j.Count(); waiting != 2 {
		t.Errorf("%d waiting", waiting)
	}
	if err := j.Acknowledge(t.Context(), 7); err == nil {
		t.Error("a result that never was is acknowledged")
	}
	if err := j.Demand(t.Context(), 3, journal.Range{1, 1}); err != nil { // the centre lost what it had
		t.Fatal(err)
	}
	if _, waiting := j.Count(); pending(0, 10) != "1 4 5 6" || waiting != 4 {
		t.Errorf("demanded: pending %s, %d waiting", pending(0, 10), waiting)
	}
}

// Many at a time share commits, and everybody hears of the own result only.
func TestManyAtATime(t *testing.T) {
	j := open(t, t.TempDir(), journal.Options{})
	const writers, each = 16, 20
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				seq := uint64(w*each + i + 1)
				if err := j.Record(t.Context(), result(j, seq)); err != nil {
					t.Error(err)
				}
				wrong := result(j, seq)
				wrong.File = "other"
				if err := j.Record(t.Context(), wrong); !errors.Is(err, journal.ErrConflict) {
					t.Errorf("result %d again, changed: %v", seq, err)
				}
			}
		})
	}
	all.Wait()
	if results, waiting := j.Count(); results != writers*each || waiting != writers*each || j.LastSeq() != writers*each {
		t.Errorf("%d results, %d waiting, last %d", results, waiting, j.LastSeq())
	}
}

func TestQuota(t *testing.T) {
	dir := t.TempDir()
	now := time.Unix(1790000000, 0)
	o := journal.Options{Quota: 256 << 10, Now: func() time.Time { now = now.Add(time.Minute); return now }}
	j := open(t, dir, o)
	record(t, j, 1, 2000) // about 1 MB
	if results, _ := j.Count(); results != 2000 {
		t.Errorf("%d of 2000 results are left, none was acknowledged", results)
	}
	if err := j.Acknowledge(t.Context(), 2000, journal.Range{7, 7}); err != nil {
		t.Fatal(err)
	}
	record(t, j, 2001, 2002)
	got, err := j.Results(t.Context(), journal.Query{Limit: 5000})
	if err != nil || numbers(got) != "7 2000 2001 2002" { // 2000 was the newest
		t.Errorf("left are %.60s, %v", numbers(got), err)
	}
	if results, waiting := j.Count(); results != 4 || waiting != 3 {
		t.Errorf("%d results, %d waiting", results, waiting)
	}
	if err := j.Acknowledge(t.Context(), 2002); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j = open(t, dir, o); j.LastSeq() != 2002 {
		t.Errorf("numbers begin again after %d", j.LastSeq())
	}
}

func TestOneAtATime(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, journal.Options{})
	if _, err := journal.Open(t.Context(), dir, journal.Options{}); !errors.Is(err, journal.ErrLocked) || strings.Contains(err.Error(), "\n") {
		t.Errorf("opened twice: %v", err)
	}
	j.Close()
	open(t, dir, journal.Options{})
}

func TestEventsAndExams(t *testing.T) {
	j := open(t, t.TempDir(), journal.Options{})
	at := time.UnixMicro(1790000000000001).UTC()
	for _, e := range []journal.Event{{Time: at, Kind: "state", Detail: "running"}, {Time: at, Kind: "rejected", Detail: "damaged"}, {Time: at, Kind: "state", Detail: "no-signal"}} {
		if err := j.AddEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := j.Events(t.Context(), "state", 10); err != nil || len(got) != 2 || got[0].Detail != "no-signal" || !got[0].Time.Equal(at) {
		t.Errorf("events %+v, %v", got, err)
	}
	if got, err := j.Events(t.Context(), "", 2); err != nil || len(got) != 2 || got[1].Kind != "rejected" {
		t.Errorf("events %+v, %v", got, err)
	}
	exam := journal.Exam{ID: "E", Scheme: "blue12", Label: "bed 4", Started: at}
	for range 2 {
		if err := j.SaveExam(t.Context(), exam); err != nil {
			t.Fatal(err)
		}
		if got, err := j.Exam(t.Context(), "E"); err != nil || got != exam {
			t.Errorf("exam %+v, %v, want %+v", got, err, exam)
		}
		exam.Ended = at.Add(time.Hour)
	}
	if got, err := j.Exams(t.Context(), 5); err != nil || len(got) != 1 {
		t.Errorf("exams %+v, %v", got, err)
	}
	if _, err := j.Exam(t.Context(), "F"); !errors.Is(err, journal.ErrNoExam) {
		t.Errorf("no such exam: %v", err)
	}
}

// What is in the folder is private.
func TestPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := open(t, dir, journal.Options{Reserve: 1 << 20})
	record(t, j, 1, 1)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Join(dir, "reserve")); err != nil || info.Size() != 1<<20 {
		t.Errorf("reserve %v", err)
	}
}

// BenchmarkRecord: one at a time, as the pipeline does, and many together.
func BenchmarkRecord(b *testing.B) {
	b.Run("one", func(b *testing.B) {
		j := open(b, b.TempDir(), journal.Options{})
		seq := uint64(0)
		for b.Loop() {
			seq++
			if err := j.Record(b.Context(), result(j, seq)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "results/s")
	})
	b.Run("together", func(b *testing.B) {
		j := open(b, b.TempDir(), journal.Options{})
		var mu sync.Mutex
		seq := uint64(0)
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				mu.Lock()
				seq++
				r := result(j, seq)
				mu.Unlock()
				if err := j.Record(b.Context(), r); err != nil {
					b.Error(err)
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "results/s")
	})
}

// A journal can be looked at while it is open, and says what is damaged.
func TestInspect(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := open(t, dir, journal.Options{})
	record(t, j, 1, 1500)
	if err := j.Audit(t.Context(), "anna", "install", ""); err != nil {
		t.Fatal(err)
	}
	s, err := journal.Inspect(t.Context(), dir, nil)
	if err != nil || s.Results != 1500 || s.LastSeq != 1500 || s.Waiting != 1500 || s.Audit != 1 || s.Epoch != j.Epoch() || len(s.SetAside) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	j.Close()
	tamper(t, dir, "UPDATE result SET body = replace(body, '0.75', '0.99') WHERE seq = 1234")
	if _, err := journal.Inspect(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), "result 1234") {
		t.Errorf("a changed result: %v", err)
	}
	if _, err := journal.Inspect(t.Context(), t.TempDir(), nil); err == nil {
		t.Error("no journal is taken for one")
	}
}
