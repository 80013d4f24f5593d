// Package archive sends reports of exams to the hospital's DICOM archive by C-STORE. dcmtk's
// storescu does the talking, as a child with a time limit; the journal is the queue, so that a
// report that the archive has not taken is sent again, whatever happens to either machine.
package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lungbox/daemon/report"
)

// Peer is an archive.
type Peer struct {
	Address     string // HOST:PORT
	Title       string // its AE title
	Calling     string // ours
	Key         string // TLS: our key, "" for no TLS
	Certificate string // TLS: our certificate
	Authority   string // TLS: certificate that the archive's must be signed by
}

// Limits of a conversation.
const (
	connectLimit = 10               // seconds to connect
	answerLimit  = 30               // seconds for an answer
	SendLimit    = 10 * time.Minute // for all files of an exam
)

// Send sends files and returns when the archive has taken all. They lie in memory only meanwhile:
// what is sealed on disk is not written there in the clear to be sent.
func (p Peer) Send(ctx context.Context, files []report.File) error {
	ctx, cancel := context.WithTimeout(ctx, SendLimit)
	defer cancel()
	var open []*os.File
	defer func() {
		for _, f := range open {
			f.Close() // memory alone is lost
		}
	}()
	args, err := p.args("-R")
	if err != nil {
		return err
	}
	for i, f := range files {
		m, err := inMemory(f)
		if err != nil {
			return err
		}
		open = append(open, m)
		args = append(args, fmt.Sprintf("/proc/self/fd/%d", 3+i))
	}
	return p.talk(ctx, "storescu", args, open)
}

// Echo asks whether the archive is there and speaks with us (C-ECHO).
func (p Peer) Echo(ctx context.Context) error {
	args, err := p.args()
	if err != nil {
		return err
	}
	return p.talk(ctx, "echoscu", args, nil)
}

// args are what both programs are told.
func (p Peer) args(more ...string) ([]string, error) {
	host, port, err := net.SplitHostPort(p.Address)
	if err != nil {
		return nil, fmt.Errorf("archive.address %q: want HOST:PORT", p.Address)
	}
	args := append(more, "-aet", p.Calling, "-aec", p.Title, "-to", fmt.Sprint(connectLimit), "-ta", fmt.Sprint(answerLimit), "-td", fmt.Sprint(answerLimit))
	if p.Certificate != "" {
		args = append(args, "+tls", p.Key, p.Certificate)
		if p.Authority != "" {
			args = append(args, "+cf", p.Authority)
		}
	}
	return append(args, host, port), nil
}

func (p Peer) talk(ctx context.Context, program string, args []string, files []*os.File) error {
	c := exec.CommandContext(ctx, program, args...)
	c.ExtraFiles = files
	c.WaitDelay = time.Second
	c.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	err := c.Run()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("archive: %s is not installed: install the package dcmtk", program)
	case ctx.Err() != nil:
		return fmt.Errorf("archive %s: %w", p.Address, ctx.Err())
	}
	return fmt.Errorf("archive %s (%s): %s", p.Address, p.Title, complaint(said.String(), err))
}

// complaint is the line of dcmtk's that says most: the last that says why.
func complaint(said string, err error) string {
	last := err.Error()
	for line := range strings.Lines(said) {
		kind, text, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && (kind == "F" || kind == "E" || kind == "error") && text != "" {
			last = strings.Join(strings.Fields(text), " ")
		}
	}
	return last
}

func inMemory(f report.File) (*os.File, error) {
	fd, err := unix.MemfdCreate("lungbox report", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("archive: no memory for a report: %w", err)
	}
	m := os.NewFile(uintptr(fd), f.Name)
	if _, err := m.Write(f.Data); err != nil {
		return nil, errors.Join(fmt.Errorf("archive: no memory for a report: %w", err), m.Close())
	}
	return m, nil
}
