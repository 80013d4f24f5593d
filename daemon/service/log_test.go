package service

import (
	"bytes"
	"log/slog"
	"testing"
)

func TestLogLines(t *testing.T) {
	var out bytes.Buffer
	l := NewLog("lungbox", &out)
	l.Info("the state is no-signal", "detail", "unplugged:\nno such device")
	l.With("box", "b1").Warn("plain")
	l.Debug("not told")
	want := "lungbox: the state is no-signal detail=\"unplugged: no such device\"\nlungbox: plain box=\"b1\"\n"
	if out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}

func TestFields(t *testing.T) {
	var got map[string]string
	var level slog.Level
	l := slog.New(&handler{send: func(lv slog.Level, _ string, f map[string]string) error { level, got = lv, f; return nil }})
	l.Error("x", "frames lost", 3)
	if got["LUNGBOX_FRAMES_LOST"] != "3" || len(got) != 1 || priority(level) != 3 {
		t.Errorf("fields %v, priority %v", got, priority(level))
	}
}
