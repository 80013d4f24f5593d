package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"lungbox/daemon/exam"
	"lungbox/daemon/page"
	"lungbox/daemon/pipeline"
	"lungbox/ensemble"
	"lungbox/sync/journal"
)

// examiner runs exams for the page: it follows the pipeline, records clips and keeps them.
type examiner struct {
	clipPictures

	session *exam.Session
	store   *journal.Journal
	usual   exam.Scheme
	log     *slog.Logger
	beat    func()
	device  string            // name of the box
	note    func(text string) // tells people what is wrong with pictures; "": nothing is

	mu        sync.Mutex
	recording *exam.Recording
	number    int // of the clip that is recorded
	pictures  [ensemble.Scores]*image.Gray
	scored    scoredBy
}

// scoredBy is what scored a clip, and what people must be told of it.
type scoredBy struct {
	release   string
	notice    string
	simulated bool
}

const (
	clipLength = 5 * time.Second // a breath or two
	settling   = 2 * time.Second // until the last frame of a clip has its result, at most
	openFor    = 12 * time.Hour  // an exam that was cut off may be gone on with
)

// run follows the pipeline until it ends.
func (x *examiner) run(ctx context.Context, events <-chan pipeline.Event) error {
	for e := range events {
		x.beat()
		x.take(ctx, e)
	}
	return nil
}

// take gives a result to the clip that is recorded, and ends the clip when its time is over.
func (x *examiner) take(ctx context.Context, e pipeline.Event) {
	x.mu.Lock()
	defer x.mu.Unlock()
	r := x.recording
	if r == nil {
		return
	}
	over := e.Time.After(r.Till.Add(settling))
	if e.Result != nil {
		if e.Result.Exam == r.Place.Exam && e.Result.Release != "" {
			x.scored.release = e.Result.Release
			x.scored.simulated = x.scored.simulated || e.Result.Simulated
			x.scored.notice = cmp.Or(e.About.Demo, x.scored.notice)
		}
		if r.Add(*e.Result) {
			x.pictures[e.Result.Score] = e.Picture
		}
		over = over || e.Result.Time.After(r.Till)
	}
	if at := x.session.Place(); at.Exam != r.Place.Exam || at.Zone != r.Place.Zone {
		over = true // the probe has moved on
	}
	if over {
		x.keep(ctx, r)
	}
}

// keep ends the recording and keeps its clip. The caller holds mu.
func (x *examiner) keep(ctx context.Context, r *exam.Recording) {
	s := r.Finish(exam.Contiguous)
	c := journal.Clip{
		Exam: r.Place.Exam, Number: x.number, Zone: r.Place.Zone, Started: r.From, Ended: r.Till,
		First: s.First, Last: s.Last, Frames: s.Frames, Scored: s.Scored, Score: s.Score, Best: s.Best,
		Release: x.scored.release, Simulated: x.scored.simulated, Notice: x.scored.notice,
	}
	var picture *image.Gray
	if s.Score != ensemble.None {
		picture = x.pictures[s.Score]
	}
	x.recording, x.pictures, x.scored = nil, [ensemble.Scores]*image.Gray{}, scoredBy{}
	// The picture first: a clip that is cut off there is as if it had not been recorded.
	var lacking error
	if picture != nil {
		lacking = x.save(ctx, c, picture)
	}
	x.note(trouble(lacking))
	err := errors.Join(lacking, x.store.SaveClip(ctx, c))
	if err != nil && ctx.Err() == nil {
		x.log.Error("the clip is not recorded as a whole; its frames are", "clip", c.Number, "why", err)
	}
}

// mostLabel is how long a pseudonym may be.
const mostLabel = 40

// BeginExam begins an exam, or goes on with one that was cut off.
func (x *examiner) BeginExam(ctx context.Context, scheme, label, resume, by string) error {
	if scheme == "" {
		scheme = string(x.usual)
	}
	s, err := exam.ParseScheme(scheme)
	if err != nil {
		return page.Refusal(err.Error())
	}
	label = strings.TrimSpace(label)
	if utf8.RuneCountInString(label) > mostLabel || strings.ContainsFunc(label, unicode.IsControl) {
		return page.Refusal(fmt.Sprintf("the pseudonym is longer than %d characters, or has some that cannot be seen", mostLabel))
	}
	wanted, action := exam.Exam{Scheme: s, Label: label}, "exam begun"
	if resume != "" {
		kept, err := x.store.Exam(ctx, resume)
		if errors.Is(err, journal.ErrNoExam) {
			return page.Refusal("there is no such exam")
		}
		if err != nil {
			return err
		}
		if !kept.Ended.IsZero() || time.Since(kept.Started) > openFor {
			return page.Refusal("this exam is over: begin another")
		}
		wanted, action = exam.Exam{ID: kept.ID, Scheme: exam.Scheme(kept.Scheme), Label: kept.Label, Started: kept.Started}, "exam gone on with"
	}
	x.finish(ctx)
	begun, ended := x.session.Begin(wanted, time.Now())
	if resume != "" {
		if zone, err := x.firstMissing(ctx, begun); err == nil && zone != "" {
			x.session.GoTo(zone)
		}
	}
	return errors.Join(saveExams(ctx, x.store, ended, &begun), x.store.Audit(ctx, by, action, begun.ID))
}

// firstMissing is the first zone of an exam that is missing.
func (x *examiner) firstMissing(ctx context.Context, e exam.Exam) (string, error) {
	clips, err := x.store.Clips(ctx, e.ID)
	return e.Scheme.Protocol(counting(clips)).NextMissing(""), err
}

// saveExams keeps exams as they are now.
func saveExams(ctx context.Context, store *journal.Journal, all ...*exam.Exam) (errs error) {
	for _, e := range all {
		if e != nil {
			errs = errors.Join(errs, store.SaveExam(ctx, journal.Exam{ID: e.ID, Scheme: string(e.Scheme), Label: e.Label, Started: e.Started, Ended: e.Ended}))
		}
	}
	return errs
}

// finish keeps the clip that is being recorded, as far as it is.
func (x *examiner) finish(ctx context.Context) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.recording != nil {
		x.recording.Till = time.Now()
		x.keep(ctx, x.recording)
	}
}

// errNoExam is told who asks for something of an exam while there is none.
const errNoExam = page.Refusal("no exam is under way: begin one")

const errNoneMissing = page.Refusal("no zone is missing")

// EndExam ends the exam.
func (x *examiner) EndExam(ctx context.Context, by string) error {
	x.finish(ctx)
	ended := x.session.End(time.Now())
	if ended == nil {
		return errNoExam
	}
	return errors.Join(saveExams(ctx, x.store, ended), x.store.Audit(ctx, by, "exam ended", ended.ID))
}

// GoTo goes to a zone; "" is the next that is missing.
func (x *examiner) GoTo(ctx context.Context, zone string) error {
	current := x.session.Current()
	if current.ID == "" {
		return errNoExam
	}
	x.finish(ctx)
	if zone == "" {
		clips, err := x.store.Clips(ctx, current.ID)
		if err != nil {
			return err
		}
		if zone = current.Scheme.Protocol(counting(clips)).NextMissing(x.session.Place().Zone); zone == "" {
			return errNoneMissing
		}
	}
	if !x.session.GoTo(zone) {
		return page.Refusal(fmt.Sprintf("%.20q is no zone of %s", zone, current.Scheme))
	}
	return nil
}

// NextZone goes on as the button does: to the next zone that is missing, or, when none is, to the
// next of all.
func (x *examiner) NextZone(ctx context.Context) error {
	err := x.GoTo(ctx, "")
	if errors.Is(err, errNoneMissing) {
		x.finish(ctx)
		x.session.NextZone()
		return nil
	}
	return err
}

// NewPatient begins the next exam as the button does.
func (x *examiner) NewPatient(ctx context.Context, at time.Time) error {
	x.finish(ctx)
	begun, ended := x.session.NewPatient(at)
	return saveExams(ctx, x.store, ended, &begun)
}

// RecordClip begins a clip of the zone where the examiner is.
func (x *examiner) RecordClip(ctx context.Context) error {
	at := x.session.Place()
	if at.Exam == "" {
		return errNoExam
	}
	clips, err := x.store.Clips(ctx, at.Exam)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.recording != nil {
		return page.Refusal("a clip is being recorded")
	}
	now := time.Now()
	x.number = len(clips) + 1
	x.recording = &exam.Recording{Place: at, From: now, Till: now.Add(clipLength)}
	return nil
}

// Override keeps what a person says of a clip. The vote's score stays beside it.
func (x *examiner) Override(ctx context.Context, clip int, h page.Human, by string) error {
	current := x.session.Current()
	if current.ID == "" {
		return errNoExam
	}
	h.Reason = strings.Join(strings.Fields(h.Reason), " ")
	switch {
	case h.Reason == "" || utf8.RuneCountInString(h.Reason) > 200:
		return page.Refusal("say why, in at most 200 characters")
	case h.Discard:
		h.Score = ensemble.None
	case h.Score < 0 || h.Score >= ensemble.Scores:
		return page.Refusal("want a score of 0 to 3")
	}
	clips, err := x.store.Clips(ctx, current.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(clips, func(c journal.Clip) bool { return c.Number == clip })
	if i < 0 {
		return page.Refusal("there is no such clip")
	}
	c := clips[i]
	c.Human = &journal.Human{Score: h.Score, Discard: h.Discard, Reason: h.Reason, By: by, At: time.Now().UTC()}
	// The reason may name somebody: it stays in the journal, sealed, and is not in the trail, which
	// goes to the centre.
	said := fmt.Sprintf("score %v", h.Score)
	if h.Discard {
		said = "it does not count"
	}
	return errors.Join(x.store.SaveClip(ctx, c), x.store.Audit(ctx, by, "clip judged by a person", fmt.Sprintf("exam %s clip %d zone %s: AI %v, now %s", c.Exam, c.Number, c.Zone, c.Score, said)))
}
