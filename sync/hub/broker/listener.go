package broker

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// listener hands out connections only after their TLS handshake: a peer that sends nothing
// holds a slot for a few seconds and nothing else.
type listener struct {
	net.Listener
	config *tls.Config
	ready  chan net.Conn
	slots  chan struct{}
	once   sync.Once
	done   chan struct{}
}

const (
	handshakeLimit = 20 * time.Second // ten thousand boxes that come back at once wait for each other
	handshakes     = 512              // at a time
)

func listen(ctx context.Context, inner net.Listener, config *tls.Config) *listener {
	l := &listener{Listener: inner, config: config, ready: make(chan net.Conn), slots: make(chan struct{}, handshakes), done: make(chan struct{})}
	go l.accept(ctx)
	return l
}

func (l *listener) accept(ctx context.Context) {
	for {
		select {
		case l.slots <- struct{}{}:
		case <-l.done:
			return
		}
		raw, err := l.Listener.Accept()
		if err != nil {
			<-l.slots
			select {
			case <-l.done:
				return
			case <-time.After(50 * time.Millisecond): // out of files, say
				continue
			}
		}
		go l.shake(ctx, raw)
	}
}

func (l *listener) shake(ctx context.Context, raw net.Conn) {
	defer func() { <-l.slots }()
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	c := tls.Server(raw, l.config)
	if err := c.HandshakeContext(ctx); err != nil {
		raw.Close()
		return
	}
	select {
	case l.ready <- c:
	case <-l.done:
		c.Close()
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}
