// Package inbox takes files as they come into a folder - received over the network, copied
// from a stick, exported by an archive - and delivers every frame of every file.
//
// # Promises
//
//   - A file leaves the folder only when all its frames are recorded ([Source.Recorded]), or
//     when it cannot be read: then it goes into the folder rejected, with its reason beside
//     it. A process that is killed leaves it where it is, and it is taken again from its
//     first frame: at least once, never less.
//   - Only complete files are taken: nobody may be writing to them, and they must not have
//     changed for a while.
//   - What a file is called is not told to anybody: names of exports hold names of patients.
//     A frame's File is the beginning of the SHA-256 of the file, so that a file that comes
//     twice is recognised.
//   - Files of a folder that cannot be changed, such as a stick that is write-protected, are
//     remembered by their hash, and not taken again.
package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"lungbox/capture"
)

// Config says where files come from and what becomes of them.
type Config struct {
	Folder string
	// Keep moves files that have been scored into the folder done; else they are removed.
	Keep bool
	// Seen is the file in which hashes of files are kept that could not be moved.
	Seen string
	// Open opens a file as a source of masked crops. Its errors must not be made of what
	// the file holds.
	Open func(ctx context.Context, path string) (capture.Source, error)
	// Report is called once for every file that is done with; nil: nobody listens.
	Report func(Report)
	// Settle is how long a file must not have changed; negative: not at all, for folders
	// into which complete files are renamed. 0 means 2 s.
	Settle time.Duration
	// Patience is how long the recorder may take for a frame before its file is taken
	// again; 0 means 30 s.
	Patience time.Duration
}

// Report says what became of a file.
type Report struct {
	File     string // as in Frame.File
	Bytes    int64
	Frames   int    // that were recorded
	Rejected string // why it was rejected; "" when it was not
	Trouble  string // why it could not be put where it belongs; "" when it could
}

// attempts is how often a file is taken whose frames are not recorded.
const attempts = 3

const lookEvery = 500 * time.Millisecond

// Source delivers the frames of the files. See Open.
type Source struct {
	config Config
	seen   *seen
	closed chan struct{}
	once   sync.Once
	alive  context.Context // of the files, which outlive a call of Next; ends with Close
	end    context.CancelFunc

	turn  chan struct{} // holds the right to all that follows
	queue []candidate
	file  *file // that is being read; nil between files
	tries map[string]int

	mu          sync.Mutex
	outstanding map[frameID]struct{} // delivered and not yet recorded
	recorded    chan struct{}        // has a value when outstanding has become smaller
}

type frameID struct {
	file  string
	frame int
}

// file is one that is being read.
type file struct {
	candidate
	name   string // for everybody
	hash   string
	source capture.Source
	frames int
	err    error // why it can be read no further; io.EOF at its end
}

// Open checks the settings. The folder need not be there yet.
func Open(c Config) (*Source, error) {
	if c.Settle == 0 {
		c.Settle = 2 * time.Second
	}
	if c.Patience == 0 {
		c.Patience = 30 * time.Second
	}
	if c.Report == nil {
		c.Report = func(Report) {}
	}
	known, err := openSeen(c.Seen)
	if err != nil {
		return nil, err
	}
	s := &Source{
		config: c, seen: known, closed: make(chan struct{}), turn: make(chan struct{}, 1), tries: map[string]int{},
		outstanding: map[frameID]struct{}{}, recorded: make(chan struct{}, 1),
	}
	s.alive, s.end = context.WithCancel(context.Background())
	s.turn <- struct{}{}
	return s, nil
}

// Recorded tells that a frame is on the disk. It may be called from any goroutine.
func (s *Source) Recorded(file string, frame int) {
	s.mu.Lock()
	delete(s.outstanding, frameID{file, frame})
	s.mu.Unlock()
	select {
	case s.recorded <- struct{}{}:
	default:
	}
}

// Next returns the next frame, and waits for the next file if need be. An error means that
// the folder cannot be read: it may be asked again.
func (s *Source) Next(ctx context.Context) (*capture.Frame, error) {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { s.turn <- struct{}{} }()
	for {
		if err := s.ended(ctx); err != nil {
			return nil, err
		}
		if s.file == nil {
			if err := s.take(ctx); err != nil {
				return nil, err
			}
			continue
		}
		if s.file.err == nil {
			f, err := s.file.source.Next(ctx)
			if err == nil {
				return s.deliver(f), nil
			}
			if ended := s.ended(ctx); ended != nil {
				return nil, ended
			}
			s.file.err = err
		}
		if err := s.finish(ctx); err != nil {
			return nil, err
		}
	}
}

func (s *Source) deliver(f *capture.Frame) *capture.Frame {
	f.File = s.file.name
	s.mu.Lock()
	s.outstanding[frameID{f.File, f.Index}] = struct{}{}
	s.mu.Unlock()
	s.file.frames++
	return f
}

func (s *Source) ended(ctx context.Context) error {
	select {
	case <-s.closed:
		return os.ErrClosed
	default:
		return ctx.Err()
	}
}

// take opens the next file, or waits a little for one.
func (s *Source) take(ctx context.Context) error {
	if len(s.queue) == 0 {
		var err error
		if s.queue, err = look(s.config.Folder, s.config.Settle); err != nil {
			return err
		}
	}
	for len(s.queue) > 0 {
		c := s.queue[0]
		s.queue = s.queue[1:]
		hash, err := digest(c.path)
		if err != nil || s.seen.has(hash) {
			continue // it has gone, or was done with before
		}
		s.file = &file{candidate: c, hash: hash, name: hash[:12] + extension(c.path)}
		s.file.source, s.file.err = s.config.Open(s.alive, c.path) //nolint:contextcheck // a file outlives a call of Next
		return s.ended(ctx)
	}
	select {
	case <-time.After(lookEvery):
	case <-s.closed:
	case <-ctx.Done():
	}
	return s.ended(ctx)
}

// finish waits until all frames of a file are recorded, and puts the file away.
func (s *Source) finish(ctx context.Context) error {
	f := s.file
	missing, err := s.wait(ctx)
	if err != nil {
		return err
	}
	s.file = nil
	if f.source != nil {
		f.source.Close()
	}
	if s.tries[f.hash]++; missing > 0 && s.tries[f.hash] < attempts {
		return nil // it is taken again
	}
	delete(s.tries, f.hash)
	r := Report{File: f.name, Bytes: f.size, Frames: f.frames - missing}
	switch {
	case missing > 0:
		r.Rejected = fmt.Sprintf("%d of its %d frames could not be scored and recorded, in %d attempts", missing, f.frames, attempts)
	case errors.Is(f.err, io.EOF):
	case f.frames == 0:
		r.Rejected = anonymous(f.err, f.path)
	default:
		r.Rejected = fmt.Sprintf("after %d frames: %s", f.frames, anonymous(f.err, f.path))
	}
	if err := s.putAway(f, r.Rejected); err != nil {
		r.Trouble = anonymous(err, f.path)
		if err := s.seen.add(f.hash); err != nil {
			r.Trouble += "; " + err.Error()
		}
	}
	s.config.Report(r)
	return nil
}

// wait waits for the recorder. missing frames have not been recorded within the patience
// after the last that was.
func (s *Source) wait(ctx context.Context) (missing int, err error) {
	for {
		s.mu.Lock()
		missing = len(s.outstanding)
		s.mu.Unlock()
		if missing == 0 {
			return 0, nil
		}
		select {
		case <-s.recorded:
		case <-time.After(s.config.Patience):
			s.mu.Lock()
			missing = len(s.outstanding)
			clear(s.outstanding)
			s.mu.Unlock()
			return missing, nil
		case <-s.closed:
			return 0, os.ErrClosed
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Close ends the source; files stay where they are.
func (s *Source) Close() error {
	s.once.Do(func() {
		close(s.closed)
		s.end()
	})
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	if s.file != nil && s.file.source != nil {
		err := s.file.source.Close()
		s.file = nil
		return err
	}
	s.file = nil
	return nil
}
