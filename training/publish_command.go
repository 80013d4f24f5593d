package main

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/ensemble/release"
	"lungbox/sync/ota"
	"lungbox/sync/repository"
)

// publishFlags are the settings of `lungtrain publish` and what is below it.
type publishFlags struct {
	repository string
	keys       []string
}

func (f *publishFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.repository, "repo", "", "folder of the repository")
	c.Flags().StringArrayVar(&f.keys, "key", nil, "private key to sign with; may be given again")
	commandline.Require(c, "repo")
}

func newPublish() *cobra.Command {
	f := &publishFlags{}
	c := &cobra.Command{
		Use:   "publish RELEASE --repo TUF_DIR [--key FILE]...",
		Short: "Put a release into a signed repository, for boxes to install",
		Long: `Put a release into a signed repository (The Update Framework), for boxes to install from
the hub or from a stick. It counts once enough holders have signed it: with --key here,
or each with "lungtrain publish sign" on a machine of their own.

  lungtrain publish key anna.key                        each holder makes a key and gives the .pub away
  lungtrain publish init --repo R --holder anna.key.pub --holder ben.key.pub --holder eva.key.pub --online hub.pub
  lungtrain publish sign --repo R --key anna.key        then ben: two of three are enough
  lungtrain publish RELEASE --repo R --key anna.key     stages the release with anna's signature
  lungtrain publish sign --repo R --key ben.key         publishes it

The online key is the hub's (lunghub repository key): the hub signs what is newest.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.publish(c.OutOrStdout(), args[0]) },
	}
	f.add(c)
	c.AddCommand(newPublishKey(), newPublishInit(), newPublishSign(), newPublishRotate(), newPublishWithdraw())
	return c
}

func (f *publishFlags) publish(out io.Writer, dir string) error {
	folder := os.DirFS(dir)
	opened, err := release.Open(folder) // checks every byte
	if err != nil {
		return err
	}
	defer opened.Close()
	pieces := ota.Pieces{}
	for _, n := range opened.Nets {
		end := n.Bytes
		if len(n.Tensors) > 0 {
			end = n.Tensors[0].Offset
		}
		list := []ota.Piece{{Offset: 0, Bytes: end, SHA256: n.Header}}
		for _, t := range n.Tensors {
			list = append(list, ota.Piece{Offset: t.Offset, Bytes: t.Bytes, SHA256: t.SHA256})
		}
		pieces[n.File] = list
	}
	r := repository.Open(f.repository)
	about := ota.Custom{Name: opened.Name, Counter: opened.Counter, Notice: opened.Notice}
	if err := r.Add(folder, about, pieces); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	fmt.Fprintf(out, "release %s, counter %d, is staged in %s\n", about.Name, about.Counter, f.repository)
	return f.sign(out, r)
}

// sign signs with all keys that were given and says how far it is.
func (f *publishFlags) sign(out io.Writer, r *repository.Repository) error {
	for _, path := range f.keys {
		key, err := repository.ReadKey(path)
		if err != nil {
			return err
		}
		signed, err := r.Sign(key)
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		if len(signed) == 0 {
			fmt.Fprintf(out, "%s: nothing is staged that it may sign\n", path)
		}
		for _, s := range signed {
			if s.Published {
				fmt.Fprintf(out, "%s %d is published\n", s.Role, s.Version)
			} else {
				fmt.Fprintf(out, "%s %d has %d of %d signatures\n", s.Role, s.Version, s.Has, s.Want)
			}
		}
	}
	return nil
}

func newPublishKey() *cobra.Command {
	return &cobra.Command{
		Use: "key FILE", Short: "Make a holder's key and, beside it, its public half", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := repository.NewKey(args[0]); err != nil {
				return err
			}
			public, err := repository.ReadPublic(args[0] + ".pub")
			if err != nil {
				return err
			}
			id, err := repository.KeyID(public)
			fmt.Fprintf(c.OutOrStdout(), "%s: keep it offline; give %s.pub away; id %s\n", args[0], args[0], id)
			return err
		},
	}
}

// public reads public keys.
func public(paths []string) (out []ed25519.PublicKey, err error) {
	for _, p := range paths {
		k, err := repository.ReadPublic(p)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

func newPublishInit() *cobra.Command {
	f := &publishFlags{}
	var holders []string
	var online string
	var threshold int
	c := &cobra.Command{
		Use: "init", Short: "Begin a repository: who holds keys, and how many of them must sign", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			keys, err := public(holders)
			if err != nil {
				return err
			}
			hub, err := repository.ReadPublic(online)
			if err != nil {
				return err
			}
			r := repository.Open(f.repository)
			if err := r.Create(keys, threshold, hub); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
			return f.sign(c.OutOrStdout(), r)
		},
	}
	f.add(c)
	c.Flags().StringArrayVar(&holders, "holder", nil, "public key of a holder; given again for each")
	c.Flags().StringVar(&online, "online", "", "public key of the hub")
	c.Flags().IntVar(&threshold, "threshold", 2, "signatures that are needed")
	commandline.Require(c, "holder", "online")
	return c
}

func newPublishSign() *cobra.Command {
	f := &publishFlags{}
	c := &cobra.Command{
		Use: "sign", Short: "Sign what is staged, and publish it when that is enough", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.sign(c.OutOrStdout(), repository.Open(f.repository))
		},
	}
	f.add(c)
	commandline.Require(c, "key")
	return c
}

func newPublishRotate() *cobra.Command {
	f := &publishFlags{}
	var add, remove []string
	var online string
	var threshold int
	c := &cobra.Command{
		Use:   "rotate",
		Short: "Change who may sign: add and remove holders, or give the hub another key",
		Long: `Change who may sign. Enough of the old holders and enough of the new ones must sign the
change. Boxes follow by themselves.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			change := repository.Change{Remove: remove, Threshold: threshold}
			var err error
			if change.Add, err = public(add); err != nil {
				return err
			}
			if online != "" {
				if change.Online, err = repository.ReadPublic(online); err != nil {
					return err
				}
			}
			r := repository.Open(f.repository)
			if err := r.Rotate(change); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
			return f.sign(c.OutOrStdout(), r)
		},
	}
	f.add(c)
	c.Flags().StringArrayVar(&add, "add", nil, "public key of a new holder")
	c.Flags().StringArrayVar(&remove, "remove", nil, "id of a holder's key that counts no more")
	c.Flags().StringVar(&online, "online", "", "public key of the hub, in place of the present one")
	c.Flags().IntVar(&threshold, "threshold", 0, "signatures that are needed from now on; 0: as before")
	return c
}

func newPublishWithdraw() *cobra.Command {
	f := &publishFlags{}
	c := &cobra.Command{
		Use: "withdraw NAME", Short: "Take a release off the list; boxes that have it keep it", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r := repository.Open(f.repository)
			if err := r.Withdraw(args[0]); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
			return f.sign(c.OutOrStdout(), r)
		},
	}
	f.add(c)
	return c
}
