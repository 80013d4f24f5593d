package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"lungbox/capture/dicom"
	"lungbox/daemon/commandline"
	"lungbox/ensemble/worker"
	"lungbox/tflite/tflitetest"
)

// The test binary is lungbox when this variable is set, so that tests run the whole
// program: its processes, exit codes and output.
const asProgram = "LUNGBOX_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	// The DICOM worker gets no environment.
	if os.Getenv(asProgram) != "" || len(os.Args) > 1 && os.Args[1] == dicom.Command {
		if loop, file, ok := strings.Cut(os.Getenv("LUNGBOX_TEST_HANG"), "\n"); ok && os.Args[1] == "run" {
			root := &cobra.Command{Use: "lungbox"}
			root.AddCommand(newRun(hangs(loop, file)))
			os.Exit(commandline.Main(root, os.Args[1:], os.Stderr))
		}
		if dir := os.Getenv("LUNGBOX_TEST_ENGINE"); dir != "" && os.Args[1] == workerCommand {
			if err := worker.Serve(context.Background(), os.Stdin, os.Stdout, brokenScorer(dir)); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
		main()
		return
	}
	os.Exit(m.Run())
}

// lungbox is the program with arguments, not yet started, with settings and a cache
// of its own.
func lungbox(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	tflitetest.Path(t) // says what is missing
	c := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], arguments...)
	c.Env = append(os.Environ(), asProgram+"=1", "LUNGBOX_ENGINE_CACHE="+t.TempDir(), "HOME="+t.TempDir(), "DISPLAY=", "WAYLAND_DISPLAY=")
	t.Cleanup(func() {
		if c.Process != nil && c.ProcessState == nil {
			c.Process.Kill() // a test that failed leaves nothing behind
			c.Wait()
		}
	})
	return c
}

// run runs the program to its end.
func run(t *testing.T, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := lungbox(t, arguments...)
	var out, complaints bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaints
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), complaints.String(), c.ProcessState.ExitCode()
}

// lines splits text into its lines.
func lines(text string) []string {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		arguments, complaint string
	}{
		{"score", "arg"},
		{"score --every 0 x.mp4", "--every 0"},
		{"score --vote both x.mp4", "vote"},
		{"score --engine abacus x.mp4", "abacus"},
		{"score --clip-rule mean x.mp4", "mean"},
		{"score --release /no/such/folder x.mp4", "/no/such/folder"},
		{"score --nonsense", "nonsense"},
		{"scor", "scor"},
		{"demo --listen nowhere", "nowhere"},
	} {
		out, complaint, code := run(t, strings.Fields(test.arguments)...)
		if code != 2 && !strings.HasPrefix(test.arguments, "demo") || code == 0 {
			t.Errorf("%s: exit code %d", test.arguments, code)
		}
		if out != "" || !strings.Contains(complaint, test.complaint) || !strings.HasPrefix(complaint, "lungbox: ") {
			t.Errorf("%s: %q and on standard output %q", test.arguments, complaint, out)
		}
		if n := len(lines(complaint)); n > 2 { // the second may say how to get help
			t.Errorf("%s: %d lines:\n%s", test.arguments, n, complaint)
		}
	}
	help, _, code := run(t, "--help")
	for _, command := range []string{"score", "demo", "doctor", "bench", "config", "release"} {
		if !strings.Contains(help, "\n  "+command) {
			t.Errorf("help does not list %s:\n%s", command, help)
		}
	}
	if code != 0 || strings.Contains(help, "worker") {
		t.Errorf("help ends with %d:\n%s", code, help)
	}
}

func TestReleaseVerify(t *testing.T) {
	out, complaint, code := run(t, "release", "verify")
	if code != 0 || complaint != "" || !strings.Contains(out, "8 golden frames on") || !strings.Contains(out, "simulated") {
		t.Errorf("exit code %d: %s%s", code, out, complaint)
	}
	empty := t.TempDir()
	out, complaint, code = run(t, "release", "verify", "--release", empty)
	if code != 1 || out != "" || len(lines(complaint)) != 1 || !strings.Contains(complaint, empty) {
		t.Errorf("exit code %d: %s%s", code, out, complaint)
	}
}
