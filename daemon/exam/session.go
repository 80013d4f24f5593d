package exam

import (
	"slices"
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
	Label   string // the site's pseudonym for the patient; "" for none
	Started time.Time
	Ended   time.Time // zero: it is under way
}

// NewSession waits for the first patient. name gives every exam a name that no other has
// and that says nothing of the patient.
func NewSession(s Scheme, name func() string) *Session { return &Session{scheme: s, name: name} }

// NewPatient ends the exam that is under way, if there is one, and begins another at the
// first zone. ended is nil when none was under way.
func (s *Session) NewPatient(now time.Time) (begun Exam, ended *Exam) {
	return s.Begin(Exam{Scheme: s.scheme}, now)
}

// Begin ends the exam that is under way, as NewPatient does, and begins another with the scheme
// and label of e; with an ID it goes on with that one, which was cut off.
func (s *Session) Begin(e Exam, now time.Time) (begun Exam, ended *Exam) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ended = s.end(now)
	if e.ID == "" {
		e.ID, e.Started = s.name(), now
	}
	e.Ended = time.Time{}
	s.current, s.zone = e, 0
	return s.current, ended
}

// End ends the exam that is under way; nil when none was.
func (s *Session) End(now time.Time) (ended *Exam) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(now)
}

func (s *Session) end(now time.Time) *Exam {
	if s.current.ID == "" {
		return nil
	}
	last := s.current
	last.Ended = now
	s.current, s.zone = Exam{}, 0
	return &last
}

// Current is the exam that is under way; its ID is "" when none is.
func (s *Session) Current() Exam {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// GoTo goes to a zone of the exam that is under way; false when there is none such.
func (s *Session) GoTo(zone string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.current.Scheme.Zones(), zone)
	if s.current.ID == "" || at < 0 {
		return false
	}
	s.zone = at
	return true
}

// NextZone goes to the next zone, after the last to the first, and says which. Without an
// exam it does nothing and says "".
func (s *Session) NextZone() (zone string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.ID == "" {
		return ""
	}
	all := s.current.Scheme.Zones()
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
	return ensemble.Place{Exam: s.current.ID, Zone: s.current.Scheme.Zones()[s.zone], Scheme: string(s.current.Scheme)}
}
