package faultstest

import (
	"bytes"
	"errors"
	"os/exec"
	"testing"
	"time"
)

// KilledAfter runs a program and kills it when it has run for so long. It returns what the program
// printed and whether it was killed; one that gave up by itself fails the test: that is no kill.
func KilledAfter(t testing.TB, limit time.Duration, c *exec.Cmd) (said string, killed bool) {
	t.Helper()
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	killer := time.AfterFunc(limit, func() { _ = c.Process.Kill() })
	defer killer.Stop()
	err := c.Wait()
	if exit := (&exec.ExitError{}); errors.As(err, &exit) && exit.Exited() {
		t.Fatalf("it gave up after kills: %v\n%s", err, out.String())
	}
	return out.String(), err != nil
}
