package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"lungbox/daemon/config"
	"lungbox/daemon/page"
	"lungbox/daemon/panel/gpio"
)

// buttons take presses to the exam and to the journal.
type buttons struct {
	config gpio.ButtonConfig
	exams  *examiner
	log    *slog.Logger
	beat   func()
}

// reopenButtons is how long a chip that is not there is waited for.
const reopenButtons = 2 * time.Second

func newButtons(b config.Buttons, exams *examiner, log *slog.Logger, beat func()) *buttons {
	return &buttons{gpio.ButtonConfig{
		Chip: b.Chip, NextZone: b.NextZone, NewPatient: b.NewPatient, Record: b.Record,
		ActiveLow: b.ActiveLow, PullUp: b.PullUp, Debounce: seconds(b.Debounce),
	}, exams, log, beat}
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
	var err error
	switch p.Button {
	case gpio.NextZone:
		err = b.exams.NextZone(ctx)
	case gpio.NewPatient:
		err = b.exams.NewPatient(ctx, p.At)
	case gpio.Record:
		err = b.exams.RecordClip(ctx)
	}
	var cannot page.Refusal
	switch {
	case errors.As(err, &cannot):
		b.log.Info("a button was pressed in vain", "button", p.Button, "why", err)
	case err != nil && ctx.Err() == nil:
		b.log.Error("what a button was pressed for is not recorded", "button", p.Button, "why", err)
	default:
		b.log.Info("a button was pressed", "button", p.Button, "zone", b.exams.session.Place().Zone)
	}
}

// examName is a name that says nothing of the patient.
func examName() string { return rand.Text() }
