package main

import (
	"context"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/sync/hub/store"
)

func newPerson() *cobra.Command {
	c := &cobra.Command{Use: "person", Short: "Say who may look at the fleet page, and do what there"}
	o := &options{}
	var role string
	set := &cobra.Command{
		Use:   "set NAME --role viewer|operator|admin",
		Short: "Add a person, or give one another password and role",
		Long: `Add a person, or give one another password and role. The password is asked for, or read
from standard input. A viewer looks and exports, an operator also pauses, resumes and
aborts rollouts, an admin also revokes boxes and reads the audit trail.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			password, err := commandline.ReadPassword(c.InOrStdin(), c.ErrOrStderr())
			if err != nil {
				return err
			}
			return o.with(c.Context(), func(ctx context.Context, h *centre) error {
				return h.store.SetPerson(ctx, actor(), store.Person{Name: args[0], Role: store.Role(role)}, password)
			})
		},
	}
	o.add(set)
	set.Flags().StringVar(&role, "role", "", "viewer, operator or admin")
	commandline.Require(set, "role")
	remove := &cobra.Command{
		Use: "remove NAME", Short: "End a person's access, at once", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return o.with(c.Context(), func(ctx context.Context, h *centre) error { return h.store.RemovePerson(ctx, actor(), args[0]) })
		},
	}
	o.add(remove)
	c.AddCommand(set, remove)
	return c
}

func newGroup() *cobra.Command {
	o := &options{}
	c := &cobra.Command{
		Use: "group DEVICE GROUP", Short: "Put a box into a group that a rollout can begin with; \"\" for none", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return o.with(c.Context(), func(ctx context.Context, h *centre) error { return h.store.SetGroup(ctx, actor(), args[0], args[1]) })
		},
	}
	o.add(c)
	return c
}
