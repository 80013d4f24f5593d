package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"lungbox/daemon/config"
	"lungbox/daemon/demo"
	"lungbox/ensemble"
	"lungbox/ensemble/release"
	"lungbox/ensemble/worker"
)

// workerCommand is the hidden command that holds an engine.
const workerCommand = "worker"

func newWorker() *cobra.Command {
	return &cobra.Command{
		Use: workerCommand, Hidden: true, Short: "Hold an engine (for lungbox itself)",
		RunE: func(c *cobra.Command, _ []string) error { return serveWorker(c.Context()) },
	}
}

// serveWorker answers the parent on standard input and output.
func serveWorker(ctx context.Context) error {
	// An interrupt at the terminal reaches every process; the parent decides when
	// the worker ends, by closing its input.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	// When memory runs out the kernel shall end the worker, not the daemon.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
	// Engines print; what they print on standard output must not reach the parent.
	answers, err := unix.Dup(1)
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	if err := unix.Dup3(2, 1, 0); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	return worker.Serve(ctx, os.Stdin, os.NewFile(uintptr(answers), "answers"), buildScorer)
}

// buildScorer opens the release, starts the engine and tries the golden frames.
func buildScorer(ctx context.Context, start worker.Start) (ensemble.Scorer, worker.Ready, error) {
	var settings config.Engine
	if err := json.Unmarshal(start.Settings, &settings); err != nil {
		return nil, worker.Ready{}, fmt.Errorf("settings: %w", err)
	}
	opened, err := openRelease(start.Release)
	if err != nil {
		return nil, worker.Ready{}, err
	}
	defer opened.Close() // engines have their own copy of the weights
	members := opened.Members()
	engine, gpu, err := openEngine(ctx, members, settings)
	if err != nil {
		return nil, worker.Ready{}, err
	}
	off, err := opened.Try(ctx, engine)
	if err != nil {
		return nil, worker.Ready{}, err
	}
	mode := ensemble.VoteMode(settings.Vote)
	if settings.Vote == "auto" {
		mode = ensemble.Lazy
		if gpu {
			mode = ensemble.Full
		}
	}
	set, err := ensemble.NewSet(engine, members, mode)
	if err != nil {
		return nil, worker.Ready{}, err
	}
	if err := set.Refuse(opened.Novelty); err != nil {
		return nil, worker.Ready{}, err
	}
	return set, worker.Ready{
		Release: opened.Name, Digest: opened.Digest, Notice: opened.Notice, Engine: engine.Info(), Vote: mode, Gate: opened.Gate, GoldenOff: off,
	}, nil
}

// openRelease opens the release in a folder, or the demo release for "".
func openRelease(dir string) (*release.Release, error) {
	folder := demo.Release()
	if dir != "" {
		folder = os.DirFS(dir)
	}
	opened, err := release.Open(folder)
	if err != nil && dir != "" {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return opened, err
}
