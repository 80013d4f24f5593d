package page

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Secure is a listener for browsers on other machines: TLS 1.2 or newer. Who speaks plain HTTP
// is sent to the same address with https.
func Secure(l net.Listener, certificate tls.Certificate) net.Listener {
	ctx, end := context.WithCancel(context.Background())
	s := &secure{
		Listener: l, ctx: ctx, end: end, ready: make(chan net.Conn), strangers: make(chan struct{}, mostStrangers),
		config: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}},
	}
	s.group.Go(s.accept)
	return s
}

const (
	mostStrangers = 64              // connections that have not said anything yet
	firstByte     = 5 * time.Second // to say something
)

type secure struct {
	net.Listener
	config    *tls.Config
	ctx       context.Context //nolint:containedctx // a listener has no other way to end its goroutines
	end       context.CancelFunc
	ready     chan net.Conn
	strangers chan struct{}
	group     sync.WaitGroup

	mu     sync.Mutex
	failed error
}

// accept takes connections and looks at the first byte of each, which says what it speaks.
func (s *secure) accept() {
	defer s.end()
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			s.mu.Lock()
			s.failed = err
			s.mu.Unlock()
			return
		}
		select {
		case s.strangers <- struct{}{}:
			s.group.Go(func() { s.greet(c) })
		default:
			_ = c.Close() // too many that say nothing
		}
	}
}

func (s *secure) greet(c net.Conn) {
	defer func() { <-s.strangers }()
	stop := context.AfterFunc(s.ctx, func() { _ = c.Close() })
	defer stop()
	_ = c.SetDeadline(time.Now().Add(firstByte))
	read := bufio.NewReaderSize(c, 4<<10)
	first, err := read.Peek(1)
	if err != nil {
		_ = c.Close()
		return
	}
	const handshake = 22 // record type of a ClientHello (RFC 8446, section 5.1)
	if first[0] != handshake {
		redirect(c, read)
		return
	}
	_ = c.SetDeadline(time.Time{})
	if !stop() {
		return // it has just been closed
	}
	select {
	case s.ready <- tls.Server(peeked{c, read}, s.config):
	case <-s.ctx.Done():
		_ = c.Close()
	}
}

// redirect answers a plain request with where to go.
func redirect(c net.Conn, read *bufio.Reader) {
	defer c.Close()
	r, err := http.ReadRequest(read)
	if err != nil {
		return
	}
	to := url.URL{Scheme: "https", Host: r.Host, Path: r.URL.Path}
	answer := http.Response{
		StatusCode: http.StatusPermanentRedirect, ProtoMajor: 1, ProtoMinor: 1, Close: true,
		Header: http.Header{"Location": {to.String()}, "Cache-Control": {"no-store"}},
	}
	_ = answer.Write(c) // the browser has gone if this fails
}

// Accept gives connections that speak TLS.
func (s *secure) Accept() (net.Conn, error) {
	select {
	case c := <-s.ready:
		return c, nil
	case <-s.ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		return nil, errors.Join(s.failed, net.ErrClosed)
	}
}

// Close ends the listener and all connections that it has not given away.
func (s *secure) Close() error {
	s.end()
	err := s.Listener.Close()
	s.group.Wait()
	return err
}

// peeked is a connection whose first bytes were looked at.
type peeked struct {
	net.Conn
	read *bufio.Reader
}

func (p peeked) Read(to []byte) (int, error) { return p.read.Read(to) }
