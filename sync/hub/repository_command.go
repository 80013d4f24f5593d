package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lungbox/sync/ota"
	"lungbox/sync/repository"
)

// onlineKey, in the hub's folder, signs what is newest.
const onlineKey = "online.key"

func newRepository() *cobra.Command {
	o := &options{}
	key := &cobra.Command{
		Use: "key", Short: "Make the hub's online key, once, and print where its public half lies", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.with(c.Context(), func(_ context.Context, h *centre) error {
				path := filepath.Join(h.config.Hub.State, onlineKey)
				if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
					if err := repository.NewKey(path); err != nil {
						return err
					}
				}
				fmt.Fprintln(c.OutOrStdout(), path+".pub")
				return nil
			})
		},
	}
	o.add(key)
	c := &cobra.Command{Use: "repository", Short: "Look after the signed releases that boxes get here"}
	c.AddCommand(key)
	return c
}

// published says whether a release is among those that boxes get.
func (h *centre) published(release string) error {
	path := filepath.Join(h.repository(), "targets", release)
	found, err := filepath.Glob(filepath.Join(path, "*."+ota.PiecesFile))
	if err != nil || len(found) == 0 {
		return fmt.Errorf("release %s is not in %s: publish it with `lungtrain publish`", release, h.repository())
	}
	return nil
}

// stampEvery is how soon a release that was published is offered.
const stampEvery = 2 * time.Second

// stamp keeps snapshot and timestamp of the repository fresh, as long as there is one.
func (h *centre) stamp(ctx context.Context, log *slog.Logger) error {
	r := repository.Open(h.repository())
	said := ""
	ticks := time.NewTicker(stampEvery)
	defer ticks.Stop()
	for {
		err := h.stampOnce(r, log)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != said {
			if said = text; text != "" {
				log.Error("the releases are not signed anew", "why", text)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
	}
}

func (h *centre) stampOnce(r *repository.Repository, log *slog.Logger) error {
	if _, err := os.Stat(filepath.Join(h.repository(), "metadata", "1.targets.json")); err != nil {
		return nil //nolint:nilerr // there is none yet
	}
	key, err := repository.ReadKey(filepath.Join(h.config.Hub.State, onlineKey))
	if err != nil {
		return err
	}
	changed, err := r.Online(key)
	if changed && err == nil {
		log.Info("the releases are signed anew")
	}
	return err
}
