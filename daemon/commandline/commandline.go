// Package commandline is how the three programs behave on a terminal: exit codes,
// errors of one line, progress. It imports nothing else of Lungbox, so that every
// program can use it.
package commandline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// Exit codes.
const (
	Done   = 0
	Failed = 1
	Usage  = 2 // wrong usage or configuration
)

// UsageError marks an error of the command line or the configuration: exit code 2.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// Usagef makes a UsageError.
func Usagef(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// ErrReported marks a failure whose lines have been printed already.
var ErrReported = errors.New("reported")

// Main runs a command until it ends or a signal ends it, prints its error as one
// line and returns the exit code.
func Main(root *cobra.Command, args []string, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second interrupt ends the program at once
	}()
	// Keys and results are in memory: none of it goes to a disk when a program crashes.
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) // less is always allowed
	prepare(root)
	root.SetArgs(args)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return Done
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintf(stderr, "%s: stopped\n", root.Name())
		return Failed
	}
	if !errors.Is(err, ErrReported) {
		fmt.Fprintf(stderr, "%s: %s\n", root.Name(), oneLine(err))
	}
	if errors.As(err, new(UsageError)) {
		return Usage
	}
	return Failed
}

// prepare makes wrong flags, arguments and commands usage errors, in a command and
// all below it.
func prepare(c *cobra.Command) {
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return Usagef("%w; see %s --help", err, c.CommandPath())
	})
	check := c.Args
	if check == nil && !c.HasSubCommands() {
		check = cobra.NoArgs
	}
	if c.HasSubCommands() && c.RunE == nil {
		check = cobra.ArbitraryArgs
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			return Usagef("there is no command %q; see %s --help", args[0], c.CommandPath())
		}
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return Usagef("%w; see %s --help", err, c.CommandPath())
		}
		if err := c.ValidateRequiredFlags(); err != nil {
			return Usagef("%w; see %s --help", err, c.CommandPath())
		}
		return nil
	}
	for _, sub := range c.Commands() {
		prepare(sub)
	}
}

// Require marks flags without which a command cannot run.
func Require(c *cobra.Command, flags ...string) {
	for _, name := range flags {
		if err := c.MarkFlagRequired(name); err != nil {
			panic(err) // the flag does not exist
		}
	}
}

// Hide makes a flag work without showing it in the help.
func Hide(c *cobra.Command, flags ...string) {
	for _, name := range flags {
		if err := c.Flags().MarkHidden(name); err != nil {
			panic(err) // the flag does not exist
		}
	}
}

// oneLine is an error's text without the line breaks of joined errors.
func oneLine(err error) string {
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}
