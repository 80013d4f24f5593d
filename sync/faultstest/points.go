//go:build linux && amd64

package faultstest

import (
	"os"
	"testing"
	"time"
)

// Faults are the plans that every point is tried with: killed there, one call that fails or takes long, and
// from there on a disk that is full or broken.
func Faults() []Plan {
	return []Plan{
		{Fault: Kill}, {Fault: EIO}, {Fault: ENOSPC}, {Fault: EIO, For: forGood}, {Fault: ENOSPC, For: forGood},
		{Fault: Delayed, Delay: 150 * time.Millisecond},
	}
}

const forGood = 1 << 30

// EveryPoint tries every point of a program, from the first to the last, with every fault.
// once runs it with a plan, whose Root it fills in, and checks what is left. Without
// LUNGBOX_FAULTS=all each every-th point is tried.
func EveryPoint(t *testing.T, every int, once func(t testing.TB, plan Plan) Outcome) {
	if raceDetector {
		t.Skip("with the race detector a program takes a second to start: points are tried without it")
	}
	if os.Getenv("LUNGBOX_FAULTS") == "all" {
		every = 1
	}
	for _, plan := range Faults() {
		name := plan.Fault.String()
		if plan.For > 1 {
			name += " for good"
		}
		t.Run(name, func(t *testing.T) {
			tried, last := 0, 0
			for plan.At = 1 + every/3; ; plan.At += every {
				hit := ""
				t.Run("", func(t *testing.T) {
					if hit = once(t, plan).Hit; t.Failed() {
						t.Logf("%s at point %d: %s", name, plan.At, hit)
					}
				})
				if hit == "" {
					break
				}
				tried, last = tried+1, plan.At
			}
			if tried == 0 {
				t.Error("no point was met")
			}
			t.Logf("%d points tried of about %d", tried, last)
		})
	}
}
