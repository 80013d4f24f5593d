package exam

import (
	"sync"
	"time"

	"lungbox/ensemble"
)

// Session is where the examiner is: which patient's exam, which zone. Nothing is under
// way until the first patient: results then belong to no exam. That is so after a start,
// too: a box that lost power must not take the next patient for the last one.
type Session struct {
	scheme Scheme
	name   func() string

	mu      sync.Mutex
	current Exam
	zone    int
}

// Exam is one examination.
type Exam struct {
	ID      string
	Scheme  Scheme
	Started time.Time
	Ended   time.Time // zero: it is under way
}

// NewSession waits for the first patient. name gives every exam a name that no other has
// and that says nothing of the patient.
func NewSession(s Scheme, name func() string) *Session { return &Session{scheme: s, name: name} }

// NewPatient ends the exam that is under way, if there is one, and begins another at the
// first zone. ended is nil when none was under way.
func (s *Session) NewPatient(now time.Time) (begun Exam, ended *Exam) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.ID != "" {
		last := s.current
		last.Ended = now
		ended = &last
	}
	s.current, s.zone = Exam{ID: s.name(), Scheme: s.scheme, Started: now}, 0
	return s.current, ended
}

// NextZone goes to the next zone, after the last to the first, and says which. Without an
// exam it does nothing and says "".
func (s *Session) NextZone() (zone string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.ID == "" {
		return ""
	}
	all := s.scheme.Zones()
	s.zone = (s.zone + 1) % len(all)
	return all[s.zone]
}

// Place is where a frame that comes now belongs.
func (s *Session) Place() ensemble.Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.ID == "" {
		return ensemble.Place{}
	}
	return ensemble.Place{Exam: s.current.ID, Zone: s.scheme.Zones()[s.zone], Scheme: string(s.scheme)}
}
