package worker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// child is one running worker process.
type child struct {
	command *exec.Cmd
	in      io.WriteCloser
	answers chan answer
	ready   chan readyOrError
	done    chan struct{} // closed when the process has been reaped
	exit    string        // how it ended; valid after done
	stderr  tail
}

type readyOrError struct {
	Ready
	err error
}

// launch starts the process and sends it the start message. The end of the context
// kills it.
func launch(ctx context.Context, c Config) (*child, error) {
	command := exec.CommandContext(ctx, c.Command[0], c.Command[1:]...)
	command.Env = append(os.Environ(), c.Env...)
	k := &child{command: command, answers: make(chan answer, 1), ready: make(chan readyOrError, 1), done: make(chan struct{})}
	command.Stderr = &k.stderr
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if k.in, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start worker: %w", err)
	}
	go k.read(out)
	if err := sendJSON(k.in, kindStart, c.Start); err != nil {
		k.kill()
		return nil, fmt.Errorf("start worker: %w%s", err, k.stderr.last())
	}
	return k, nil
}

// read turns the child's messages into values until its output ends, then reaps it.
func (k *child) read(out io.Reader) {
	defer close(k.done)
	reader := bufio.NewReader(out)
	for {
		message, payload, err := receive(reader, maxAnswer)
		if err == nil {
			err = k.deliver(message, payload)
		}
		if err != nil {
			k.command.Process.Kill() // an error other than the end leaves it in no state to go on
			break
		}
	}
	k.exit = exitText(k.command.Wait())
	select {
	case k.ready <- readyOrError{err: fmt.Errorf("worker ended (%s) before it was ready%s", k.exit, k.stderr.last())}:
	default: // it had been ready
	}
}

func (k *child) deliver(message kind, payload []byte) error {
	switch message {
	case kindReady:
		var r Ready
		if err := json.Unmarshal(payload, &r); err != nil {
			return err
		}
		k.stderr.clear() // what libraries tell of their loading explains no later fault
		return k.settle(readyOrError{Ready: r})
	case kindFailed:
		return k.settle(readyOrError{err: fmt.Errorf("%w: %s", ErrRefused, payload)})
	case kindDecision:
		var a answer
		if err := json.Unmarshal(payload, &a); err != nil {
			return err
		}
		k.answers <- a
	default:
		return fmt.Errorf("message %q", byte(message))
	}
	return nil
}

// settle says once whether the child is ready.
func (k *child) settle(r readyOrError) error {
	select {
	case k.ready <- r:
		return nil
	default:
		return errors.New("worker was ready twice")
	}
}

// await waits until the child is ready to score.
func (k *child) await(ctx context.Context, limit time.Duration) (Ready, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case r := <-k.ready:
		return r.Ready, r.err
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return Ready{}, fmt.Errorf("worker was not ready after %v%s", limit, k.stderr.last())
		}
		return Ready{}, ctx.Err()
	}
}

// kill ends the process and waits until it is gone.
func (k *child) kill() {
	k.command.Process.Kill()
	for {
		select {
		case <-k.answers: // let the reader finish
		case <-k.done:
			return
		}
	}
}

// stop lets the process end by itself, for a while.
func (k *child) stop(patience time.Duration) {
	k.in.Close()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-k.answers:
		case <-k.done:
			return
		case <-timer.C:
			k.kill()
			return
		}
	}
}

func exitText(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// tail keeps the end of what the child prints, for the error message.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 4096

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if extra := len(t.text) - tailBytes; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(p), nil
}

func (t *tail) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = t.text[:0]
}

// last is the last line that says something, as a suffix for an error.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	if line := strings.TrimSpace(lines[len(lines)-1]); line != "" {
		return ": " + line
	}
	return ""
}
