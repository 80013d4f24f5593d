package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"lungbox/ensemble"
)

// workerOf is the process id of the worker among the program's children.
func workerOf(pid int) (int, error) {
	children, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return 0, err
	}
	for _, list := range children {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		for _, field := range strings.Fields(string(text)) {
			command, err := os.ReadFile(filepath.Join("/proc", field, "cmdline"))
			if err == nil && strings.HasSuffix(string(command), "\x00"+workerCommand+"\x00") {
				return strconv.Atoi(field)
			}
		}
	}
	return 0, fmt.Errorf("process %d has no worker", pid)
}

// An engine that dies, as by a fault in its library or for want of memory, costs one
// frame at most: the frame says so, and the next one is scored by a new worker.
func TestKilledWorkerCostsOneFrame(t *testing.T) {
	c := lungbox(t, "score", "--json", whiteLung, aLines)
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	c.Stderr = &complaints
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	// The first clip's results come out when it is done: the second is under way.
	out := bufio.NewScanner(pipe)
	var all strings.Builder
	killed := 0
	for out.Scan() {
		if all.WriteString(out.Text() + "\n"); killed == 0 {
			if killed, err = workerOf(c.Process.Pid); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Wait(); err != nil {
		t.Errorf("%v: %s", err, complaints.String())
	}
	lost, scored := 0, 0
	byFile := results(t, all.String())
	if n := len(byFile[filepath.Base(whiteLung)]); n != 123 {
		t.Errorf("the first clip has %d results, want 123", n)
	}
	if n := len(byFile[filepath.Base(aLines)]); n != 90 {
		t.Errorf("the second clip has %d results, want 90", n)
	}
	for _, file := range byFile {
		for _, r := range file {
			switch {
			case r.Reason == ensemble.EngineFault && r.Score == ensemble.None:
				lost++
			case r.Score != ensemble.None:
				scored++
			}
		}
	}
	if lost > 1 || scored < 200 {
		t.Errorf("%d frames were lost, %d scored", lost, scored)
	}
	if lost == 1 && !strings.Contains(complaints.String(), "started again: 1 (worker died (signal: killed))") {
		t.Errorf("nobody is told: %s", complaints.String())
	}
	t.Logf("%d frames lost; %s", lost, strings.TrimSpace(complaints.String()))
}
