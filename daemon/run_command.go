package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"lungbox/daemon/config"
	"lungbox/daemon/service"
)

// newRun makes the command. told hears of every beat of every loop; nil: nobody does.
func newRun(told func(name string, within time.Duration)) *cobra.Command {
	s := &settings{}
	c := &cobra.Command{
		Use:   "run",
		Short: "Be the box: take pictures, score them, light the lamps, keep every result",
		Long: `Take pictures from the source that the configuration names, score each, keep the
result on disk, and only then light the lamps and show it on the page. Runs until it
is told to end; made for systemd (Type=notify, watchdog).

SIGHUP takes in a changed configuration. A faulty one is refused: the box goes on with
the former, and says so on its page.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return s.serve(c.Context(), told) },
	}
	s.add(c)
	return c
}

// serve runs a box, and another in its place whenever the configuration changes.
func (s *settings) serve(ctx context.Context, told func(name string, within time.Duration)) error {
	c, err := s.load()
	unusable := err // what was chosen in the setup must not keep a box from starting
	if err != nil {
		s.plain = true
		if c, err = s.load(); err != nil {
			return err
		}
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	life := &lifetime{
		again: make(chan struct{}, 1), file: s.file, load: func() (config.Config, error) {
			s.plain = false
			return s.load()
		},
		log:   service.NewLog("lungbox", os.Stderr),
		heart: service.New(service.Systemd, service.WatchdogInterval(os.Getenv), nil),
	}
	life.heart.OnBeat(told)
	life.chosenUnusable(unusable)
	beating, stop := context.WithCancel(ctx)
	defer stop()
	go life.heart.Run(beating, func(late string) {
		life.log.Error("a part of the box hangs, the watchdog is not told that it is well", "part", late)
	})
	defer life.heart.Stopping()
	former := c
	for ctx.Err() == nil {
		b, err := life.build(ctx, c, openSource)
		if err != nil && c == former && !s.plain {
			s.plain = true
			if plain, wrong := s.load(); wrong == nil && len(config.Changed(c, plain)) > 0 {
				life.chosenUnusable(err)
				c, former = plain, plain
				continue
			}
		}
		if err != nil && c != former {
			life.note("config", "the configuration cannot be used, the box goes on with the former one: "+err.Error())
			life.log.Error("the box goes on with the former configuration", "why", err)
			c = former
			continue
		}
		if err != nil {
			return err
		}
		former = c
		if c, err = b.until(ctx, hangup, s.load); err != nil {
			return err
		}
	}
	return nil
}

// until runs the box until ctx ends or another is to run in its place, whose
// configuration it returns.
func (b *box) until(ctx context.Context, hangup <-chan os.Signal, load func() (config.Config, error)) (next config.Config, err error) {
	running, end := context.WithCancel(ctx)
	defer end()
	done := make(chan error, 1)
	go func() { done <- b.run(running) }()
	for {
		select {
		case err := <-done:
			return b.config, asked(err)
		case <-b.spoiled:
			b.log.Error("the result store is damaged: the box starts again with a new one")
			end()
			return b.config, asked(<-done)
		case <-b.again:
			next, err := b.load()
			if err != nil {
				b.note("config", "the configuration is faulty, the box goes on with the former one: "+err.Error())
				continue
			}
			b.note("config", "")
			b.note("setup", "")
			b.heart.Reloading(monotonic())
			end()
			return next, asked(<-done)
		case <-hangup:
			next, err := load()
			if err != nil {
				b.note("config", "the configuration is faulty, the box goes on with the former one: "+err.Error())
				b.log.Error("the configuration is not taken in", "why", err)
				continue
			}
			b.note("config", "")
			changed := config.Changed(b.config, next)
			if len(changed) == 0 && !b.entrance.outdated(b.state) {
				b.log.Info("the configuration has not changed")
				continue
			}
			b.log.Info("configuration or password have changed: the box starts again with it, nothing else needs a restart", "changed", strings.Join(changed, " "))
			b.heart.Reloading(monotonic())
			end()
			return next, asked(<-done)
		}
	}
}

// asked is no error for what ended because it was asked to.
func asked(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// monotonic is the time since the machine's start, which systemd compares.
func monotonic() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// listen opens the page's address.
func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("the page cannot listen: %w; give another address in page.listen", err)
	}
	return l, nil
}
