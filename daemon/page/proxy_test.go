package page_test

import (
	"net"
	"sync"
	"testing"
	"time"
)

// proxy is the way between box and browser: it can lose and delay what the box says.
type proxy struct {
	url      string
	listener net.Listener

	mu    sync.Mutex
	lost  bool
	late  time.Duration
	conns []net.Conn
	parts sync.WaitGroup
}

func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{url: "http://" + l.Addr().String(), listener: l}
	p.parts.Go(func() {
		for {
			browser, err := l.Accept()
			if err != nil {
				return
			}
			box, err := net.Dial("tcp", to)
			if err != nil {
				browser.Close()
				continue
			}
			p.keep(browser, box)
			p.parts.Go(func() { p.pass(box, browser, false) })
			p.parts.Go(func() { p.pass(browser, box, true) })
		}
	})
	t.Cleanup(func() { l.Close(); p.hangUp(); p.parts.Wait() })
	return p
}

func (p *proxy) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, conns...)
}

// pass copies from src to dst; what the box says can be lost or late.
func (p *proxy) pass(dst, src net.Conn, fromBox bool) {
	defer dst.Close()
	defer src.Close()
	type piece struct {
		text []byte
		at   time.Time
	}
	pieces := make(chan piece, 10000)
	p.parts.Go(func() {
		for piece := range pieces {
			time.Sleep(time.Until(piece.at))
			if _, err := dst.Write(piece.text); err != nil {
				src.Close()
			}
		}
	})
	defer close(pieces)
	for {
		text := make([]byte, 64<<10)
		n, err := src.Read(text)
		if err != nil {
			return
		}
		p.mu.Lock()
		lost, late := p.lost && fromBox, p.late
		p.mu.Unlock()
		if !fromBox {
			late = 0
		}
		if !lost {
			pieces <- piece{text[:n], time.Now().Add(late)}
		}
	}
}

// cut loses everything that the box says from now on; connections stay open.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lost = true
}

// delay makes what the box says come later.
func (p *proxy) delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.late = d
}

// hangUp closes all connections; new ones may come.
func (p *proxy) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}
