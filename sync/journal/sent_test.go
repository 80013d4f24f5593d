package journal

import (
	"fmt"
	"testing"
	"time"
)

// Reports are sent of exams from when an archive is there, each until it is taken, and again when
// it has changed. Whatever the clock says.
func TestUnsent(t *testing.T) {
	dir := t.TempDir()
	j, err := Open(t.Context(), dir, Options{Reserve: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ctx, now := t.Context(), time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	save := func(id string, started, ended time.Time) {
		t.Helper()
		must(j.SaveExam(ctx, Exam{ID: id, Scheme: "blue6", Started: started, Ended: ended}))
	}
	unsent := func(want ...string) {
		t.Helper()
		all, err := j.Unsent(ctx, now.Add(-12*time.Hour))
		must(err)
		got := []string{}
		for _, e := range all {
			got = append(got, e.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) && len(got)+len(want) > 0 {
			t.Errorf("unsent %v, want %v", got, want)
		}
	}
	must(j.SendReports(ctx, false))
	save("before", now, now)
	must(j.SendReports(ctx, true))
	unsent()
	save("open", now, time.Time{})
	save("ended", now.Add(time.Second), now.Add(time.Minute))
	save("no-clock", time.Unix(5, 0), time.Unix(60, 0)) // begun at a start without a clock
	save("stale", now.Add(-13*time.Hour), time.Time{})
	must(j.SendReports(ctx, true)) // the box starts again
	unsent("no-clock", "stale", "ended")
	must(j.Sent(ctx, "ended", 4))
	must(j.Sent(ctx, "no-clock", 0))
	unsent("stale")
	must(j.SaveClip(ctx, Clip{Exam: "ended", Number: 1, Zone: "R-upper"})) // somebody judges it after all
	unsent("stale", "ended")
	must(j.Sent(ctx, "ended", 5))
	save("open", now, now.Add(time.Hour))
	unsent("stale", "open")
	must(j.SaveClip(ctx, Clip{Exam: "before", Number: 1, Zone: "R-upper"}))
	unsent("stale", "open") // it never was the archive's
	trail, err := j.AuditAfter(ctx, 0, 10)
	if err != nil || len(trail) != 2 || trail[1].Detail != "exam ended, 5 files" {
		t.Errorf("trail %+v, %v", trail, err)
	}
	// The archive is taken away and comes back: what was between is not sent by itself.
	must(j.SendReports(ctx, false))
	save("between", now, now)
	must(j.SendReports(ctx, true))
	unsent()
}
