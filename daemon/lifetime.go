package main

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"lungbox/daemon/commandline"
	"lungbox/daemon/exam"
	"lungbox/daemon/service"
)

// lifetime is what outlives the boxes that a changed configuration replaces.
type lifetime struct {
	log   *slog.Logger
	heart *service.Heart

	mu      sync.Mutex
	notes   map[string]string // by what they are about
	session *exam.Session
	scheme  exam.Scheme
}

// note is what the page tells beside the state about one thing; "" for nothing.
func (l *lifetime) note(about, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.notes == nil {
		l.notes = map[string]string{}
	}
	l.notes[about] = text
}

// trouble is an error's text, "" for none.
func trouble(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (l *lifetime) noted() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, about := range slices.Sorted(maps.Keys(l.notes)) {
		if text := l.notes[about]; text != "" {
			all = append(all, text)
		}
	}
	return strings.Join(all, "; ")
}

// examine goes on with the exam that is under way, unless there are other zones now.
func (l *lifetime) examine(name string) (*exam.Session, error) {
	scheme, err := exam.ParseScheme(name)
	if err != nil {
		return nil, commandline.UsageError{Err: err}
	}
	if l.session == nil || l.scheme != scheme {
		l.session, l.scheme = exam.NewSession(scheme, examName), scheme
	}
	return l.session, nil
}
