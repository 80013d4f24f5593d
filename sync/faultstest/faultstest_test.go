//go:build linux && amd64

package faultstest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain is also the program that is traced: four threads write a file each, one after the
// other.
func TestMain(m *testing.M) {
	dir := os.Getenv("FAULTS_TEST_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	turn := make(chan int, 1)
	turn <- 0
	var all sync.WaitGroup
	for range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			n := <-turn
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(n)), []byte("x"), 0o600); err != nil {
				fmt.Println(err)
			}
			fmt.Println("wrote", n)
			turn <- n + 1
		}()
	}
	all.Wait()
}

func trace(t *testing.T, plan Plan) (Outcome, int) {
	t.Helper()
	plan.Root = t.TempDir()
	o, err := Run(t.Context(), plan, append(os.Environ(), "FAULTS_TEST_DIR="+plan.Root), os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(plan.Root, "*"))
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && string(text) == "x" {
			written++
		}
	}
	return o, written
}

// Every call on the files is met, whichever thread makes it: an open and a write for each.
func TestEveryCallIsMet(t *testing.T) {
	o, written := trace(t, Plan{})
	if o.Calls != 8 || o.Exit != 0 || written != 4 || strings.Count(o.Output, "wrote") != 4 {
		t.Fatalf("untouched: %+v, %d files", o, written)
	}
	for n := 1; n <= 8; n++ {
		hit := fmt.Sprintf("%s %d", []string{"open", "write"}[(n-1)%2], (n-1)/2)
		o, written := trace(t, Plan{At: n, Fault: Kill})
		if o.Hit != hit || o.Exit != -1 || written != (n-1)/2 || strings.Count(o.Output, "wrote") != (n-1)/2 {
			t.Errorf("killed at %d: %+v, %d files", n, o, written)
		}
		o, written = trace(t, Plan{At: n, Fault: EIO})
		if o.Hit != hit || o.Exit != 0 || written != 3 || strings.Count(o.Output, "input/output error") != 1 {
			t.Errorf("EIO at %d: %+v, %d files", n, o, written)
		}
	}
	if o, written := trace(t, Plan{At: 9, Fault: Kill}); o.Hit != "" || written != 4 {
		t.Errorf("killed after its end: %+v, %d files", o, written)
	}
	if o, written := trace(t, Plan{At: 3, For: 99, Fault: ENOSPC}); written != 1 || strings.Count(o.Output, "no space left on device") != 3 {
		t.Errorf("the disk is full from the second file on: %+v, %d files", o, written)
	}
}

func TestDelayAndEnd(t *testing.T) {
	began := time.Now()
	if o, written := trace(t, Plan{At: 1, Fault: Delayed, Delay: 300 * time.Millisecond}); o.Exit != 0 || written != 4 || time.Since(began) < 300*time.Millisecond {
		t.Errorf("delayed: %+v after %v", o, time.Since(began))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if o, err := Run(ctx, Plan{Root: t.TempDir()}, nil, "/bin/sleep", "60"); err == nil || o.Exit != -1 {
		t.Errorf("an endless program: %+v, %v", o, err)
	}
}
