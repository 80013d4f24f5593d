package journal

import (
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// State says how recording is.
type State string

// States of recording.
const (
	Recording    State = "recording"
	OnReserve    State = "on-reserve"    // the disk is full; results take the room that was kept for them
	NotRecording State = "not-recording" // the last write failed
)

// reserve is a file that keeps room on the disk until it is needed.
type reserve struct {
	path string
	size int64

	mu     sync.Mutex
	state  State
	gaveUp bool // the room was given away and is not there again
}

// fill makes the file, if there is room for it and as much again. That it cannot be made
// is seen in the state only: the journal works without.
func (r *reserve) fill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = Recording
	if r.size <= 0 {
		return
	}
	r.gaveUp = true
	r.state = OnReserve
	if info, err := os.Stat(r.path); err == nil && info.Size() == r.size {
		r.gaveUp, r.state = false, Recording
		return
	}
	var disk unix.Statfs_t
	if unix.Statfs(filepath.Dir(r.path), &disk) != nil || int64(disk.Bavail)*disk.Bsize < 2*r.size {
		return
	}
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Fallocate(int(f.Fd()), 0, 0, r.size) != nil {
		os.Remove(r.path)
		return
	}
	r.gaveUp, r.state = false, Recording
}

// give frees the room and says whether there was any.
func (r *reserve) give() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.size <= 0 || r.gaveUp {
		return false
	}
	r.gaveUp = true
	return os.Remove(r.path) == nil
}

// wrote takes in how the last write went and says whether the reserve is to be filled.
func (r *reserve) wrote(err error) (refill bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.state = NotRecording
	case r.gaveUp && r.size > 0:
		r.state = OnReserve
		return true
	default:
		r.state = Recording
	}
	return false
}

// State says whether results are being recorded.
func (j *Journal) State() State {
	j.reserve.mu.Lock()
	defer j.reserve.mu.Unlock()
	return j.reserve.state
}
