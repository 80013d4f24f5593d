package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lungbox/daemon/commandline"
	"lungbox/training/twostage"
)

// trainings shows in one line how far the trainings of a run are.
type trainings struct {
	bar     *commandline.Progress
	steps   int // of each training
	total   int // trainings
	before  int // that were done when this command began
	last    map[int]twostage.TaskProgress
	names   map[int]string
	first   map[int]int // step at which a training went on
	started time.Time
}

func (t *trainings) show(task twostage.Task, p twostage.TaskProgress) {
	if _, known := t.last[task.Number]; !known {
		t.bar.Clear()
		if p.Done > 1 {
			say("%s goes on from step %d of %d", task, p.Done-1, p.Total)
		} else {
			say("%s begins", task)
		}
		t.names[task.Number], t.first[task.Number] = task.String(), p.Done
	}
	t.last[task.Number] = p
	done, now := t.before*t.steps, 0
	var running []string
	for _, n := range slices.Sorted(maps.Keys(t.last)) {
		at := t.last[n]
		steps := min(at.Done, t.steps)
		if at.Total != t.steps { // it judges pictures: it is trained
			steps = t.steps
		}
		done += steps
		now += steps - min(t.first[n], steps)
		if at.Done < at.Total {
			running = append(running, fmt.Sprintf("%s: %s", t.names[n], at.Detail))
		}
	}
	all := t.total * t.steps
	left := ""
	if now > 0 {
		left = fmt.Sprintf("  %s left", (time.Since(t.started) * time.Duration(all-done) / time.Duration(now)).Round(time.Second))
	}
	// One less than all until the end: the last line is the end's.
	t.bar.Show(min(done, all-1), all, "steps"+left+"  "+strings.Join(running, " | "))
}
