// Package rollout brings a release to a fleet by stages: a few boxes first (canary), then
// 5, 25 and 100 % of all. It goes on while the boxes' own reports are good and stops by
// itself when they are not.
//
// A box is asked, installs, tries and watches the release itself, and reports that it runs
// or why not. Only so many boxes are under way at a time, so that a bad release is known
// before many have it. Whether the release judges otherwise than the one before is read
// from how often its nets disagree, and how often they find no consensus.
package rollout

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"lungbox/sync/hub/store"
)

// Settings of a rollout.
type Settings struct {
	Canary     int           `json:"canary"`  // boxes of the first stage, where no group is named
	Group      string        `json:"group"`   // of the boxes of the first stage; "": any
	Success    float64       `json:"success"` // share of boxes that must run the release
	Rise       float64       `json:"rise"`    // by which the share of disagreement or no consensus may rise
	UnderWay   float64       `json:"under_way"`
	Soak       time.Duration `json:"soak"`       // that a stage is looked at after its last box
	Silent     time.Duration `json:"silent"`     // after which a box that says nothing counts neither way
	MinVotes   uint64        `json:"min_votes"`  // frames of a box before its shares count
	Percentage []float64     `json:"percentage"` // of the fleet, stage by stage after the canary
}

// Default are the settings that nobody changed.
func Default() Settings {
	return Settings{
		Canary: 50, Success: 0.99, Rise: 0.05, UnderWay: 0.005, Soak: time.Hour, Silent: 72 * time.Hour, MinVotes: 200,
		Percentage: []float64{5, 25, 100},
	}
}

// Check says what is wrong with settings.
func (s Settings) Check() error {
	switch {
	case s.Canary < 1:
		return fmt.Errorf("canary %d: want at least 1", s.Canary)
	case !(s.Success > 0 && s.Success <= 1):
		return fmt.Errorf("success %v: want more than 0 and at most 1", s.Success)
	case !(s.Rise > 0 && s.Rise <= 1):
		return fmt.Errorf("rise %v: want more than 0 and at most 1", s.Rise)
	}
	return nil
}

// Stages gives every box its stage: 0 for the canary, then by Percentage. Which boxes come
// early is drawn from their names and the release, so that it is not always the same ones.
func (s Settings) Stages(release string, boxes []store.Device) map[string]int {
	var fleet []store.Device
	for _, b := range boxes {
		if b.Revoked.IsZero() {
			fleet = append(fleet, b)
		}
	}
	draw := func(b store.Device) uint64 {
		h := fnv.New64a()
		_, _ = h.Write([]byte(release + "\x00" + b.Device)) // it never fails
		return h.Sum64()
	}
	slices.SortFunc(fleet, func(a, b store.Device) int {
		// Boxes of the group come first, then those that are there now.
		if s.Group != "" && (a.Group == s.Group) != (b.Group == s.Group) {
			if a.Group == s.Group {
				return -1
			}
			return 1
		}
		if a.Online != b.Online {
			if a.Online {
				return -1
			}
			return 1
		}
		return cmp.Compare(draw(a), draw(b))
	})
	canary := min(s.Canary, len(fleet))
	if s.Group != "" {
		canary = 0
		for _, b := range fleet {
			if b.Group == s.Group {
				canary++
			}
		}
	}
	out := map[string]int{}
	for i, b := range fleet {
		stage := 0
		if i >= canary {
			for stage = 1; stage < len(s.Percentage) && float64(i+1) > math.Ceil(s.Percentage[stage-1]/100*float64(len(fleet))); stage++ {
			}
		}
		out[b.Device] = stage
	}
	return out
}

// Step is what to do next with a rollout.
type Step struct {
	Changed []store.RolloutBox // boxes whose rows have changed
	Ask     []store.RolloutBox // of these, boxes to be told now
	State   string             // of the rollout then
	Stage   int
	Reason  string
}

// Next looks at the boxes' reports and says what to do. It changes nothing itself.
func Next(r store.Rollout, boxes []store.RolloutBox, now time.Time) (Step, error) {
	s := Default()
	if err := json.Unmarshal(r.Settings, &s); err != nil {
		return Step{}, fmt.Errorf("rollout %d: settings: %w", r.ID, err)
	}
	step := Step{State: r.State, Stage: r.Stage, Reason: r.Reason}
	var installed, failed, underWay, left, open int
	last := r.Changed
	for i := range boxes {
		b := &boxes[i]
		if hear(r, s, b, now) {
			step.Changed = append(step.Changed, *b)
		}
		switch b.State {
		case "installed":
			installed++
		case "failed":
			failed++
		case "asked":
			underWay++
		}
		if b.Stage <= r.Stage {
			switch b.State {
			case "planned":
				left++
			case "asked":
				open++
			}
			if b.Ended.After(last) {
				last = b.Ended
			}
		}
	}
	if why := bad(s, boxes, installed, failed); why != "" {
		step.State, step.Reason = "stopped", why
		return step, nil
	}
	if r.State != "running" {
		return step, nil
	}
	if left > 0 {
		room := max(2, int(s.UnderWay*float64(len(boxes))))
		if r.Stage == 0 {
			room = max(room, s.Canary/5) // the canary is there to find out
		}
		if r.Stage == len(s.Percentage) {
			room = max(room, len(boxes)/10) // three quarters of the fleet are to come
		}
		for i := range boxes {
			b := &boxes[i]
			if b.Stage > r.Stage || b.State != "planned" || !b.Online || underWay >= room {
				continue
			}
			b.State, b.Asked = "asked", now
			if u := b.Status.Update; u != nil {
				b.Before = store.Votes{Scored: u.Scored, Disagreed: u.Disagreed, NoConsensus: u.NoConsensus}
			}
			underWay++
			step.Changed, step.Ask = append(step.Changed, *b), append(step.Ask, *b)
		}
		// Boxes that are off for long hold up nobody: they are asked when they come.
		if off := waiting(boxes, r.Stage); off == left && open == 0 && now.Sub(r.Changed) > s.Silent {
			left = 0
		}
	}
	if left == 0 && open == 0 && now.Sub(last) >= s.Soak {
		if r.Stage >= len(s.Percentage) {
			step.State = "done"
		} else {
			step.Stage = r.Stage + 1
		}
	}
	return step, nil
}

// waiting counts the boxes of the stages so far that are off and not asked yet.
func waiting(boxes []store.RolloutBox, stage int) (n int) {
	for _, b := range boxes {
		if b.Stage <= stage && b.State == "planned" && !b.Online {
			n++
		}
	}
	return n
}

// hear takes in what a box says of itself and reports whether its row has changed.
func hear(r store.Rollout, s Settings, b *store.RolloutBox, now time.Time) bool {
	u := b.Status.Update
	if u != nil && u.Generation == r.ID && b.State != "planned" {
		before := *b
		switch u.Step {
		case "installed":
			b.State = "installed"
			b.After = store.Votes{Scored: u.Scored, Disagreed: u.Disagreed, NoConsensus: u.NoConsensus}
		case "refused", "rolled-back":
			b.State, b.Reason = "failed", u.Reason
		}
		if b.State != before.State {
			b.Ended = now
		}
		return *b != before
	}
	if b.State == "asked" && now.Sub(b.Asked) > s.Silent {
		b.State, b.Reason, b.Ended = "silent", "it has said nothing since it was asked", now
		return true
	}
	return false
}

// bad says why a rollout must stop; "" while all is well.
func bad(s Settings, boxes []store.RolloutBox, installed, failed int) string {
	if failed > 0 && float64(installed)/float64(installed+failed) < s.Success {
		return fmt.Sprintf("%d of %d boxes could not run it, more than %.1f %% are too many", failed, installed+failed, 100*(1-s.Success))
	}
	var before, after store.Votes
	for _, b := range boxes {
		if b.State != "installed" || b.Before.Scored < s.MinVotes || b.After.Scored < s.MinVotes {
			continue
		}
		add(&before, b.Before)
		add(&after, b.After)
	}
	if before.Scored == 0 {
		return ""
	}
	for _, kind := range []struct {
		name          string
		before, after uint64
	}{{"disagree", before.Disagreed, after.Disagreed}, {"find no consensus", before.NoConsensus, after.NoConsensus}} {
		was, is := float64(kind.before)/float64(before.Scored), float64(kind.after)/float64(after.Scored)
		if is > was+s.Rise {
			return fmt.Sprintf("its nets %s on %.1f %% of frames, those before it on %.1f %%", kind.name, 100*is, 100*was)
		}
	}
	return ""
}

func add(sum *store.Votes, v store.Votes) {
	sum.Scored += v.Scored
	sum.Disagreed += v.Disagreed
	sum.NoConsensus += v.NoConsensus
}
