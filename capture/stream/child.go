package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"lungbox/capture"
	"lungbox/capture/clip"
	"lungbox/capture/y4m"
)

// child is a running ffmpeg.
type child struct {
	newest chan *capture.Frame // one slot
	gone   chan struct{}       // closed when ffmpeg is gone and err is set
	err    error
	cancel context.CancelFunc
}

// start starts ffmpeg. It ends with end, and with this process.
func (s *Source) start() (*child, error) {
	ctx, cancel := context.WithCancel(context.Background())
	args := append([]string{"-nostdin", "-hide_banner", "-v", "error", "-threads", "2",
		"-fflags", "nobuffer", "-flags", "low_delay", "-analyzeduration", "1000000"}, s.args...)
	args = append(args, "-i", s.address, "-map", "0:v:0", "-an", "-sn", "-dn", "-vsync", "passthrough",
		"-vf", "scale=out_range=full,format=yuv420p", "-f", "yuv4mpegpipe", "-strict", "-1", "pipe:1")
	command := exec.CommandContext(ctx, s.options.FFmpeg, args...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	command.WaitDelay = time.Second
	said := &tail{}
	command.Stderr = said
	pipe, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("cannot start ffmpeg: %w", err)
	}
	c := &child{newest: make(chan *capture.Frame, 1), gone: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(c.gone)
		defer cancel()
		err := s.read(pipe, c.newest)
		cancel() // what it still says is of no use
		c.err = s.why(err, errors.Join(command.Wait()), said.last())
	}()
	return c, nil
}

// read puts pictures into the slot, the newest in place of one that nobody has taken.
func (s *Source) read(pipe io.Reader, slot chan *capture.Frame) error {
	pictures, err := y4m.NewReader(pipe, clip.CheckSize)
	for err == nil {
		var f *capture.Frame
		if f, err = pictures.Next(); err != nil {
			break
		}
		f.Time = time.Now()
		select {
		case <-slot:
			s.skipped.Add(1)
		default:
		}
		slot <- f // it is empty: nobody else puts anything in
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// why is the reason of an end: what cannot be read, else what ffmpeg said last.
func (s *Source) why(reading, exit error, said string) error {
	switch {
	case reading != nil:
		return reading
	case said != "":
		said = strings.TrimPrefix(strings.ReplaceAll(said, s.address, s.shown), s.shown+": ")
		if s.secret != "" {
			said = strings.ReplaceAll(said, s.secret, "…")
		}
		return errors.New(said + ": check the sender and the network")
	case exit != nil && !errors.Is(exit, context.Canceled):
		return fmt.Errorf("%w: %w", errEnded, exit)
	}
	return errEnded
}

// end kills ffmpeg and waits until it is gone.
func (c *child) end() {
	c.cancel()
	<-c.gone
}

// tail keeps the end of what is written.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const kept = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-kept):]
	return len(p), nil
}

// last is the last line, without the addresses that ffmpeg puts before it.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := ""
	for l := range strings.Lines(string(t.text)) {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "Last message repeated") {
			line = l
		}
	}
	if strings.HasPrefix(line, "[") { // "[tcp @ 0x55d0] Connection refused"
		if _, rest, found := strings.Cut(line, "] "); found {
			line = rest
		}
	}
	return line
}
