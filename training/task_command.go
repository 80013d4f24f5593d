package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/training/twostage"
)

func newTask() *cobra.Command {
	var dir string
	var child, list, wait bool
	c := &cobra.Command{
		Use:   "task N --of R",
		Short: "Train one net of a run: for many machines that share its folder",
		Long: `Train one of the nets of a run that lungtrain run --prepare has made: 0 to 4 are
the folds of stage one, the next three stage two, the last three, if the preset has
an ablation, the nets without selection. Tasks run in any number of processes, on
machines that share R; stage two needs stage one. A task that was ended goes on
where it was; one that is done does nothing.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if list {
				return listTasks(dir)
			}
			if len(args) == 0 {
				return commandline.Usagef("which task? --list shows them")
			}
			number, err := strconv.Atoi(args[0])
			if err != nil {
				return commandline.Usagef("task %q: want a number; --list shows them", args[0])
			}
			if child {
				return runChild(c.Context(), dir, number)
			}
			return runTask(c.Context(), dir, number, wait)
		},
	}
	c.Flags().StringVar(&dir, "of", "", "folder of the run")
	c.Flags().BoolVar(&list, "list", false, "list the tasks with their state")
	c.Flags().BoolVar(&wait, "wait", false, "wait for stage one instead of failing when it is not done")
	c.Flags().BoolVar(&child, "child", false, "report in JSON lines and stop when standard input ends")
	commandline.Hide(c, "child")
	commandline.Require(c, "of")
	return c
}

func listTasks(dir string) error {
	run, err := twostage.Open(dir)
	if err != nil {
		return err
	}
	defer run.Close()
	for _, t := range run.Tasks() {
		state := "to do"
		if run.Done(t) {
			state = "done"
		}
		fmt.Printf("%2d  %-8s %s\n", t.Number, state, t)
	}
	return nil
}

func runTask(ctx context.Context, dir string, number int, wait bool) error {
	run, err := twostage.Open(dir)
	if err != nil {
		return err
	}
	defer run.Close()
	bar := newProgress(fmt.Sprintf("task %d", number))
	for said := false; ; {
		err := run.RunTask(ctx, number, func(p twostage.TaskProgress) { bar.Show(p.Done, p.Total, p.Detail) })
		if !wait || !errors.Is(err, twostage.ErrNotYet) {
			return err
		}
		if !said {
			say("task %d waits for stage one", number)
			said = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Second):
		}
	}
}

// childLine is what a child process says: how far it is, or why it failed.
type childLine struct {
	Progress *twostage.TaskProgress `json:"progress,omitempty"`
	Error    string                 `json:"error,omitempty"`
}

// runChild trains for a parent: it ends when the parent does, whatever ended that.
func runChild(ctx context.Context, dir string, number int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	lines := json.NewEncoder(os.Stdout)
	fail := func(err error) error {
		_ = lines.Encode(childLine{Error: err.Error()}) // a parent that is gone needs no reason
		return commandline.ErrReported
	}
	run, err := twostage.Open(dir)
	if err != nil {
		return fail(err)
	}
	defer run.Close()
	last := time.Time{}
	err = run.RunTask(ctx, number, func(p twostage.TaskProgress) {
		if now := time.Now(); p.Done == p.Total || now.Sub(last) > 200*time.Millisecond {
			last = now
			_ = lines.Encode(childLine{Progress: &p})
		}
	})
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

// startChild is a twostage.Worker: it trains a task in a process of its own.
func startChild(dir string) twostage.Worker {
	return func(ctx context.Context, task twostage.Task, gpu string, progress func(twostage.TaskProgress)) error {
		program, err := os.Executable()
		if err != nil {
			return err
		}
		c := exec.Command(program, "task", strconv.Itoa(task.Number), "--of", dir, "--child") //nolint:noctx // it is ended gently, below
		if gpu != "" {
			c.Env = append(slices.Clone(os.Environ()), "CUDA_VISIBLE_DEVICES="+gpu)
		}
		// A group of its own: Ctrl-C reaches the parent only, which ends the child by
		// closing its input, once.
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		input, err := c.StdinPipe()
		if err != nil {
			return err
		}
		output, err := c.StdoutPipe()
		if err != nil {
			return err
		}
		var complaints lastWords
		c.Stderr = &complaints
		if err := c.Start(); err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { input.Close() })
		defer stop()
		failure := listen(output, progress)
		err = c.Wait()
		switch {
		case err == nil:
			return nil
		case failure != "":
			return errors.New(failure)
		case ctx.Err() != nil:
			return ctx.Err()
		}
		return fmt.Errorf("task %d (%s): its process ended with %w: %s; the same command goes on from the last checkpoint", task.Number, task, err, complaints.keep(filepath.Join(dir, task.Dir(), "died.log")))
	}
}

// listen reads a child's lines and returns why it failed, if it said so.
func listen(output io.Reader, progress func(twostage.TaskProgress)) (failure string) {
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line childLine
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue // not a line of ours: some library's
		}
		if line.Progress != nil {
			progress(*line.Progress)
		}
		if line.Error != "" {
			failure = line.Error
		}
	}
	return failure
}
