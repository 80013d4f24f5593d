package v4l2

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"lungbox/capture"
)

// Config says which grabber to use and how. The zero value means the only grabber there
// is, in its best format; but Input is then 0, the first.
type Config struct {
	// Device is "" for the only grabber, a path such as /dev/video0 or /dev/v4l/by-id/…, or
	// a part of the card's name, in any case.
	Device string
	Format Format // "": the best that is offered
	// Width and Height in pixels; 0: the largest up to 1280×720.
	Width, Height int
	Rate          float64 // frames per second; 0: the fastest
	Input         int     // of a card with several; negative: as it is set
	// Limit is how long a grabber may send nothing before it counts as failed; 0 means 2 s.
	Limit time.Duration
}

// Status is what is known of a grabber, for people.
type Status struct {
	Grabber
	Open          bool
	Format        Format
	Width, Height int
	Interlaced    bool
	Nominal       float64 // frames per second as agreed with the driver; 0: unknown
	Measured      float64 // frames per second over the last two seconds
	Skipped       uint64  // pictures overtaken by newer ones, or marked as faulty by the driver
	Broken        uint64  // pictures that could not be decoded
}

// String is such as "OBS USB Capture, MJPEG 1280×720, 29.8 fps".
func (s Status) String() string {
	if !s.Open {
		return "no grabber"
	}
	kind := ""
	if s.Interlaced {
		kind = " interlaced"
	}
	return fmt.Sprintf("%s, %s %d×%d%s, %.1f fps", s.Card, s.Format, s.Width, s.Height, kind, s.Measured)
}

// Source is a grabber's pictures. See New.
type Source struct {
	config Config
	index  int

	turn   chan struct{} // holds the right to use the device
	closed chan struct{}
	once   sync.Once

	device *device // used by whoever has the turn
	spoilt int     // broken pictures in a row

	mu     sync.Mutex
	status Status
	times  []time.Time // of the last pictures, for the rate
}

const (
	window    = 2 * time.Second // for the measured rate
	lookEvery = 50 * time.Millisecond
	tolerated = 30 // broken pictures in a row
)

// New makes a source. The grabber need not be there; only settings that can never work are
// an error.
func New(c Config) (*Source, error) {
	names := []Format{"", MJPEG, YUYV, UYVY, NV12, Grey, RGB24}
	if !slices.Contains(names, c.Format) {
		return nil, fmt.Errorf("source.format = %q: want MJPEG, YUYV, UYVY, NV12, GREY or RGB24", c.Format)
	}
	if c.Limit <= 0 {
		c.Limit = 2 * time.Second
	}
	s := &Source{config: c, turn: make(chan struct{}, 1), closed: make(chan struct{})}
	s.turn <- struct{}{}
	return s, nil
}

// Next returns the newest picture that the grabber has, and waits for one if need be. It
// opens the grabber when it is not open. After every error it may be asked again: pause a
// little, then the grabber is looked for anew.
func (s *Source) Next(ctx context.Context) (*capture.Frame, error) {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { s.turn <- struct{}{} }()
	if err := s.ended(ctx); err != nil {
		return nil, err
	}
	if s.device == nil {
		d, err := openDevice(s.config)
		if err != nil {
			return nil, err
		}
		s.device = d
		s.opened()
	}
	f, err := s.picture(ctx)
	if err != nil && ctx.Err() == nil {
		s.drop()
	}
	return f, err
}

// picture waits for a picture that can be read.
func (s *Source) picture(ctx context.Context) (*capture.Frame, error) {
	name := s.device.grabber.Card
	for began := time.Now(); time.Since(began) < s.config.Limit; {
		if err := s.ended(ctx); err != nil {
			return nil, err
		}
		ready, err := s.device.wait(lookEvery)
		if err != nil {
			return nil, inWords(name, err)
		}
		if !ready {
			continue
		}
		f, skipped, err := s.device.newest()
		switch {
		case errors.Is(err, errBroken):
			if s.spoilt++; s.spoilt >= tolerated {
				s.spoilt = 0
				return nil, fmt.Errorf("the grabber %s sends broken pictures (%w): try another cable or USB port", name, err)
			}
			s.count(skipped, 1)
			continue
		case errors.Is(err, errNothing):
			s.count(skipped, 0)
			continue
		case err != nil:
			return nil, inWords(name, err)
		}
		s.spoilt = 0
		s.count(skipped, 0)
		s.arrived(f.Time)
		f.File, f.Index = s.device.grabber.Path, s.index
		s.index++
		return f, nil
	}
	return nil, fmt.Errorf("the grabber %s has sent no picture for %v: check the scanner and the cable", name, s.config.Limit)
}

// ended says whether nobody wants pictures any more.
func (s *Source) ended(ctx context.Context) error {
	select {
	case <-s.closed:
		return os.ErrClosed
	default:
		return ctx.Err()
	}
}

// Status is the present state. It may be called from any goroutine.
func (s *Source) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := s.status
	status.Measured = s.rate(time.Now())
	return status
}

// rate is over the window, or since the first picture. The caller holds mu.
func (s *Source) rate(now time.Time) float64 {
	for len(s.times) > 0 && now.Sub(s.times[0]) > window {
		s.times = s.times[1:]
	}
	if len(s.times) < 2 {
		return 0
	}
	return float64(len(s.times)-1) / s.times[len(s.times)-1].Sub(s.times[0]).Seconds()
}

func (s *Source) opened() {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.device
	l := d.layout
	s.status.Grabber, s.status.Open = d.grabber, true
	s.status.Format, s.status.Width, s.status.Height = l.format, l.width, l.height
	if l.field.alone() {
		s.status.Height *= 2
	}
	s.status.Interlaced, s.status.Nominal = l.field.halved(), d.rate
	s.times = nil
}

func (s *Source) arrived(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times = append(s.times, at)
	s.rate(at)
}

func (s *Source) count(skipped, broken int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Skipped += uint64(skipped)
	s.status.Broken += uint64(broken)
}

// drop closes the grabber and forgets all that waits in it.
func (s *Source) drop() {
	if s.device != nil {
		s.device.close()
		s.device = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Open = false
}

// Close ends the source; a Next that waits returns os.ErrClosed.
func (s *Source) Close() error {
	s.once.Do(func() { close(s.closed) })
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	s.drop()
	return nil
}
