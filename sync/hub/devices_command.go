package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/sync/enrol"
	"lungbox/sync/wire"
)

// actor is who runs a command, for the audit trail.
func actor() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "command line"
}

func newEnrol() *cobra.Command {
	o := &options{}
	var box wire.Box
	var days int
	c := &cobra.Command{
		Use:   "enrol --site SITE --device DEVICE",
		Short: "Print a code with which one box becomes part of the fleet",
		Long: `Print a code with which one box becomes part of the fleet. It works once. On the box:

  lungbox enrol https://HUB:8443 CODE

The box makes its own key; a box that was enrolled before gets a new certificate, and
its old one counts no more.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := o.load()
			if err != nil {
				return err
			}
			if err := box.Check(); err != nil {
				return commandline.UsageError{Err: err}
			}
			if days < 1 || days > 365 {
				return commandline.Usagef("--days %d: want 1 to 365", days)
			}
			return o.with(c.Context(), func(ctx context.Context, h *centre) error {
				code := enrol.NewCode(h.authority.Fingerprint())
				expires := time.Now().AddDate(0, 0, days)
				if err := h.store.Invite(ctx, actor(), box, code.Secret[:], expires); err != nil {
					return err
				}
				_, port, _ := net.SplitHostPort(settings.Hub.Listen) // it was checked
				fmt.Fprintf(c.OutOrStdout(), "code for %s, valid once until %s:\n\n  %s\n\non the box: lungbox enrol https://%s %s\n",
					box, expires.Format("2006-01-02 15:04"), code, net.JoinHostPort(settings.HostNames()[0], port), code)
				return nil
			})
		},
	}
	o.add(c)
	c.Flags().StringVar(&box.Site, "site", "", "hospital or ward, such as ward-3")
	c.Flags().StringVar(&box.Device, "device", "", "name of the box, unlike any other of this hub")
	c.Flags().IntVar(&days, "days", 7, "days until the code is void")
	commandline.Require(c, "site", "device")
	return c
}

func newRevoke() *cobra.Command {
	o := &options{}
	var why string
	c := &cobra.Command{
		Use:   "revoke DEVICE",
		Short: "Refuse a box from now on",
		Long:  `Refuse a box from now on, such as one that was stolen. What it sent before stays.`,
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.with(c.Context(), func(ctx context.Context, h *centre) error {
				return h.store.Revoke(ctx, actor(), args[0], why)
			})
		},
	}
	o.add(c)
	c.Flags().StringVar(&why, "why", "", "reason, for the audit trail")
	commandline.Require(c, "why")
	return c
}

func newDevices() *cobra.Command {
	o := &options{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "devices",
		Short: "List the boxes",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return o.with(c.Context(), func(ctx context.Context, h *centre) error { return h.devices(ctx, c.OutOrStdout(), asJSON) })
		},
	}
	o.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON lines")
	return c
}

func (h *centre) devices(ctx context.Context, out io.Writer, asJSON bool) error {
	all, err := h.store.Devices(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		lines := json.NewEncoder(out)
		for _, d := range all {
			if err := lines.Encode(d); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SITE\tDEVICE\tPRESENCE\tSTATE\tRELEASE\tRESULTS\tWAITING\tNOTE")
	for _, d := range all {
		presence := "never seen"
		switch {
		case !d.Revoked.IsZero():
			presence = "revoked " + d.Revoked.Format("2006-01-02")
		case d.Online:
			presence = "online"
		case !d.Seen.IsZero():
			presence = "since " + d.Seen.Format("2006-01-02 15:04") + " off"
		}
		var notes []string
		if d.Odd > 0 {
			notes = append(notes, fmt.Sprintf("%d results in quarantine", d.Odd))
		}
		if d.Status.Notice != "" {
			notes = append(notes, d.Status.Notice)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", d.Site, d.Device, presence, d.Status.State, d.Status.Release, d.Status.Last, d.Status.Waiting, strings.Join(notes, "; "))
	}
	return table.Flush()
}

// with opens the centre for one command.
func (o *options) with(ctx context.Context, do func(ctx context.Context, h *centre) error) error {
	settings, err := o.load()
	if err != nil {
		return err
	}
	h, err := open(ctx, settings)
	if err != nil {
		return err
	}
	defer h.close()
	return do(ctx, h)
}
