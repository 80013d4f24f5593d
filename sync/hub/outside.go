package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"lungbox/sync/hub/ingest"
	"lungbox/sync/hub/store"
	"lungbox/sync/mqtt"
	"lungbox/sync/uplink"
	"lungbox/sync/wire"
)

// requireCertificate is for boxes: without one they get no further.
const requireCertificate = tls.RequireAndVerifyClientCert

// workers is how many messages of a broker outside are under way at a time.
const workers = 64

// follow takes messages from a broker outside, over as many links as it takes. Hubs that
// share a broker share its messages ($share).
func (h *centre) follow(ctx context.Context, in *ingest.Ingest, log *slog.Logger) error {
	if !strings.HasPrefix(h.config.Broker.Address, "mqtt") {
		return h.followCluster(ctx, in, log)
	}
	own, err := h.authority.Server(h.config.HostNames())
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "lunghub"
	}
	t, err := mqtt.New(mqtt.Config{
		Broker: h.config.Broker.Address, Client: "lunghub-" + host + "-" + time.Now().Format("150405.000000"), Every: true,
		TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: h.authority.Pool(), Certificates: []tls.Certificate{own}},
	})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		err := h.followOnce(ctx, t, in)
		if ctx.Err() != nil {
			break
		}
		log.Error("the broker is not there; boxes keep their results meanwhile", "broker", h.config.Broker.Address, "why", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return ctx.Err()
}

func (h *centre) followOnce(ctx context.Context, t *mqtt.Transport, in *ingest.Ingest) error {
	link, err := t.Dial(ctx, "$share/lunghub/"+wire.Up("up/+"), uplink.Message{})
	if err != nil {
		return err
	}
	defer link.Close()
	group, ctx := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-link.Done():
					return link.Err()
				case m := <-link.Messages():
					if err := h.takeIn(ctx, in, m.Topic, m.Payload, func(topic string, payload []byte) error {
						return link.Publish(ctx, uplink.Message{Topic: topic, Payload: payload})
					}); err != nil && !errors.Is(err, errNotNow) {
						return err
					}
				}
			}
		})
	}
	return group.Wait()
}

// errNotNow says that the database took nothing: the box sends it again.
var errNotNow = errors.New("not committed")

// takeIn takes one message in and answers it. The error is errNotNow, or of the answer.
func (h *centre) takeIn(ctx context.Context, in *ingest.Ingest, topic string, payload []byte, say func(topic string, payload []byte) error) error {
	b, k, err := wire.Parse(topic)
	if err != nil {
		return nil //nolint:nilerr // somebody else's topic on a shared broker
	}
	answers, err := in.Take(ctx, b, k, payload)
	if errors.Is(err, store.ErrRefused) || errors.Is(err, ingest.ErrMalformed) {
		return nil // for ever; ingest has said why
	}
	if err != nil {
		return errNotNow
	}
	for _, a := range answers {
		if err := say(b.Topic(a.Kind), a.Payload); err != nil {
			return err
		}
	}
	return nil
}
