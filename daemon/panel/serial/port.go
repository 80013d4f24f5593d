package serial

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// openPort opens a port for this process alone.
//
// The library opens files that child processes inherit. A child that lives on would
// keep an unplugged port from being given its name again, so they are marked to be
// closed in children. (One that is started between two lines here has them. To hold
// syscall.ForkLock would be worse: a port that hangs would let no child start.)
func openPort(path string, baud int) (port, error) {
	before := files()
	p, err := serial.Open(path, &serial.Mode{BaudRate: baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit})
	if err != nil {
		return nil, said(path, err)
	}
	for fd, file := range files() {
		if before[fd] != file {
			unix.CloseOnExec(fd)
		}
	}
	return p, nil
}

// files are what this process has open, by number. (Numbers alone do not do: the
// first new file gets the one that the folder had while it was read.)
func files() map[int]string {
	open := map[int]string{}
	const folder = "/proc/self/fd"
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil {
			open[fd], _ = os.Readlink(filepath.Join(folder, e.Name()))
		}
	}
	return open
}

// said puts an error of a port into words.
func said(path string, err error) error {
	var p *serial.PortError
	if errors.As(err, &p) {
		switch p.Code() {
		case serial.PermissionDenied:
			err = fs.ErrPermission
		case serial.PortBusy:
			err = unix.EBUSY
		case serial.InvalidSerialPort:
			return fmt.Errorf("%s is no serial port: %s", path, list())
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no serial port %s: is the tower plugged in? %s", path, list())
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("serial port %s: %w: run as a member of the group that owns it, mostly dialout", path, err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("serial port %s is used by another program: end that, or give another port", path)
	case errors.Is(err, unix.EIO), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return fmt.Errorf("serial port %s: %w: was the tower unplugged?", path, err)
	}
	return fmt.Errorf("serial port %s: %w", path, err)
}

// list says which ports a tower may be on.
func list() string {
	var all []string
	for _, pattern := range []string{"/dev/serial/by-id/*", "/dev/ttyUSB*", "/dev/ttyACM*", "/dev/ttyTHS*", "/dev/ttyAMA*"} {
		found, _ := filepath.Glob(pattern)
		all = append(all, found...)
	}
	if len(all) == 0 {
		return "this machine has no USB serial port now"
	}
	return "there are " + strings.Join(all, ", ")
}
