package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"lungbox/daemon/exam"
	"lungbox/daemon/page"
	"lungbox/daemon/report"
	"lungbox/ensemble"
	"lungbox/sync/journal"
)

// shortened is another exam in numbers.
func (x *examiner) shortened(ctx context.Context, e journal.Exam) (b page.ExamBefore, clips int, err error) {
	all, err := x.store.Clips(ctx, e.ID)
	if err != nil {
		return b, 0, err
	}
	p := exam.Scheme(e.Scheme).Protocol(counting(all))
	return page.ExamBefore{ID: e.ID, Label: e.Label, Started: e.Started, Total: p.Total, Worst: p.Worst, Missing: p.Missing}, len(all), nil
}

// counting are clips as they count: what a person says goes before the vote.
func counting(all []journal.Clip) (out []exam.Judged) {
	for _, c := range all {
		j := exam.Judged{Zone: c.Zone, Score: c.Score}
		if c.Human != nil {
			j.Score = c.Human.Score
		}
		if c.Human == nil || !c.Human.Discard {
			out = append(out, j)
		}
	}
	return out
}

// lately is how many exams are looked through for earlier ones.
const lately = 500

// Exam is the exam that is under way, and what may be begun.
func (x *examiner) Exam(ctx context.Context) (e page.Exam, err error) {
	now, current, at := time.Now(), x.session.Current(), x.session.Place()
	e = page.Exam{
		ID: current.ID, Label: current.Label, Scheme: string(current.Scheme), Started: current.Started, Zone: at.Zone, Worst: ensemble.None,
		Zones: []page.ExamZone{}, Clips: []page.ExamClip{}, Trend: []page.ExamBefore{}, Open: []page.ExamBefore{}, Ended: []page.ExamBefore{}, Schemes: []string{string(x.usual)},
	}
	for _, s := range exam.Schemes() {
		if s != x.usual {
			e.Schemes = append(e.Schemes, string(s))
		}
	}
	if e.ID != "" {
		if err := x.fill(ctx, &e, current); err != nil {
			return e, err
		}
		if e.Label == "" {
			return e, nil
		}
	}
	others, err := x.store.Exams(ctx, lately)
	if err != nil {
		return e, err
	}
	looked := 0
	for _, o := range others {
		var to *[]page.ExamBefore
		empty := false // whether one without a clip is worth showing
		switch {
		case o.ID == e.ID:
		case e.ID != "" && o.Label == e.Label && o.Scheme == e.Scheme && len(e.Trend) < 10:
			to = &e.Trend
		case e.ID == "" && o.Ended.IsZero() && now.Sub(o.Started) < openFor && len(e.Open) < 5:
			to, empty = &e.Open, true
		case e.ID == "" && len(e.Ended) < 5 && looked < 30: // the page asks twice a second
			looked++
			to = &e.Ended
		}
		if to == nil {
			continue
		}
		b, clips, err := x.shortened(ctx, o)
		if err != nil {
			return e, err
		}
		if clips > 0 || empty {
			*to = append(*to, b)
		}
	}
	return e, nil
}

// Report is an exam's report for whoever stands at the page.
func (x *examiner) Report(ctx context.Context, id, format, language string) (name string, data []byte, err error) {
	e, err := x.store.Exam(ctx, id)
	if errors.Is(err, journal.ErrNoExam) {
		return "", nil, page.Refusal("there is no such exam")
	}
	if err != nil {
		return "", nil, err
	}
	told, err := reporter{records: x.store, clips: &x.clipPictures, device: x.device}.tell(ctx, e)
	if err != nil {
		return "", nil, err
	}
	if slices.Contains(report.Languages(), language) {
		told.Language = language
	}
	files, err := formats[format](told)
	if err != nil {
		return "", nil, err
	}
	extension := map[string]string{"pdf": "pdf", "csv": "csv", "sr": "dcm"}[format]
	return fmt.Sprintf("exam-%.8s.%s", id, extension), files[0].Data, nil
}

// fill puts in what is known of the exam that is under way.
func (x *examiner) fill(ctx context.Context, e *page.Exam, current exam.Exam) error {
	clips, err := x.store.Clips(ctx, e.ID)
	if err != nil {
		return err
	}
	p := current.Scheme.Protocol(counting(clips))
	e.PerZone = current.Scheme.PerZone()
	e.Total, e.Worst, e.Missing, e.Most, e.Next = p.Total, p.Worst, p.Missing, (ensemble.Scores-1)*len(p.Zones), p.NextMissing(e.Zone)
	for _, z := range p.Zones {
		e.Zones = append(e.Zones, page.ExamZone{Name: z.Name, Score: z.Score, Clips: z.Clips, Missing: z.Missing})
	}
	for _, c := range clips {
		shown := page.ExamClip{Number: c.Number, Zone: c.Zone, Score: c.Score, AI: c.Score, Frames: c.Frames, Scored: c.Scored}
		_, err := os.Stat(x.file(c.Exam, c.Number))
		shown.Picture = err == nil
		if h := c.Human; h != nil {
			shown.Human = &page.Human{Score: h.Score, Discard: h.Discard, Reason: h.Reason}
			shown.Score = h.Score
		}
		e.Clips = append(e.Clips, shown)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if r := x.recording; r != nil {
		e.Recording = &page.ExamRecording{Zone: r.Place.Zone, LeftMs: max(0, time.Until(r.Till).Milliseconds())}
	}
	return nil
}
