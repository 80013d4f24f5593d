package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// beProgram makes the test binary lungtrain itself.
const beProgram = "LUNGTRAIN_TEST_MAIN"

// TestMain lets tests run lungtrain as real processes: they can be killed.
func TestMain(m *testing.M) {
	if os.Getenv(beProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// lungtrain prepares a process in dir.
func lungtrain(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), beProgram+"=1")
	return c
}

// run runs lungtrain and gives what it wrote and its exit code.
func run(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := lungtrain(t, dir, args...)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return out.String(), said.String(), code
}

// succeed runs lungtrain and ends the test when it fails.
func succeed(t *testing.T, dir string, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, code := run(t, dir, args...)
	if code != 0 {
		t.Fatalf("lungtrain %s: exit code %d\n%s", strings.Join(args, " "), code, stderr)
	}
	return stdout, stderr
}

func needLiteRT(t *testing.T) {
	t.Helper()
	if os.Getenv("LUNGBOX_ENGINE_LITERT") == "" {
		t.Skip("LUNGBOX_ENGINE_LITERT does not name LiteRT's library; make test sets it")
	}
}
