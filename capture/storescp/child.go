package storescp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const lookEvery = 100 * time.Millisecond

// converse runs storescp on a connection until either ends, handing on every file that is
// complete meanwhile. said is what storescp complained of last.
func (r *Receiver) converse(ctx context.Context, connection *net.TCPConn, dir string) (files int, said string, err error) {
	socket, err := connection.File()
	if err != nil {
		return 0, "", err
	}
	defer socket.Close()
	c := exec.CommandContext(ctx, r.config.Program, r.args(dir)...)
	c.Stdin = socket
	log := filepath.Join(dir, logFile)
	defer os.Remove(log)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.WaitDelay = time.Second
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "DCMDICTPATH=" + os.Getenv("DCMDICTPATH"), "LC_ALL=C", logVariable + "=" + log}
	if err := c.Start(); err != nil {
		return 0, "", err
	}
	connection.Close() // the child has it
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	for {
		select {
		case err := <-ended:
			return files, complaint(log), err
		case <-ticks.C:
			files += r.handOn(dir)
		}
	}
}

// args are storescp's: what it may accept, for how long it waits, and TLS.
func (r *Receiver) args(dir string) []string {
	args := []string{
		"--log-config", r.logging, "--inetd", "--aetitle", r.config.Title, "--disable-host-lookup",
		"--config-file", r.profile, profileName,
		"--acse-timeout", "30", "--dimse-timeout", "120", "--socket-timeout", "60", "--max-pdu", "131072",
		"--output-directory", dir, "--bit-preserving", "--unique-filenames",
	}
	if r.config.Certificate == "" {
		return args
	}
	args = append(args, "+tls", r.config.Key, r.config.Certificate)
	if r.config.Authority == "" {
		return append(args, "--ignore-peer-cert")
	}
	return append(args, "--add-cert-file", r.config.Authority, "--require-peer-cert")
}

// handOn moves complete files into the inbox and says how many.
func (r *Receiver) handOn(dir string) (moved int) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !e.Type().IsRegular() || e.Name() == logFile || !complete(path) {
			continue
		}
		if err := r.move(path, filepath.Base(dir)); err != nil {
			r.config.Log("DICOM: a received file stays where it is: " + err.Error())
			continue
		}
		moved++
	}
	return moved
}

// complete says whether nobody writes to a file: only then can it be leased for reading.
// It is flushed to the disk, too.
func complete(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK); err != nil {
		return false
	}
	return f.Sync() == nil
}

// move renames a file into the inbox, under a name that no other file has.
func (r *Receiver) move(path, association string) error {
	target := filepath.Join(r.config.Inbox, fmt.Sprintf("%d-%s-%s.dcm", time.Now().UnixNano(), strings.TrimPrefix(association, "from-"), unique(path)))
	if err := os.Rename(path, target); err != nil {
		return err
	}
	inbox, err := os.Open(r.config.Inbox)
	if err != nil {
		return err
	}
	return errors.Join(inbox.Sync(), inbox.Close())
}

// unique is a part of storescp's own name for a file that holds nothing but digits.
func unique(path string) string {
	digits := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, filepath.Base(path))
	return digits[max(0, len(digits)-8):]
}

// resume hands on what a former process has left, complete or not.
func (r *Receiver) resume() {
	left, err := filepath.Glob(filepath.Join(r.config.Incoming, "from-*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		if n := r.handOn(dir); n > 0 {
			r.config.Log(fmt.Sprintf("DICOM: %d files that were being received when the box ended", n))
		}
		os.Remove(dir)
	}
}

// complaint is the last of what storescp logged that is no good news; "" when the
// association ended as it should.
func complaint(log string) (last string) {
	text, err := os.ReadFile(log)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			last = line
		}
	}
	return last
}
