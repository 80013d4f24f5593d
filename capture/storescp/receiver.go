package storescp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Config says who may send what, and where to.
type Config struct {
	Address string // to listen on: ":11112", "127.0.0.1:11112"
	Title   string // AE title of this box, at most 16 characters
	// Peers are the addresses and networks that may send ("10.0.0.7", "10.0.0.0/24"); none
	// means all.
	Peers []string
	// Certificate and Key (PEM) turn TLS on; Authority is then the certificate that
	// senders' certificates must be signed by, "" for senders without.
	Certificate, Key, Authority string

	Incoming string // folder for what is being received, on the disk of Inbox
	Inbox    string // folder for complete files

	Program string       // "": storescp in PATH
	Log     func(string) // called with one line for people, from several goroutines; nil: nobody
	Beat    func()       // called every second while Run listens; nil: nobody listens
}

// Receiver listens. See Open.
type Receiver struct {
	config      Config
	listener    *net.TCPListener
	profile     string // storescp's configuration of what is accepted
	logging     string // and of its log
	peers       []netip.Prefix
	synchronous bool
	door        *door
}

// Open listens, and hands on what a former process has left. Errors say what to do.
func Open(ctx context.Context, c Config) (*Receiver, error) {
	if c.Program == "" {
		c.Program = "storescp"
	}
	if c.Beat == nil {
		c.Beat = func() {}
	}
	if c.Log == nil {
		c.Log = func(string) {}
	}
	r := &Receiver{config: c, door: newDoor()}
	if err := r.check(); err != nil {
		return nil, err
	}
	for _, dir := range []string{c.Incoming, c.Inbox} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("folder for received files: %w", err)
		}
	}
	r.synchronous = writeThrough(c.Incoming) == nil
	r.profile = filepath.Join(c.Incoming, "storescp.cfg")
	r.logging = filepath.Join(c.Incoming, "log.cfg")
	for path, text := range map[string]string{r.profile: profile(), r.logging: logging} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("folder for received files: %w", err)
		}
	}
	r.resume()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Address)
	if err != nil {
		return nil, fmt.Errorf("DICOM cannot be received at %s: %w; give another port in source.from", c.Address, err)
	}
	r.listener = listener.(*net.TCPListener) //nolint:forcetypeassert // a TCP network gives no other
	return r, nil
}

func (r *Receiver) check() error {
	c := r.config
	if _, err := exec.LookPath(c.Program); err != nil {
		return fmt.Errorf("receiving DICOM needs storescp: %w; install the package dcmtk (sudo apt-get install dcmtk)", err)
	}
	if c.Title == "" || len(c.Title) > 16 || strings.ContainsAny(c.Title, "\\\n\r\t") {
		return fmt.Errorf("dicom.title = %q: an AE title has 1 to 16 characters", c.Title)
	}
	for _, p := range c.Peers {
		prefix, err := netip.ParsePrefix(p)
		if address, single := netip.ParseAddr(p); single == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return fmt.Errorf("dicom.peers: %q is no address or network such as 10.0.0.7 or 10.0.0.0/24", p)
		}
		r.peers = append(r.peers, prefix)
	}
	for key, file := range map[string]string{"dicom.certificate": c.Certificate, "dicom.key": c.Key, "dicom.authority": c.Authority} {
		if file == "" {
			continue
		}
		if f, err := os.Open(file); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		} else if err := f.Close(); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// Address is where it listens.
func (r *Receiver) Address() net.Addr { return r.listener.Addr() }

// Synchronous says whether an acknowledged file survives a power cut.
func (r *Receiver) Synchronous() bool { return r.synchronous }

// Close stops listening. Run, if it runs, ends with its context only.
func (r *Receiver) Close() error {
	if err := r.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Run receives until ctx ends, and returns when all children are gone.
func (r *Receiver) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	stop := context.AfterFunc(ctx, func() { r.listener.Close() })
	defer stop()
	for {
		r.config.Beat()
		if err := r.listener.SetDeadline(time.Now().Add(time.Second)); err != nil && ctx.Err() == nil {
			return fmt.Errorf("DICOM: %w", err)
		}
		connection, err := r.listener.Accept()
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				continue // nobody came within the second
			}
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			r.config.Log("DICOM: " + err.Error())
			select { // out of file descriptors, for instance: it passes
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			continue
		}
		tcp := connection.(*net.TCPConn) //nolint:forcetypeassert // a TCP listener gives no other
		if from := sender(tcp); !r.door.queue(from) {
			_ = connection.Close()
		} else {
			all.Go(func() { r.admit(ctx, tcp, from) })
		}
	}
}

// admit lets a connection in once it has asked for an association and there is a place.
func (r *Receiver) admit(ctx context.Context, connection *net.TCPConn, from netip.Addr) {
	defer connection.Close()
	defer r.door.leave(from)
	if !r.welcome(from) {
		r.config.Log(fmt.Sprintf("DICOM: %v may not send: it is not in dicom.peers", from))
		return
	}
	stop := context.AfterFunc(ctx, func() { connection.Close() })
	err := asked(connection, r.config.Certificate != "")
	if !stop() || err != nil {
		return // nobody was there: a port scan, a load balancer that looks whether the box lives
	}
	leave := r.door.enter(ctx, from)
	if leave == nil {
		return
	}
	defer leave()
	r.serve(ctx, connection, from)
}

// serve lets a storescp of its own talk to a sender, and hands on what it has written.
func (r *Receiver) serve(ctx context.Context, connection *net.TCPConn, from netip.Addr) {
	dir, err := os.MkdirTemp(r.config.Incoming, "from-")
	if err != nil {
		r.config.Log("DICOM: nothing can be received: " + err.Error())
		return
	}
	files, said, err := r.converse(ctx, connection, dir)
	files += r.handOn(dir)
	os.Remove(dir) // it is empty, or its files are handed on at the next start
	switch {
	case ctx.Err() != nil:
	case err != nil || said != "":
		r.config.Log(fmt.Sprintf("DICOM: %d files from %v, then trouble: %s", files, from, reason(said, err)))
	default:
		r.config.Log(fmt.Sprintf("DICOM: %d files from %v", files, from))
	}
}

func reason(said string, err error) string {
	if said != "" {
		return said
	}
	return err.Error()
}

func sender(c *net.TCPConn) netip.Addr {
	address, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	return address.Addr().Unmap()
}

func (r *Receiver) welcome(from netip.Addr) bool {
	for _, p := range r.peers {
		if p.Contains(from) {
			return true
		}
	}
	return len(r.peers) == 0
}

// writeThrough marks a folder so that what is written below it is on the disk when the
// write returns (chattr +S +D).
func writeThrough(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	const sync, dirsync = 0x8, 0x10000
	var flags int32
	for _, request := range []uintptr{unix.FS_IOC_GETFLAGS, unix.FS_IOC_SETFLAGS} {
		if _, _, number := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(unsafe.Pointer(&flags))); number != 0 {
			return number
		}
		flags |= sync | dirsync
	}
	return nil
}
