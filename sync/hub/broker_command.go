package main

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/sync/atomicfile"
	"lungbox/sync/hub/authority"
)

var (
	//go:embed mosquitto.conf
	mosquittoConfig string
	//go:embed mosquitto.acl
	mosquittoACL string
)

func newBroker() *cobra.Command {
	o := &options{}
	var listen, names string
	m := &cobra.Command{
		Use:   "mosquitto FOLDER",
		Short: "Write certificates, configuration and access rules for Mosquitto into a folder",
		Long: `Write certificates, configuration and access rules for Mosquitto into a folder. Then

  mosquitto -c FOLDER/mosquitto.conf

and in the hub's configuration broker.listen = "", broker.address and broker.public.
Boxes that are revoked are refused by the hub, not by Mosquitto.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			host, port, err := net.SplitHostPort(listen)
			if err != nil {
				return commandline.Usagef("--listen %q: want ADDRESS:PORT or :PORT", listen)
			}
			folder, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			return o.with(c.Context(), func(_ context.Context, h *centre) error {
				return h.mosquitto(folder, host, port, strings.Split(names, ","))
			})
		},
	}
	o.add(m)
	m.Flags().StringVar(&listen, "listen", ":8883", "address and port to listen at")
	m.Flags().StringVar(&names, "names", "", "names and addresses under which boxes and the hub reach it, separated by commas")
	commandline.Require(m, "names")
	c := &cobra.Command{Use: "broker", Short: "Prepare a broker outside the hub"}
	c.AddCommand(m, newBrokerNATS())
	return c
}

func (h *centre) mosquitto(folder, host, port string, names []string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
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
	text := strings.NewReplacer("{port}", port, "{address}", host, "{folder}", folder).Replace(mosquittoConfig)
	for name, content := range map[string][]byte{
		"broker.pem": certificate, "authority.pem": h.authority.PEM(), "mosquitto.conf": []byte(text), "acl": []byte(mosquittoACL),
	} {
		if err := atomicfile.Write(filepath.Join(folder, name), content); err != nil {
			return fmt.Errorf("broker: %w", err)
		}
	}
	return atomicfile.WritePrivate(filepath.Join(folder, "broker-key.pem"), key)
}
