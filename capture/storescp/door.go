package storescp

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Limits on who has not yet been let in. A connection costs a child of its own only once it has
// asked for an association in full (PS3.8, section 9.3.2) or, with TLS, has said hello.
const (
	senders   = 8                // may send at a time; others wait
	ofOne     = 4                // of these from one address, so that one cannot keep all others out
	strangers = 32               // connections of one address that have not been let in; more are hung up
	mostLines = 1024             // of all addresses
	patience  = 10 * time.Second // for a request
	mostBytes = 16 << 10         // of a request: those of modalities have a few thousand
)

// door decides who may send next.
type door struct {
	room chan struct{}

	mu      sync.Mutex
	waiting map[netip.Addr]int
	all     int
	inside  map[netip.Addr]chan struct{}
}

func newDoor() *door {
	return &door{room: make(chan struct{}, senders), waiting: map[netip.Addr]int{}, inside: map[netip.Addr]chan struct{}{}}
}

// queue notes a connection of an address, or says that there are too many.
func (d *door) queue(from netip.Addr) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting[from] >= strangers || d.all >= mostLines {
		return false
	}
	d.waiting[from]++
	d.all++
	return true
}

func (d *door) leave(from netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.waiting[from]--; d.waiting[from] == 0 {
		delete(d.waiting, from)
		if c := d.inside[from]; c != nil && len(c) == 0 {
			delete(d.inside, from)
		}
	}
}

// enter waits for a place, and returns what gives it back; nil when ctx ends. Until then the
// caller is in the queue.
func (d *door) enter(ctx context.Context, from netip.Addr) (leave func()) {
	d.mu.Lock()
	own := d.inside[from]
	if own == nil {
		own = make(chan struct{}, ofOne)
		d.inside[from] = own
	}
	d.mu.Unlock()
	select {
	case own <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	select {
	case d.room <- struct{}{}:
		return func() { <-d.room; <-own }
	case <-ctx.Done():
		<-own
		return nil
	}
}

var errNoRequest = errors.New("it has not asked for an association")

// asked waits until a connection has sent a whole request, which stays in it for storescp.
func asked(connection *net.TCPConn, secure bool) error {
	if err := connection.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	raw, err := connection.SyscallConn()
	if err != nil {
		return err
	}
	buffer := make([]byte, mostBytes)
	var result error
	err = raw.Read(func(fd uintptr) bool {
		n, _, err := unix.Recvfrom(int(fd), buffer, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR):
			return false
		case err != nil:
			result = err
			return true
		case n == 0:
			result = errNoRequest
			return true
		}
		whole, err := request(buffer[:n], secure)
		result = err
		return whole || err != nil
	})
	if err == nil {
		err = result
	}
	return errors.Join(err, connection.SetReadDeadline(time.Time{}))
}

// request says whether the bytes are the whole of a first message, or cannot become one.
func request(b []byte, secure bool) (whole bool, err error) {
	length := 0
	if secure { // a record of the handshake (RFC 8446, section 5.1)
		if b[0] != 22 {
			return false, errNoRequest
		}
		if len(b) < 5 {
			return false, nil
		}
		length = 5 + int(binary.BigEndian.Uint16(b[3:]))
	} else { // an A-ASSOCIATE-RQ
		if b[0] != 1 || len(b) > 1 && b[1] != 0 {
			return false, errNoRequest
		}
		if len(b) < 6 {
			return false, nil
		}
		announced := binary.BigEndian.Uint32(b[2:])
		if announced > mostBytes-6 || announced < 68 {
			return false, errNoRequest
		}
		length = 6 + int(announced)
	}
	if length > mostBytes {
		return false, errNoRequest
	}
	return len(b) >= length, nil
}
