package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lungbox/capture"
	"lungbox/ensemble"
	"lungbox/ensemble/worker"
	"lungbox/sync/journal"
)

// broken is the real engine, which does once what the file in its folder says.
type brokenEngine struct {
	ensemble.Scorer
	dir string
}

// brokenScorer makes it, in the worker's process.
func brokenScorer(dir string) worker.Build {
	return func(ctx context.Context, start worker.Start) (ensemble.Scorer, worker.Ready, error) {
		s, ready, err := buildScorer(ctx, start)
		return &brokenEngine{s, dir}, ready, err
	}
}

// engineFaults are what an engine may do.
var engineFaults = map[string]func() error{
	"segmentation fault": func() error {
		return syscall.Kill(os.Getpid(), syscall.SIGSEGV)
	},
	"abort":               func() error { return syscall.Kill(os.Getpid(), syscall.SIGABRT) },
	"kernel's OOM killer": func() error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) },
	"hang":                func() error { select {} },
	"GPU lost":            func() error { return errors.New("CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure") },
	"slow":                func() error { time.Sleep(1200 * time.Millisecond); return nil },
	"out of memory": func() error {
		limit := unix.Rlimit{Cur: 1, Max: 1}
		if err := unix.Setrlimit(unix.RLIMIT_AS, &limit); err != nil {
			return err
		}
		all := map[int][]byte{}
		for {
			all[len(all)] = make([]byte, 16<<20)
		}
	},
}

func (b *brokenEngine) Score(ctx context.Context, f *capture.Frame) (ensemble.Decision, error) {
	path := filepath.Join(b.dir, "fault")
	if what, err := os.ReadFile(path); err == nil {
		if err := os.Remove(path); err != nil {
			return ensemble.Decision{}, err
		}
		if err := engineFaults[string(what)](); err != nil {
			return ensemble.Decision{Score: ensemble.None, Reason: ensemble.EngineFault}, err
		}
	}
	return b.Scorer.Score(ctx, f)
}

// Whatever an engine does, one frame has no result, another engine scores the next, and
// nothing old is shown meanwhile.
func TestEngineFaults(t *testing.T) {
	dir := t.TempDir()
	config := boxConfig(t, dir, "")
	faults := t.TempDir()
	r := startBox(t, config, "LUNGBOX_TEST_ENGINE="+faults)
	for what := range engineFaults {
		t.Run(what, func(t *testing.T) {
			before := r.state(t)
			until(t, r, "thirty results", func() bool { return r.state(t).Counters.Judged >= before.Counters.Judged+30 })
			if err := os.WriteFile(filepath.Join(faults, "fault.part"), []byte(what), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(faults, "fault.part"), filepath.Join(faults, "fault")); err != nil {
				t.Fatal(err)
			}
			until(t, r, "the engine takes the fault", func() bool {
				_, err := os.Stat(filepath.Join(faults, "fault"))
				return err != nil
			})
			began, newest, stale := time.Now(), r.state(t).Result.Time, time.Duration(0)
			for {
				s := r.state(t)
				if s.Result != nil && s.Result.Score != ensemble.None {
					newest = s.Result.Time
				}
				if newest.After(began) {
					break
				}
				if s.Panel.Score != ensemble.None {
					stale = max(stale, time.Since(newest))
				}
				if time.Since(began) > 30*time.Second {
					t.Fatalf("no engine scores again: %+v\n%s", s, r.words())
				}
				time.Sleep(20 * time.Millisecond)
			}
			t.Logf("%s: another result after %v; the oldest score shown meanwhile was %v old", what, time.Since(began).Round(10*time.Millisecond), stale.Round(10*time.Millisecond))
			if stale > 2500*time.Millisecond { // panel.fade and a glance
				t.Errorf("a score of %v before is shown", stale)
			}
		})
	}
	r.end(os.Interrupt)
	j := stored(t, dir)
	defer j.Close()
	faulty := 0
	all, err := j.Results(t.Context(), journal.Query{Limit: 1 << 30})
	for _, e := range all {
		if strings.Contains(string(e.Body), strconv.Quote(string(ensemble.EngineFault))) {
			faulty++
		}
	}
	if err != nil || faulty != len(engineFaults)-1 { // being slow is no fault
		t.Errorf("%d frames are recorded as lost, %v; want %d", faulty, err, len(engineFaults)-1)
	}
}
