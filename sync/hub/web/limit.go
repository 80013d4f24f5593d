package web

import (
	"net"
	"net/netip"
	"sync"
)

// Limit is a listener that hangs up on connections beyond so many at a time, of all addresses
// or of one: nobody takes all file descriptors.
func Limit(l net.Listener, all, each int) net.Listener {
	return &limited{Listener: l, all: all, each: each, open: map[netip.Addr]int{}}
}

type limited struct {
	net.Listener
	all, each int

	mu    sync.Mutex
	count int
	open  map[netip.Addr]int
}

// Accept returns the next connection that has a place.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if from := address(c); l.enter(from) {
			return &place{Conn: c, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		_ = c.Close() // there is no place for it
	}
}

func (l *limited) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count >= l.all || l.open[from] >= l.each {
		return false
	}
	l.count++
	l.open[from]++
	return true
}

func (l *limited) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count--
	if l.open[from]--; l.open[from] == 0 {
		delete(l.open, from)
	}
}

// address is where a connection comes from: of IPv6 the network that one customer has (/64).
func address(c net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	a := at.Addr().Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return a
}

// place is a connection that counts until it is closed.
type place struct {
	net.Conn
	leave func()
}

// Close closes the connection and gives its place to another.
func (p *place) Close() error {
	p.leave()
	return p.Conn.Close()
}
