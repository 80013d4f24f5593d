package serial

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// line is a serial line, made of a pseudo terminal, with a tower at its far end.
type line struct {
	t     *testing.T
	path  string // of the port; a link, as udev makes them
	tower decoder

	mu       sync.Mutex
	master   *os.File
	slave    int
	written  int // bytes that the driver got rid of since the tower was plugged in
	received int
	state    []bool
	history  [][]bool
	wrong    []string // what the tower did not understand
}

// decoder takes one frame from the bytes that have come, if there is a whole one:
// how many bytes it had, which lamp it switches (none if negative), and how.
type decoder func(b []byte) (n, lamp int, on bool, err error)

func newLine(t *testing.T, lights int, d decoder) *line {
	l := &line{t: t, path: filepath.Join(t.TempDir(), "tower"), tower: d, state: make([]bool, lights)}
	l.plug()
	t.Cleanup(func() {
		l.unplug()
		for _, w := range l.wrong {
			t.Errorf("the tower did not understand %s", w)
		}
	})
	return l
}

// plug connects a tower that has just got power: all dark.
func (l *line) plug() {
	l.t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		l.t.Skipf("no pseudo terminals on this machine: %v", err)
	}
	number := -1
	control(l.t, master, func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	})
	device := fmt.Sprintf("/dev/pts/%d", number)
	slave, err := unix.Open(device, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	os.Remove(l.path)
	if err := os.Symlink(device, l.path); err != nil {
		l.t.Fatal(err)
	}
	l.mu.Lock()
	l.master, l.slave, l.written, l.received = master, slave, 0, 0
	clear(l.state)
	l.mu.Unlock()
	go l.listen(master)
}

// unplug takes the tower away, and the port with it.
func (l *line) unplug() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.master != nil {
		unix.Close(l.slave)
		l.master.Close()
		l.master = nil
		os.Remove(l.path)
	}
}

func control(t *testing.T, f *os.File, do func(fd int) error) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}

// listen is the tower.
func (l *line) listen(master *os.File) {
	var b []byte
	part := make([]byte, 64)
	for {
		n, err := master.Read(part)
		l.mu.Lock()
		if err != nil || l.master != master {
			l.mu.Unlock()
			return
		}
		for b = append(b, part[:n]...); len(b) > 0; {
			used, lamp, on, err := l.tower(b)
			if err != nil {
				l.wrong = append(l.wrong, fmt.Sprintf("% x: %v", b, err))
				used = len(b)
			}
			if used == 0 {
				break
			}
			b = b[used:]
			if lamp >= 0 && err == nil {
				l.state[lamp] = on
				l.history = append(l.history, slices.Clone(l.state))
			}
		}
		l.received += n
		l.mu.Unlock()
	}
}

// read waits until the tower has got everything and gives what is lit.
func (l *line) read() []bool {
	l.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Microsecond) {
		l.mu.Lock()
		if l.received >= l.written {
			defer l.mu.Unlock()
			return slices.Clone(l.state)
		}
		l.mu.Unlock()
	}
	l.t.Fatal("the tower has not got what was sent")
	return nil
}

// dial is openPort with the bytes counted.
func (l *line) dial(path string, baud int) (port, error) {
	p, err := openPort(path, baud)
	if err != nil {
		return nil, err
	}
	return counted{p, l}, nil
}

type counted struct {
	port
	line *line
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.port.Write(b)
	c.line.mu.Lock()
	c.line.written += n
	c.line.mu.Unlock()
	return n, err
}

// hold stops the line, as a tower that takes no bytes does; or lets it go on.
func (l *line) hold(on bool) {
	l.t.Helper()
	action := 1 // TCOON
	if on {
		action = 0 // TCOOFF
	}
	if err := unix.IoctlSetInt(l.slave, unix.TCXONC, action); err != nil {
		l.t.Fatal(err)
	}
}

// seen is what was lit so far, one after the other.
func (l *line) seen() [][]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.history)
}
