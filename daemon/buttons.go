package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"lungbox/daemon/config"
	"lungbox/daemon/exam"
	"lungbox/daemon/panel/gpio"
	"lungbox/sync/journal"
)

// buttons take presses to the exam and to the journal.
type buttons struct {
	config  gpio.ButtonConfig
	session *exam.Session
	store   *journal.Journal
	log     *slog.Logger
	beat    func()
}

// reopenButtons is how long a chip that is not there is waited for.
const reopenButtons = 2 * time.Second

func newButtons(b config.Buttons, session *exam.Session, store *journal.Journal, log *slog.Logger, beat func()) *buttons {
	return &buttons{gpio.ButtonConfig{
		Chip: b.Chip, NextZone: b.NextZone, NewPatient: b.NewPatient,
		ActiveLow: b.ActiveLow, PullUp: b.PullUp, Debounce: seconds(b.Debounce),
	}, session, store, log, beat}
}

// run listens until ctx ends. Buttons that do not answer are no reason to stop scoring:
// it is logged, once, and tried again.
func (b *buttons) run(ctx context.Context) error {
	complained := ""
	for ctx.Err() == nil {
		b.beat()
		pressed, err := gpio.OpenButtons(b.config)
		if err != nil {
			if err.Error() != complained {
				complained = err.Error()
				b.log.Error("the buttons do not answer", "why", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(reopenButtons):
			}
			continue
		}
		complained = ""
		b.listen(ctx, pressed)
		pressed.Close()
	}
	return nil
}

func (b *buttons) listen(ctx context.Context, pressed *gpio.Buttons) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		b.beat()
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		case p, open := <-pressed.Presses():
			if !open {
				return
			}
			b.press(ctx, p)
		}
	}
}

// press does what a button is for. What is on disk follows what is shown: an exam that
// cannot be recorded is under way all the same, and its results say so.
func (b *buttons) press(ctx context.Context, p gpio.Press) {
	if p.Button == gpio.NextZone {
		if zone := b.session.NextZone(); zone != "" {
			b.log.Info("next zone", "zone", zone)
		}
		return
	}
	begun, ended := b.session.NewPatient(p.At)
	b.log.Info("new patient", "exam", begun.ID)
	if err := saveExams(ctx, b.store, ended, &begun); err != nil && ctx.Err() == nil {
		b.log.Error("the exam is not recorded", "why", err)
	}
}

// examName is a name that says nothing of the patient.
func examName() string { return rand.Text() }
