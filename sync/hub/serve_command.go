package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lungbox/sync/hub/broker"
	"lungbox/sync/hub/frames"
	"lungbox/sync/hub/ingest"
	"lungbox/sync/hub/web"
	"lungbox/sync/wire"
)

// newServe takes what is called between commit and acknowledgement; nil but in tests.
func newServe(committed func()) *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use:   "serve",
		Short: "Be the centre: take results in, enrol boxes, hand releases out",
		Long: `Take results in, enrol boxes and hand releases out, until told to end.

Without a configuration the broker, the database and the keys are inside: nothing else
is to be installed. A result is acknowledged to its box after it is committed.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.serve(c.Context(), committed) },
	}
	o.add(c)
	return c
}

func (o *options) serve(ctx context.Context, committed func()) error {
	settings, err := o.load()
	if err != nil {
		return err
	}
	c, err := open(ctx, settings)
	if err != nil {
		return err
	}
	defer c.close()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	in := ingest.New(c.store, log)
	desired := &wishes{}
	in.Wish, in.Committed = desired.of, committed
	own := &certificates{authority: c.authority, names: settings.HostNames()}
	secure := web.TLS(c.authority, own.get)
	pages, err := new(net.ListenConfig).Listen(ctx, "tcp", settings.Hub.Listen)
	if err != nil {
		return fmt.Errorf("hub.listen: %w", err)
	}
	defer pages.Close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return in.Run(ctx) })
	group.Go(func() error { return c.stamp(ctx, log) })
	var connected func() int
	public, say := settings.Broker.Public, func(wire.Box, wire.Wish) {} // boxes hear it with their next state
	if settings.Broker.Address == "" {
		boxes, err := new(net.ListenConfig).Listen(ctx, "tcp", settings.Broker.Listen)
		if err != nil {
			return fmt.Errorf("broker.listen: %w", err)
		}
		if public == "" {
			_, port, err := net.SplitHostPort(boxes.Addr().String())
			if err != nil {
				return err
			}
			public = "mqtts://" + net.JoinHostPort(settings.HostNames()[0], port)
		}
		known, err := c.store.Certificates(ctx)
		if err != nil {
			return err
		}
		mutual := secure.Clone()
		mutual.ClientAuth = requireCertificate
		b, err := broker.Start(ctx, broker.Config{Listener: boxes, TLS: mutual, Ingest: in, Valid: c.store.Valid, Log: log, Boxes: settings.Broker.Boxes}, known)
		if err != nil {
			return err
		}
		group.Go(func() error { return c.watch(ctx, b, log) })
		connected = b.Connected
		say = func(box wire.Box, w wire.Wish) {
			if err := b.Say(box, wire.Desired, w.Encode()); err != nil {
				log.Error("a box is not told its release; it hears it later", "box", box.String(), "why", err)
			}
		}
		log.Info("boxes connect to " + public)
	} else {
		group.Go(func() error { return c.follow(ctx, in, log) })
		log.Info("boxes connect to "+public, "broker", settings.Broker.Address)
	}
	group.Go(func() error { return c.rollouts(ctx, desired, say, log) })
	if settings.Hub.Metrics != "" {
		handler := figures(in, connected)
		group.Go(func() error {
			if err := serveFigures(ctx, settings.Hub.Metrics, handler); err != nil && ctx.Err() == nil {
				return fmt.Errorf("hub.metrics: %w", err)
			}
			return nil
		})
	}
	pictures, err := frames.New(filepath.Join(settings.Hub.State, "pictures"), c.store)
	if err != nil {
		return err
	}
	group.Go(func() error { return pictures.Run(ctx, 5*time.Second) })
	// Connections to the pages at a time: of all, and of one address, behind which may be a
	// hospital with its boxes.
	const mostConnections, mostFromOne = 4000, 400
	server := &http.Server{
		Handler:   web.New(web.Config{Store: c.store, Authority: c.authority, Broker: public, Repository: c.repository(), Frames: pictures, Log: log}).Handler(),
		TLSConfig: secure, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // strangers who know no TLS
	}
	group.Go(func() error {
		if err := server.ServeTLS(web.Limit(pages, mostConnections, mostFromOne), "", ""); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve the pages: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		return server.Shutdown(last)
	})
	log.Info("the hub is at https://" + pages.Addr().String() + "/")
	err = group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// watchEvery is how soon a box that was enrolled or revoked elsewhere is let in or put out.
const watchEvery = 2 * time.Second

// watch keeps the broker's list of boxes as the database has it.
func (h *centre) watch(ctx context.Context, b *broker.Broker, log *slog.Logger) error {
	defer b.Close()
	ticks := time.NewTicker(watchEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
		known, err := h.store.Certificates(ctx)
		if err != nil {
			log.Error("the list of boxes cannot be read, the former counts", "why", err)
			continue
		}
		b.Allow(known)
	}
}
