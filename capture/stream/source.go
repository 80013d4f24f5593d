// Package stream takes live pictures from the network: RTSP and HTTP streams, decoded by
// ffmpeg in a child process.
//
// A stream may be absent, stall and come back at any time. Each of these is an error of
// [Source.Next], in words, and the next call tries again with a new child; nothing that the
// former one had decoded is delivered. Of pictures that come faster than they are asked for
// the newest counts.
package stream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lungbox/capture"
)

// Options say how a stream is read.
type Options struct {
	// Limit is how long no picture may come before the stream counts as failed; 0 means
	// 10 s, because a stream begins with its next key frame.
	Limit  time.Duration
	FFmpeg string // the program; "": the one in PATH
}

// Source is a stream's pictures. See Open.
type Source struct {
	address string // with name and password
	shown   string // without
	secret  string // the password; "" when there is none
	args    []string
	options Options

	turn   chan struct{} // holds the right to use the child
	closed chan struct{}
	once   sync.Once
	child  *child
	index  int

	skipped atomic.Uint64
}

// Open checks the address. Nothing needs to be there yet: only what can never work is an
// error.
func Open(address string, o Options) (*Source, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("source.from: %q is no address of a stream such as rtsp://scanner/live", withoutPassword(address))
	}
	if o.Limit <= 0 {
		o.Limit = 10 * time.Second
	}
	if o.FFmpeg == "" {
		o.FFmpeg = "ffmpeg"
	}
	if _, err := exec.LookPath(o.FFmpeg); err != nil {
		return nil, fmt.Errorf("streams need ffmpeg: %w; install the package ffmpeg (sudo apt-get install ffmpeg)", err)
	}
	s := &Source{address: address, shown: u.Redacted(), options: o, turn: make(chan struct{}, 1), closed: make(chan struct{})}
	s.secret, _ = u.User.Password()
	// Only what the kind of address needs: a stream must not make ffmpeg open files.
	switch u.Scheme {
	case "rtsp", "rtsps":
		s.args = []string{"-protocol_whitelist", "rtsp,rtsps,rtp,tcp,udp,tls", "-rtsp_transport", "tcp"}
	case "http", "https":
		s.args = []string{"-protocol_whitelist", "http,https,tcp,tls"}
	default:
		return nil, fmt.Errorf("source.from: a stream of kind %q cannot be read: want rtsp, rtsps, http or https", u.Scheme)
	}
	s.turn <- struct{}{}
	return s, nil
}

// withoutPassword hides what may be a password in an address that cannot be read.
func withoutPassword(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	if _, host, found := strings.Cut(rest, "@"); found {
		return scheme + "://…@" + host
	}
	return address
}

// Next returns the newest picture, and waits for one if need be. After every error it may
// be asked again: pause a little, then the stream is opened anew.
func (s *Source) Next(ctx context.Context) (*capture.Frame, error) {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { s.turn <- struct{}{} }()
	select {
	case <-s.closed:
		return nil, os.ErrClosed
	default:
	}
	if s.child == nil {
		c, err := s.start() //nolint:contextcheck // the child outlives this call
		if err != nil {
			return nil, err
		}
		s.child = c
	}
	stalled := time.NewTimer(s.options.Limit)
	defer stalled.Stop()
	select {
	case f := <-s.child.newest:
		f.File, f.Index = s.shown, s.index
		s.index++
		return f, nil
	case <-s.child.gone:
		err := s.child.err
		s.drop()
		return nil, fmt.Errorf("the stream %s: %w", s.shown, err)
	case <-stalled.C:
		s.drop()
		return nil, fmt.Errorf("the stream %s has sent no picture for %v: check the sender and the network", s.shown, s.options.Limit)
	case <-s.closed:
		return nil, os.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Skipped is how many pictures were overtaken by newer ones.
func (s *Source) Skipped() uint64 { return s.skipped.Load() }

func (s *Source) drop() {
	if s.child != nil {
		s.child.end()
		s.child = nil
	}
}

// Close ends the child; a Next that waits returns os.ErrClosed.
func (s *Source) Close() error {
	s.once.Do(func() { close(s.closed) })
	<-s.turn
	defer func() { s.turn <- struct{}{} }()
	s.drop()
	return nil
}

// errEnded says that a stream ended without a complaint.
var errEnded = errors.New("it has ended: check the sender")
