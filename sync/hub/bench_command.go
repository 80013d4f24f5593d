package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"lungbox/daemon/commandline"
	"lungbox/sync/hub/bench"
	"lungbox/sync/hub/config"
)

func newBench() *cobra.Command {
	var boxes int
	var rate float64
	var length time.Duration
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure a hub on this machine with a fleet of simulated boxes",
		Long: `Measure a hub on this machine: boxes connect over TLS with certificates of their own, send
results at a rate and wait for the acknowledgement; then the hub is killed and all come
back at once. The hub is a process of its own in a temporary folder; the boxes share the
machine with it.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if boxes < 1 || rate <= 0 || length <= 0 {
				return commandline.Usagef("want --boxes, --rate and --for above 0")
			}
			return measure(c.Context(), c.OutOrStdout(), boxes, rate, length)
		},
	}
	c.Flags().IntVar(&boxes, "boxes", 10_000, "boxes")
	c.Flags().Float64Var(&rate, "rate", 2000, "results a second, of all boxes together")
	c.Flags().DurationVar(&length, "for", time.Minute, "time that results are sent")
	return c
}

// measured is a hub in a process of its own.
type measured struct {
	state, listen, boxes string
	command              *exec.Cmd
}

func measure(ctx context.Context, out io.Writer, boxes int, rate float64, length time.Duration) error {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	files.Cur = files.Max // the hub inherits it
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &files); err != nil || files.Max < uint64(boxes+1000) {
		return fmt.Errorf("%d boxes need %d open files, %d are allowed here (ulimit -Hn)", boxes, boxes+1000, files.Max)
	}
	state, err := os.MkdirTemp("", "lunghub-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	m := &measured{state: state}
	if m.listen, m.boxes, err = free(ctx); err != nil {
		return err
	}
	settings := config.Default()
	settings.Hub.State = state
	h, err := open(ctx, settings)
	if err != nil {
		return err
	}
	defer h.close()
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	began := time.Now()
	f, err := bench.New(ctx, bench.Config{Broker: "mqtts://" + m.boxes, Authority: h.authority, Store: h.store, Boxes: boxes, Rate: rate})
	if err != nil {
		return err
	}
	say("%d boxes enrolled in %.1f s", boxes, time.Since(began).Seconds())
	if err := m.start(ctx); err != nil {
		return err
	}
	defer m.kill()
	idle := m.memory()
	began = time.Now()
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); f.Run(running) }()
	defer func() { stop(); <-ended }()
	if err := f.Until(ctx, boxes); err != nil {
		return err
	}
	say("all connected after %.1f s; the hub takes %.0f MB, %.1f kB a box, %d files", time.Since(began).Seconds(), m.memory(), 1024*(m.memory()-idle)/float64(boxes), m.files())

	f.Latencies()
	f.Send(true)
	began = time.Now()
	cpu := m.cpu()
	if err := sleep(ctx, length); err != nil {
		return err
	}
	f.Send(false)
	_, acked := f.Owed()
	took := time.Since(began).Seconds()
	all := f.Latencies()
	if len(all) == 0 {
		return errors.New("nothing was acknowledged")
	}
	at := func(q float64) float64 { return float64(all[int(q*float64(len(all)-1))].Microseconds()) / 1000 }
	say("%.0f results/s acknowledged over %.0f s; from box to acknowledgement: median %.0f ms, p99 %.0f ms, longest %.0f ms; the hub used %.2f cores",
		float64(acked)/took, took, at(0.5), at(0.99), at(1), (m.cpu()-cpu)/took)

	f.Send(true)
	m.kill()
	began = time.Now()
	for f.Online() > boxes/10 { // they notice
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
	if err := m.start(ctx); err != nil {
		return err
	}
	if err := f.Until(ctx, boxes); err != nil {
		return err
	}
	say("the hub was killed: all back after %.1f s; it takes %.0f MB then", time.Since(began).Seconds(), m.memory())
	f.Send(false)
	for limit := time.Now().Add(2 * time.Minute); ; {
		made, acked := f.Owed()
		if made == acked {
			break
		}
		if time.Now().After(limit) {
			return fmt.Errorf("%d results were made, %d acknowledged", made, acked)
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	made, _ := f.Owed()
	kept, odd, err := h.store.Totals(ctx)
	if err != nil {
		return err
	}
	say("%d results made, %d kept: %d lost, %d doubled or in quarantine", made, kept, int(made)-min(int(made), kept), kept-min(int(made), kept)+odd)
	if kept != int(made) || odd != 0 {
		return errors.New("results were lost or doubled")
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// free finds two ports.
func free(ctx context.Context) (a, b string, err error) {
	for _, into := range []*string{&a, &b} {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer l.Close()
		*into = l.Addr().String()
	}
	return a, b, nil
}

func (m *measured) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	m.command = exec.CommandContext(ctx, self, "serve")
	m.command.Env = append(os.Environ(), "LUNGHUB_HUB_STATE="+m.state, "LUNGHUB_HUB_LISTEN="+m.listen, "LUNGHUB_BROKER_LISTEN="+m.boxes, "LUNGHUB_HUB_NAMES=127.0.0.1", "LUNGHUB_BROKER_BOXES=1000000")
	pipe, err := m.command.StderrPipe()
	if err != nil {
		return err
	}
	if err := m.command.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "the hub is at") {
			go func() {
				for lines.Scan() {
				}
			}()
			return nil
		}
	}
	return errors.New("the hub has ended")
}

func (m *measured) kill() {
	_ = m.command.Process.Kill()
	_ = m.command.Wait()
}

func (m *measured) proc(name string) string {
	return filepath.Join("/proc", strconv.Itoa(m.command.Process.Pid), name)
}

// memory is what the hub takes, in MB.
func (m *measured) memory() float64 {
	text, err := os.ReadFile(m.proc("status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(kb), " kB"), 64)
			if err == nil {
				return n / 1024
			}
		}
	}
	return 0
}

func (m *measured) files() int {
	all, err := os.ReadDir(m.proc("fd"))
	if err != nil {
		return 0
	}
	return len(all)
}

// cpu is the seconds of CPU that the hub has used.
func (m *measured) cpu() float64 {
	text, err := os.ReadFile(m.proc("stat"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, err1 := strconv.ParseFloat(fields[11], 64)
	system, err2 := strconv.ParseFloat(fields[12], 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return (user + system) / 100 // USER_HZ
}
