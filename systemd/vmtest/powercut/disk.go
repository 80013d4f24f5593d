package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
)

// disk is a disk with a write cache, served over NBD (the fixed newstyle handshake and simple
// replies of the NBD protocol). What is written is on the disk for sure once it is flushed.
// When the power is cut, each sector that waits in the cache may or may not have reached the
// disk: a real one writes them in an order of its own.
type disk struct {
	file *os.File
	size int64
	lies bool // it says that it has flushed, and has not

	mu      sync.Mutex
	cache   map[int64][]byte // sectors that wait, by number
	flushes int
	lost    int           // sectors that power cuts took
	left    int           // writes until the power fails; below 0: it does not by itself
	failed  chan struct{} // closed when it has
}

// errPower is the end of a disk whose power has failed.
var errPower = errors.New("the power has failed")

// failAfter lets the power fail after so many writes from now on. The returned channel is
// closed then.
func (d *disk) failAfter(writes int) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left, d.failed = writes, make(chan struct{})
	return d.failed
}

const sector = 512

func openDisk(path string) (*disk, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &disk{file: f, size: info.Size() / sector * sector, cache: map[int64][]byte{}, left: -1}, nil
}

// cut is a power cut: survives is the chance of each waiting sector.
func (d *disk) cut(survives float64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, content := range d.cache {
		if rand.Float64() >= survives {
			d.lost++
			delete(d.cache, n)
		} else if _, err := d.file.WriteAt(content, n*sector); err != nil {
			return err
		}
	}
	clear(d.cache)
	d.left = -1
	return nil
}

func (d *disk) flush() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left == 0 {
		return errPower
	}
	d.flushes++
	if d.lies {
		return nil
	}
	for n, content := range d.cache {
		if _, err := d.file.WriteAt(content, n*sector); err != nil {
			return err
		}
	}
	clear(d.cache)
	return nil
}

func (d *disk) read(p []byte, offset int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.file.ReadAt(p, offset); err != nil {
		return err
	}
	for at := int64(0); at < int64(len(p)); at += sector {
		if content, ok := d.cache[(offset+at)/sector]; ok {
			copy(p[at:], content)
		}
	}
	return nil
}

func (d *disk) write(p []byte, offset int64, through bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch d.left {
	case 0:
		return errPower
	case 1:
		close(d.failed)
		through = false // it is under way
	}
	d.left = max(d.left-1, -1)
	for at := int64(0); at < int64(len(p)); at += sector {
		n := (offset + at) / sector
		if !through {
			d.cache[n] = append([]byte(nil), p[at:at+sector]...)
			continue
		}
		delete(d.cache, n)
		if _, err := d.file.WriteAt(p[at:at+sector], n*sector); err != nil {
			return err
		}
	}
	return nil
}

// Numbers of the NBD protocol.
const (
	nbdMagic, optMagic, replyMagic uint64 = 0x4e42444d41474943, 0x49484156454f5054, 0x3e889045565a9
	requestMagic, answerMagic      uint32 = 0x25609513, 0x67446698
	optAbort, optInfo, optGo       uint32 = 2, 6, 7
	repAck, repInfo, repUnknown    uint32 = 1, 3, 1<<31 + 1
	hasFlags, canFlush, canFUA     uint16 = 1, 4, 8
	forceUnitAccess                uint16 = 1
)

var order = binary.BigEndian

// serve serves one machine until it goes.
func (d *disk) serve(c net.Conn) error {
	defer c.Close()
	if err := d.greet(c); err != nil {
		return err
	}
	head := make([]byte, 28)
	for {
		if _, err := io.ReadFull(c, head); err != nil {
			return err
		}
		if order.Uint32(head) != requestMagic {
			return errors.New("not a request")
		}
		flags, kind, offset, length := order.Uint16(head[4:]), order.Uint16(head[6:]), int64(order.Uint64(head[16:])), order.Uint32(head[24:])
		if kind > 3 || kind < 2 && (offset < 0 || offset+int64(length) > d.size || offset%sector != 0 || length%sector != 0 || length > 64<<20) {
			return fmt.Errorf("request %d of %d bytes at %d", kind, length, offset)
		}
		var payload []byte
		var err error
		switch kind {
		case 0:
			payload = make([]byte, length)
			err = d.read(payload, offset)
		case 1:
			content := make([]byte, length)
			if _, err := io.ReadFull(c, content); err != nil {
				return err // half a request: the power was cut
			}
			err = d.write(content, offset, flags&forceUnitAccess != 0)
		case 2:
			return nil
		case 3:
			err = d.flush()
		}
		if err != nil {
			return err
		}
		answer := order.AppendUint32(order.AppendUint32(nil, answerMagic), 0)
		answer = append(append(answer, head[8:16]...), payload...)
		if _, err := c.Write(answer); err != nil {
			return err
		}
	}
}

// greet agrees on what there is.
func (d *disk) greet(c net.Conn) error {
	hello := order.AppendUint64(order.AppendUint64(nil, nbdMagic), optMagic)
	if _, err := c.Write(order.AppendUint16(hello, 3)); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
		return err
	}
	head := make([]byte, 16)
	for {
		if _, err := io.ReadFull(c, head); err != nil {
			return err
		}
		option, length := order.Uint32(head[8:]), order.Uint32(head[12:])
		if order.Uint64(head) != optMagic || length > 64<<10 {
			return errors.New("not an option")
		}
		if _, err := io.CopyN(io.Discard, c, int64(length)); err != nil {
			return err
		}
		reply := func(kind uint32, content []byte) error {
			out := order.AppendUint32(order.AppendUint64(nil, replyMagic), option)
			out = order.AppendUint32(order.AppendUint32(out, kind), uint32(len(content)))
			_, err := c.Write(append(out, content...))
			return err
		}
		switch option {
		case optGo, optInfo:
			export := order.AppendUint64(order.AppendUint16(nil, 0), uint64(d.size))
			if err := errors.Join(reply(repInfo, order.AppendUint16(export, hasFlags|canFlush|canFUA)), reply(repAck, nil)); err != nil {
				return err
			}
			if option == optGo {
				return nil
			}
		case optAbort:
			return errors.Join(reply(repAck, nil), io.EOF)
		default:
			if err := reply(repUnknown, nil); err != nil {
				return err
			}
		}
	}
}
