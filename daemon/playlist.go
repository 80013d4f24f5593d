package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"lungbox/capture"
	"lungbox/capture/clip"
	"lungbox/capture/gate"
	"lungbox/capture/replay"
)

// playlist replays files one after the other at their own frame rate, for ever or
// once. It is a capture.Source of masked crops. A file that cannot be read is told to
// complain and left out from then on; empty is closed when none is left.
type playlist struct {
	complain func(error)
	empty    chan struct{}
	rules    func() gate.Config // asked at every file; nil: the usual ones
	once     bool               // set before the first Next: io.EOF follows the last file

	alive context.Context //nolint:containedctx // a file outlives the call of Next that opens it
	end   context.CancelFunc

	mu      sync.Mutex
	files   []string
	next    int
	current capture.Source
	closed  bool
}

func newPlaylist(files []string, complain func(error)) *playlist {
	p := &playlist{files: files, complain: complain, empty: make(chan struct{})}
	p.alive, p.end = context.WithCancel(context.Background())
	return p
}

var errNothingToPlay = errors.New("no file can be played")

// Next returns the next frame of the current file, or the first of the next file.
func (p *playlist) Next(ctx context.Context) (*capture.Frame, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		source, err := p.source()
		if err != nil {
			return nil, err
		}
		frame, err := source.Next(ctx)
		if err == nil {
			return frame, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if p.alive.Err() != nil {
			return nil, io.EOF
		}
		p.leave(source, err)
	}
}

// source returns the open file, opening the next one if there is none.
func (p *playlist) source() (capture.Source, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.current == nil {
		if p.closed {
			return nil, io.EOF
		}
		if len(p.files) == 0 {
			return nil, errNothingToPlay
		}
		if p.once && p.next == len(p.files) {
			return nil, io.EOF
		}
		p.next %= len(p.files)
		path := p.files[p.next]
		var rules gate.Config
		if p.rules != nil {
			rules = p.rules()
		}
		opened, err := replay.OpenWith(p.alive, path, clip.Options{Realtime: true}, rules)
		if p.alive.Err() != nil {
			return nil, io.EOF
		}
		if err != nil {
			p.complain(err)
			p.remove()
			continue
		}
		p.current = opened
	}
	return p.current, nil
}

// leave closes a file that has ended or failed.
func (p *playlist) leave(source capture.Source, why error) {
	source.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current != source {
		return
	}
	p.current = nil
	if errors.Is(why, io.EOF) {
		p.next++
		return
	}
	p.complain(fmt.Errorf("%w; the file is left out", why))
	p.remove()
}

// remove takes the current file out of the list. The caller holds mu.
func (p *playlist) remove() {
	p.files = slices.Delete(p.files, p.next, p.next+1)
	if len(p.files) == 0 {
		close(p.empty)
	}
}

// Close ends the replay.
func (p *playlist) Close() error {
	p.end() // Next may be opening a file
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.current == nil {
		return nil
	}
	return p.current.Close()
}
