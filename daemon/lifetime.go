package main

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"lungbox/daemon/commandline"
	"lungbox/daemon/config"
	"lungbox/daemon/exam"
	"lungbox/daemon/service"
)

// lifetime is what outlives the boxes that a changed configuration replaces.
type lifetime struct {
	log   *slog.Logger
	heart *service.Heart

	again chan struct{} // a value: the box starts again with what the settings are now
	load  func() (config.Config, error)
	file  string // of the configuration

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

// chosenUnusable says that the box runs without what was chosen in the setup; nil: it does not.
func (l *lifetime) chosenUnusable(err error) {
	if err == nil {
		return
	}
	l.note("setup", "what was chosen in the setup cannot be used, the box runs without it: "+err.Error())
	l.log.Error("what was chosen in the setup cannot be used", "why", err)
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
