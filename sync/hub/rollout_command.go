package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/sync/hub/rollout"
	"lungbox/sync/hub/store"
	"lungbox/sync/repository"
	"lungbox/sync/wire"
)

func newRollout() *cobra.Command {
	c := &cobra.Command{
		Use:   "rollout",
		Short: "Bring a release to the boxes, a few first, and watch how they do",
		Long: `Bring a release to the boxes: a few first (canary), then 5, 25 and 100 % of the fleet.
It stops by itself when boxes cannot run the release, or when its nets disagree or find
no consensus more often than those before.

  lunghub rollout start 2026.11.27-1     the release must be published (lungtrain publish)
  lunghub rollout status                 stages, and every box with its reason
  lunghub rollout pause | resume | abort`,
	}
	c.AddCommand(newRolloutStart(), newRolloutStatus(),
		newRolloutAction(store.Pause, "Ask no more boxes until it is resumed"),
		newRolloutAction(store.Resume, "Go on with a rollout that was paused or has stopped by itself"),
		newRolloutAction(store.Abort, "End a rollout: boxes that have the release keep it, no other gets it"))
	return c
}

func newRolloutStart() *cobra.Command {
	o := &options{}
	s := rollout.Default()
	c := &cobra.Command{
		Use: "start RELEASE", Short: "Begin a rollout", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.Check(); err != nil {
				return commandline.UsageError{Err: err}
			}
			return o.with(c.Context(), func(ctx context.Context, h *centre) error {
				boxes, err := h.store.Devices(ctx)
				if err != nil {
					return err
				}
				if err := h.published(args[0]); err != nil {
					return err
				}
				id, err := h.store.StartRollout(ctx, actor(), args[0], s, s.Stages(args[0], boxes))
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "rollout %d of release %s has begun\n", id, args[0])
				return nil
			})
		},
	}
	o.add(c)
	f := c.Flags()
	f.IntVar(&s.Canary, "canary", s.Canary, "boxes of the first stage")
	f.StringVar(&s.Group, "group", "", "the first stage is the boxes of this group")
	f.Float64Var(&s.Success, "success", s.Success, "share of boxes that must run the release")
	f.Float64Var(&s.Rise, "rise", s.Rise, "by which the shares of disagreement and no consensus may rise")
	f.DurationVar(&s.Soak, "soak", s.Soak, "time that a stage is looked at after its last box")
	f.Uint64Var(&s.MinVotes, "min-votes", s.MinVotes, "frames of a box, before and after, from which its shares count")
	return c
}

func newRolloutAction(name, short string) *cobra.Command {
	o := &options{}
	var why string
	c := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.with(c.Context(), func(ctx context.Context, h *centre) error { return h.store.ActOnRollout(ctx, actor(), name, why) })
		},
	}
	o.add(c)
	c.Flags().StringVar(&why, "why", "", "reason, for the audit trail")
	return c
}

func newRolloutStatus() *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use: "status", Short: "Show the newest rollout and its boxes", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.with(c.Context(), func(ctx context.Context, h *centre) error { return h.rolloutStatus(ctx, c.OutOrStdout()) })
		},
	}
	o.add(c)
	return c
}

func (h *centre) rolloutStatus(ctx context.Context, out io.Writer) error {
	all, err := h.store.Rollouts(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return store.ErrNoRollout
	}
	r := all[0]
	boxes, err := h.store.RolloutBoxes(ctx, r.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "rollout %d of release %s: %s, stage %d\n", r.ID, r.Release, r.State, r.Stage)
	if r.Reason != "" {
		fmt.Fprintf(out, "reason: %s\n", r.Reason)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "STAGE\tSITE\tDEVICE\tSTATE\tREASON")
	for _, b := range boxes {
		reason := b.Reason
		if u := b.Status.Update; b.State == "asked" && u != nil && u.Generation == r.ID {
			reason = u.Step
			if u.Reason != "" {
				reason += ": " + u.Reason
			}
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\n", b.Stage, b.Site, b.Device, b.State, reason)
	}
	return table.Flush()
}

// wishes are what boxes are to run, as the database has it.
type wishes struct {
	mu  sync.Mutex
	all map[string]wire.Wish
}

func (w *wishes) set(all map[string]wire.Wish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = all
}

// of is what to tell a box that says this of itself; nil for nothing.
func (w *wishes) of(b wire.Box, s wire.Status) *wire.Wish {
	w.mu.Lock()
	defer w.mu.Unlock()
	wish, ok := w.all[b.Device]
	if !ok || s.Update != nil && s.Update.Generation >= wish.Generation {
		return nil
	}
	return &wish
}

// rolloutEvery is how often reports are looked at.
const rolloutEvery = 2 * time.Second

// rollouts goes on with rollouts until ctx ends. say reaches a box that is connected; others
// are told when they say their state.
func (h *centre) rollouts(ctx context.Context, w *wishes, say func(wire.Box, wire.Wish), log *slog.Logger) error {
	ticks := time.NewTicker(rolloutEvery)
	defer ticks.Stop()
	for {
		if err := h.advance(ctx, w, say); err != nil && ctx.Err() == nil {
			log.Error("the rollout does not go on for now", "why", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
	}
}

// advance takes the next step of the newest rollout.
func (h *centre) advance(ctx context.Context, w *wishes, say func(wire.Box, wire.Wish)) error {
	all, err := h.store.Rollouts(ctx)
	if err != nil {
		return err
	}
	if len(all) > 0 && (all[0].State == "running" || all[0].State == "paused" || all[0].State == "stopped") {
		if err := h.step(ctx, all[0], say); err != nil {
			return err
		}
	}
	wished, err := h.store.Wishes(ctx)
	if err != nil {
		return err
	}
	w.set(wished)
	return nil
}

func (h *centre) step(ctx context.Context, r store.Rollout, say func(wire.Box, wire.Wish)) error {
	offered, err := repository.Open(h.repository()).Offers(r.Release)
	if err != nil || !offered {
		return err // boxes that were asked now would not find it
	}
	boxes, err := h.store.RolloutBoxes(ctx, r.ID)
	if err != nil {
		return err
	}
	next, err := rollout.Next(r, boxes, time.Now())
	if err != nil {
		return err
	}
	// Written down before it is said: a hub that ends in between says it again.
	if err := h.store.SetRolloutBoxes(ctx, r.ID, next.Changed); err != nil {
		return err
	}
	if r.State == "running" && (next.State != r.State || next.Stage != r.Stage) {
		by := ""
		if next.State == "stopped" {
			by = "lunghub"
		}
		if err := h.store.SetRollout(ctx, by, r.ID, []string{"running"}, next.State, next.Stage, next.Reason); err != nil {
			return err
		}
	}
	for _, b := range next.Ask {
		say(b.Box, wire.Wish{Generation: r.ID, Release: r.Release})
	}
	return nil
}
