package archive_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lungbox/daemon/archive"
	"lungbox/daemon/report"
	"lungbox/sync/journal"
)

// store is a queue's journal in memory; that of the box is tried in the box's own test.
type store struct {
	mu    sync.Mutex
	exams []journal.Exam
	sent  []string
	fails error // of Sent
}

func (s *store) SendReports(context.Context, bool) error { return nil }

func (s *store) Unsent(context.Context, time.Time) (out []journal.Exam, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.exams {
		if !slices.Contains(s.sent, e.ID) {
			out = append(out, e)
		}
	}
	return out, nil
}

func (s *store) Sent(_ context.Context, exam string, _ int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	s.sent = append(s.sent, exam)
	return nil
}

// An exam that the archive refuses for good holds up no other, the one that is under way is not
// sent, whatever the journal says, and what is waited for grows to the
// most that is allowed and no further.
func TestOneRefusedHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		s := &store{exams: []journal.Exam{{ID: "poison"}, {ID: "under way"}, {ID: "first"}, {ID: "second"}}}
		var tried []time.Time
		var note string
		go func() {
			_ = archive.Run(ctx, archive.Config{
				Store: s, Beat: func(time.Duration) {}, Current: func() string { return "under way" }, Note: func(text string) { note = text }, Every: time.Second, Most: time.Minute,
				Files: func(_ context.Context, e journal.Exam) ([]report.File, error) {
					return []report.File{{Name: e.ID}}, nil
				},
				Send: func(_ context.Context, files []report.File) error {
					if files[0].Name == "poison" {
						tried = append(tried, time.Now())
						return errors.New("refused")
					}
					return nil
				},
			})
		}()
		time.Sleep(10 * time.Minute)
		stop()
		synctest.Wait()
		if got := strings.Join(s.sent, " "); got != "first second" {
			t.Errorf("sent: %s", got)
		}
		if !strings.Contains(note, "1 exams wait") || !strings.Contains(note, "refused") {
			t.Errorf("people are told %q", note)
		}
		last := tried[len(tried)-1].Sub(tried[len(tried)-2])
		if last != time.Minute || len(tried) < 12 {
			t.Errorf("tried %d times, last after %v", len(tried), last)
		}
	})
}

// What the journal does not note as sent is sent again.
func TestNotNotedIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		s := &store{exams: []journal.Exam{{ID: "only"}}, fails: errors.New("disk full")}
		times := 0
		go func() {
			_ = archive.Run(ctx, archive.Config{
				Store: s, Beat: func(time.Duration) {}, Current: func() string { return "" }, Note: func(string) {},
				Files: func(context.Context, journal.Exam) ([]report.File, error) { return []report.File{{}}, nil },
				Send:  func(context.Context, []report.File) error { times++; return nil },
			})
		}()
		time.Sleep(time.Minute)
		s.mu.Lock()
		s.fails = nil
		s.mu.Unlock()
		time.Sleep(10 * time.Minute)
		stop()
		synctest.Wait()
		if len(s.sent) != 1 || times < 3 {
			t.Errorf("sent %v, %d times", s.sent, times)
		}
	})
}

func TestComplaints(t *testing.T) {
	for want, p := range map[string]archive.Peer{
		"want HOST:PORT":     {Address: "pacs", Title: "A", Calling: "B"},
		"Connection refused": {Address: "127.0.0.1:1", Title: "A", Calling: "B"},
	} {
		err := p.Echo(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	p := archive.Peer{Address: "127.0.0.1:1", Title: "A", Calling: "B"}
	if err := p.Send(t.Context(), []report.File{{Name: "x", Data: []byte("no DICOM file")}}); err == nil || !strings.Contains(err.Error(), "missing SOP class") || strings.Contains(err.Error(), "\n") {
		t.Errorf("what is no DICOM file: %v", err)
	}
}
