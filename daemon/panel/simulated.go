package panel

import "sync"

// Simulated is a panel without hardware: it keeps what would be lit. It may be
// used from several goroutines.
type Simulated struct {
	mu     sync.Mutex
	lamps  Lamps
	closed bool
}

// Show keeps the lamps.
func (s *Simulated) Show(l Lamps) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.lamps = l
	return nil
}

// Close darkens the lamps.
func (s *Simulated) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lamps, s.closed = Lamps{}, true
	return nil
}

// Lamps is what is lit now.
func (s *Simulated) Lamps() Lamps {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lamps
}
