package archive

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"lungbox/daemon/report"
	"lungbox/sync/journal"
)

// Store is what a queue needs of the journal.
type Store interface {
	SendReports(ctx context.Context, want bool) error
	Unsent(ctx context.Context, stale time.Time) ([]journal.Exam, error)
	Sent(ctx context.Context, exam string, files int) error
}

// Config says what a queue sends, and where.
type Config struct {
	Store Store
	// Files makes an exam's files; none: there is nothing to send.
	Files func(ctx context.Context, e journal.Exam) ([]report.File, error)
	Send  func(ctx context.Context, files []report.File) error
	// Current is the exam that is under way, "" for none: it is never sent, whatever the clock says.
	Current func() string
	Open    time.Duration            // an exam that was cut off may be gone on with so long
	Note    func(text string)        // shows people why exams wait; "": none does
	Beat    func(next time.Duration) // sign of life: the next comes within so long
	Every   time.Duration            // between two looks, 0: 2 s
	Most    time.Duration            // between two tries at an archive that does not answer, 0: 5 min
}

// Run sends what is to be sent until ctx ends.
func Run(ctx context.Context, c Config) error {
	if c.Every == 0 {
		c.Every = 2 * time.Second
	}
	if c.Most == 0 {
		c.Most = 5 * time.Minute
	}
	if err := c.Store.SendReports(ctx, true); err != nil {
		return err
	}
	wait, tries := c.Every, map[string]int{}
	for {
		waiting, err := c.turn(ctx, tries)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			wait = min(2*wait, c.Most)
			c.Note(fmt.Sprintf("%d exams wait to be sent to the archive, tried again by itself: %v", max(1, waiting), err))
		} else {
			wait = c.Every
			c.Note("")
		}
		for until := time.Now().Add(wait); time.Now().Before(until); {
			c.Beat(usual)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(min(time.Second, time.Until(until))):
			}
		}
	}
}

// usual is how long a step may take that talks to nobody.
const usual = 10 * time.Second

// turn sends all that waits, and says how many are left when something fails. What has failed
// least comes first, then the oldest: one exam that the archive refuses does not hold up others.
func (c Config) turn(ctx context.Context, tries map[string]int) (waiting int, err error) {
	c.Beat(usual)
	exams, err := c.Store.Unsent(ctx, time.Now().Add(-c.Open))
	if err != nil {
		return 0, err
	}
	exams = slices.DeleteFunc(exams, func(e journal.Exam) bool { return e.ID == c.Current() })
	slices.SortStableFunc(exams, func(a, b journal.Exam) int { return cmp.Compare(tries[a.ID], tries[b.ID]) })
	for i, e := range exams {
		c.Beat(SendLimit + usual)
		if err := c.send(ctx, e); err != nil {
			tries[e.ID]++
			return len(exams) - i, err
		}
		delete(tries, e.ID)
	}
	return 0, nil
}

func (c Config) send(ctx context.Context, e journal.Exam) error {
	files, err := c.Files(ctx, e)
	if err != nil {
		return fmt.Errorf("exam %s: %w", e.ID, err)
	}
	if len(files) > 0 {
		if err := c.Send(ctx, files); err != nil {
			return err
		}
	}
	return c.Store.Sent(ctx, e.ID, len(files))
}
