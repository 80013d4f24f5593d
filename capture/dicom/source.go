package dicom

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"lungbox/capture"
)

// Command is the name of the hidden command that must call [Worker].
const Command = "dicom-worker"

// Options are the limits on reading a file. The zero value is right for a box.
type Options struct {
	// Worker is the command that runs Worker; nil means this program with Command.
	Worker []string
	// Memory in bytes that reading may take; 0 means 512 MiB, enough for 30 megapixels.
	Memory int64
	// Patience is how long the worker may take for the header and for each frame;
	// 0 means 20 s.
	Patience time.Duration
}

func (o Options) withDefaults() (Options, error) {
	if o.Worker == nil {
		self, err := os.Executable()
		if err != nil {
			return o, err
		}
		o.Worker = []string{self, Command}
	}
	if o.Memory == 0 {
		o.Memory = 512 << 20
	}
	if o.Patience == 0 {
		o.Patience = 20 * time.Second
	}
	return o, nil
}

// Source delivers the frames of a DICOM file, numbered from 0.
type Source struct {
	opts   Options
	cmd    *exec.Cmd
	cancel context.CancelFunc
	header Header
	next   int

	frames chan *capture.Frame
	done   chan struct{} // closed when the worker is gone and err is set
	err    error         // why the stream ended: io.EOF when all is well
}

// Open starts a worker and reads the file's header. Ending the context ends the
// worker. Errors do not name the file: the caller knows it.
func Open(ctx context.Context, path string, opts Options) (*Source, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "lungbox-dicom-")
	if err != nil {
		return nil, fmt.Errorf("no room to read DICOM files: %w", err)
	}
	alive, cancel := context.WithCancel(ctx)
	s := &Source{opts: opts, cancel: cancel, frames: make(chan *capture.Frame), done: make(chan struct{})}
	args := append(append([]string{}, opts.Worker[1:]...), path, scratch, strconv.FormatInt(opts.Memory, 10))
	s.cmd = exec.CommandContext(alive, opts.Worker[0], args...)
	// A group of its own, so that the programs it starts end with it.
	s.cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	s.cmd.Cancel = func() error { return unix.Kill(-s.cmd.Process.Pid, unix.SIGKILL) }
	s.cmd.WaitDelay = time.Second
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "DCMDICTPATH=" + os.Getenv("DCMDICTPATH"), "LC_ALL=C", "GOMAXPROCS=2"}
	complaints := &bounded{limit: 16 << 10}
	s.cmd.Stderr = complaints
	stdin, errIn := s.cmd.StdinPipe() // stays open as long as we live
	stdout, errOut := s.cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut); err != nil {
		cancel()
		os.RemoveAll(scratch)
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		cancel()
		os.RemoveAll(scratch)
		return nil, fmt.Errorf("cannot start the DICOM worker: %w", err)
	}
	opened := make(chan struct{})
	go func() {
		defer close(s.done)
		defer os.RemoveAll(scratch)
		m := &messages{in: bufio.NewReaderSize(stdout, 64<<10)}
		err := s.pump(alive, m, opened)
		if alive.Err() != nil {
			err = os.ErrClosed
		}
		stdin.Close()
		cancel() // it has said its last
		s.cmd.Wait()
		s.err = s.explain(err, complaints.String())
	}()
	return s.opened(ctx, opened)
}

// opened waits for the header.
func (s *Source) opened(ctx context.Context, opened <-chan struct{}) (*Source, error) {
	wait, cancel := context.WithTimeout(ctx, s.opts.Patience)
	defer cancel()
	var err error
	select {
	case <-opened:
		return s, nil
	case <-s.done:
		err = s.err
	case <-wait.Done():
		err = s.late(ctx)
	}
	s.Close()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return nil, err
}

func (s *Source) late(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: reading it takes more than %v", ErrLimit, s.opts.Patience)
}

// pump reads the worker's messages one frame ahead.
func (s *Source) pump(ctx context.Context, m *messages, opened chan<- struct{}) error {
	if err := m.readHeader(); err != nil {
		return err
	}
	s.header = m.header
	close(opened)
	for {
		frame, err := m.readFrame()
		if err != nil {
			return err
		}
		select {
		case s.frames <- frame:
		case <-ctx.Done():
			return os.ErrClosed
		}
	}
}

// explain turns a worker that died into what its user can act on.
func (s *Source) explain(err error, stderr string) error {
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if strings.Contains(stderr, "out of memory") || strings.Contains(stderr, "cannot allocate memory") {
		return fmt.Errorf("%w: reading it needs more than %d MB of memory", ErrLimit, s.opts.Memory>>20)
	}
	return fmt.Errorf("%w: the DICOM worker died on it (%s)", ErrDamaged, firstLine(stderr, s.cmd.ProcessState.String()))
}

// Header is known from Open on.
func (s *Source) Header() Header { return s.header }

// Next delivers the next frame. After an error other than the context's it returns
// that error again.
func (s *Source) Next(ctx context.Context) (*capture.Frame, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, s.opts.Patience)
	defer cancel()
	select {
	case frame := <-s.frames:
		frame.Index = s.next
		s.next++
		return frame, nil
	case <-s.done:
		return nil, s.err
	case <-wait.Done():
		return nil, s.late(ctx)
	}
}

// Close ends the worker and waits until it is gone.
func (s *Source) Close() error {
	s.cancel()
	<-s.done
	return nil
}

// bounded keeps the first bytes written to it.
type bounded struct {
	bytes.Buffer
	limit int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), b.limit-b.Len())])
	return len(p), nil
}
