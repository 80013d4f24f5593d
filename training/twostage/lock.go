package twostage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ErrBusy means that another process works on the task.
var ErrBusy = errors.New("another process works on it")

// patience is how long a task waits for the process that has it. A process whose parent
// was killed ends by itself, but only when it has finished the step that it is in.
const patience = 30 * time.Second

// lock takes a lock that ends with the process. It holds between machines that share
// the folder, if the file system has POSIX locks.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	for deadline := time.Now().Add(patience); ; {
		err := unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &whole)
		switch {
		case err == nil:
			return func() { file.Close() }, nil
		case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES):
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		case time.Now().After(deadline):
			file.Close()
			return nil, ErrBusy
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// peakMemory is the most that this process has held, in bytes.
func peakMemory() int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Maxrss * 1024
}
