package main

import (
	"context"
	"crypto/tls"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nkeys"
	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/sync/atomicfile"
	"lungbox/sync/hub/authority"
	"lungbox/sync/hub/ingest"
	"lungbox/sync/hub/jetstream"
)

//go:embed nats.conf
var natsConfig string

// seed reads a key of the cluster from the hub's folder, or makes one there.
func (h *centre) seed(name string, make func() (nkeys.KeyPair, error)) (nkeys.KeyPair, error) {
	path := filepath.Join(h.config.Hub.State, name)
	text, err := os.ReadFile(path)
	if err == nil {
		return nkeys.FromSeed(text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := make()
	if err != nil {
		return nil, err
	}
	if text, err = key.Seed(); err != nil {
		return nil, err
	}
	return key, atomicfile.WritePrivate(path, text)
}

// natsKeys are the hubs' key and the key that signs what boxes may do. Hubs that share a
// cluster share both.
func (h *centre) natsKeys() (hub, issuer nkeys.KeyPair, err error) {
	if hub, err = h.seed("nats-hub.seed", nkeys.CreateUser); err != nil {
		return nil, nil, err
	}
	issuer, err = h.seed("nats-issuer.seed", nkeys.CreateAccount)
	return hub, issuer, err
}

// followCluster takes messages from a NATS cluster.
func (h *centre) followCluster(ctx context.Context, in *ingest.Ingest, log *slog.Logger) error {
	own, err := h.authority.Server(h.config.HostNames())
	if err != nil {
		return err
	}
	hub, issuer, err := h.natsKeys()
	if err != nil {
		return err
	}
	return jetstream.Run(ctx, jetstream.Config{
		Servers: h.config.Broker.Address, Hub: hub, Issuer: issuer, Replicas: h.config.Broker.Replicas, Valid: h.store.Valid, Log: log,
		TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: h.authority.Pool(), Certificates: []tls.Certificate{own}},
		Take: func(ctx context.Context, topic string, payload []byte, say func(string, []byte) error) error {
			return h.takeIn(ctx, in, topic, payload, say)
		},
	})
}

func newBrokerNATS() *cobra.Command {
	o := &options{}
	var node, listen, cluster, mqtt, routes, names string
	c := &cobra.Command{
		Use:   "nats FOLDER",
		Short: "Write certificates and configuration of one node of a NATS cluster into a folder",
		Long: `Write certificates and configuration of one node of a NATS cluster into a folder. Then

  nats-server -c FOLDER/nats.conf

and in the hubs' configuration broker.listen = "", broker.address = "nats://…", and
broker.public. Hubs that share the cluster share database, authority.pem and its key,
nats-hub.seed and nats-issuer.seed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			folder, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			return o.with(c.Context(), func(_ context.Context, h *centre) error {
				return h.natsNode(folder, strings.Split(names, ","), map[string]string{
					"{node}": node, "{listen}": listen, "{cluster}": cluster, "{mqtt}": mqtt, "{routes}": routeList(routes),
				})
			})
		},
	}
	o.add(c)
	f := c.Flags()
	f.StringVar(&node, "node", "", "name of the node, unlike the others'")
	f.StringVar(&listen, "listen", ":4222", "address and port for hubs")
	f.StringVar(&mqtt, "mqtt", ":8883", "address and port for boxes")
	f.StringVar(&cluster, "cluster", ":6222", "address and port for other nodes")
	f.StringVar(&routes, "routes", "", "HOST:PORT of the other nodes, separated by commas")
	f.StringVar(&names, "names", "", "names and addresses under which it is reached, separated by commas")
	commandline.Require(c, "node", "names")
	return c
}

func routeList(routes string) string {
	var out []string
	for r := range strings.SplitSeq(routes, ",") {
		if r = strings.TrimSpace(r); r != "" {
			out = append(out, fmt.Sprintf("%q", "nats-route://"+r))
		}
	}
	return strings.Join(out, ", ")
}

func (h *centre) natsNode(folder string, names []string, values map[string]string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	hub, issuer, err := h.natsKeys()
	if err != nil {
		return err
	}
	if values["{hub}"], err = hub.PublicKey(); err != nil {
		return err
	}
	if values["{issuer}"], err = issuer.PublicKey(); err != nil {
		return err
	}
	own, err := h.authority.Server(names)
	if err != nil {
		return err
	}
	certificate, key, err := authority.PEM(own)
	if err != nil {
		return err
	}
	values["{folder}"] = folder
	text := natsConfig
	for from, to := range values {
		text = strings.ReplaceAll(text, from, to)
	}
	for name, content := range map[string][]byte{"node.pem": certificate, "authority.pem": h.authority.PEM(), "nats.conf": []byte(text)} {
		if err := atomicfile.Write(filepath.Join(folder, name), content); err != nil {
			return fmt.Errorf("broker: %w", err)
		}
	}
	return atomicfile.WritePrivate(filepath.Join(folder, "node-key.pem"), key)
}
