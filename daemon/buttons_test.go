package main

import (
	"log/slog"
	"testing"
	"time"

	"lungbox/daemon/config"
	"lungbox/daemon/exam"
	"lungbox/daemon/panel/gpio"
	"lungbox/sync/journal"
)

// What presses do to the exam, and what is kept of it.
func TestPresses(t *testing.T) {
	store, err := journal.Open(t.Context(), t.TempDir(), journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	session := exam.NewSession(exam.Blue12, examName)
	b := newButtons(config.Buttons{Chip: "none"}, &examiner{session: session, store: store, clipPictures: clipPictures{folder: t.TempDir()}, note: func(string) {}}, slog.New(slog.DiscardHandler), func() {})
	at := time.Date(2026, 11, 27, 2, 0, 0, 0, time.UTC)
	press := func(what gpio.Button) {
		at = at.Add(time.Minute)
		b.press(t.Context(), gpio.Press{Button: what, At: at})
	}
	press(gpio.NextZone) // there is no exam yet
	if session.Place().Exam != "" {
		t.Error("a zone without an exam")
	}
	press(gpio.NewPatient)
	first := session.Place()
	press(gpio.NextZone)
	if p := session.Place(); p.Exam != first.Exam || p.Zone != "R2" || p.Scheme != "blue12" {
		t.Errorf("place %+v", p)
	}
	press(gpio.Record)
	if r := b.exams.recording; r == nil || r.Place.Zone != "R2" {
		t.Errorf("recording %+v", r)
	}
	press(gpio.Record) // one at a time
	press(gpio.NextZone)
	if clips, err := store.Clips(t.Context(), first.Exam); err != nil || len(clips) != 1 || clips[0].Zone != "R2" || session.Place().Zone != "R3" {
		t.Errorf("going on ends the clip: %+v, %v, zone %s", clips, err, session.Place().Zone)
	}
	press(gpio.NewPatient)
	second := session.Place()
	if second.Exam == first.Exam || second.Zone != "R1" {
		t.Errorf("second patient: %+v", second)
	}
	kept, err := store.Exams(t.Context(), 10)
	if err != nil || len(kept) != 2 || kept[0].ID != second.Exam || !kept[0].Ended.IsZero() || kept[1].Ended != at {
		t.Errorf("kept %+v, %v", kept, err)
	}
}
