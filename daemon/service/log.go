package service

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/journal"
)

// NewLog makes the log of a service: to systemd's journal with a field for each
// attribute when the program's standard error leads there, else one line each to
// stderr, in the form of all messages of this program.
func NewLog(program string, stderr io.Writer) *slog.Logger {
	if native, err := journal.StderrIsJournalStream(); err == nil && native {
		return slog.New(&handler{send: func(level slog.Level, message string, fields map[string]string) error {
			return journal.Send(message, priority(level), fields)
		}})
	}
	var mu sync.Mutex
	return slog.New(&handler{send: func(_ slog.Level, message string, _ map[string]string) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := fmt.Fprintf(stderr, "%s: %s\n", program, message)
		return err
	}})
}

func priority(level slog.Level) journal.Priority {
	switch {
	case level >= slog.LevelError:
		return journal.PriErr
	case level >= slog.LevelWarn:
		return journal.PriWarning
	case level >= slog.LevelInfo:
		return journal.PriInfo
	}
	return journal.PriDebug
}

// handler writes records as lines, with their attributes as fields beside them.
type handler struct {
	send   func(level slog.Level, message string, fields map[string]string) error
	fields []slog.Attr
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	fields := map[string]string{}
	message := strings.ReplaceAll(r.Message, "\n", " ")
	add := func(a slog.Attr) bool {
		value := strings.ReplaceAll(a.Value.String(), "\n", " ")
		fields["LUNGBOX_"+fieldName(a.Key)] = value
		message += fmt.Sprintf(" %s=%q", a.Key, value)
		return true
	}
	for _, a := range h.fields {
		add(a)
	}
	r.Attrs(add)
	return h.send(r.Level, message, fields)
}

// fieldName makes a journal field of a key: capitals, digits and underscores.
func fieldName(key string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{send: h.send, fields: append(h.fields[:len(h.fields):len(h.fields)], attrs...)}
}

func (h *handler) WithGroup(string) slog.Handler { return h }
