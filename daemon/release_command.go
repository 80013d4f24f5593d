package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/ensemble/worker"
	"lungbox/sync/ota"
)

func newRelease() *cobra.Command {
	group := &cobra.Command{
		Use:   "release",
		Short: "Check, install and go back to releases",
		Long: `Check, install and go back to releases. What is installed by hand is signed and tried like
what comes from the centre; a box that runs takes it up within seconds. Everything is in
the audit trail.`,
	}
	s := &settings{}
	verify := &cobra.Command{
		Use:   "verify [DIR]",
		Short: "Check every byte of a release and try its golden frames on this machine",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				s.release = args[0]
			}
			return s.verify(c.Context())
		},
	}
	s.add(verify)
	group.AddCommand(verify, newReleaseInstall(), newReleaseList(),
		newReleaseChange("rollback", "Let the release before score again; the present one is not tried again", func(s *ota.Slots) (string, error) {
			return "rolled back by hand", s.Back("rolled back by hand")
		}),
		newReleaseChange("pin", "Keep the present release, whatever the centre desires", func(s *ota.Slots) (string, error) { return "pinned", s.Pin(true) }),
		newReleaseChange("unpin", "Install what the centre desires again", func(s *ota.Slots) (string, error) { return "unpinned", s.Pin(false) }))
	return group
}

// otaDir is where a box keeps releases.
func (s *settings) otaDir() (string, error) {
	c, err := s.load()
	if err != nil {
		return "", err
	}
	if c.Engine.Release != "" {
		return "", errors.New("engine.release names the release of this box: set it to \"\" to install others")
	}
	state, err := stateFolder(c.Box.State)
	if err != nil {
		return "", err
	}
	return filepath.Join(state, otaFolder), commandline.BecomeOwner(state)
}

// slots calls f with a box's slots while nobody else changes them.
func (s *settings) slots(f func(dir string, slots *ota.Slots) error) error {
	dir, err := s.otaDir()
	if err != nil {
		return err
	}
	unlock, err := ota.Lock(dir)
	if err != nil {
		return err
	}
	defer unlock()
	slots, err := ota.OpenSlots(dir)
	if err != nil {
		return err
	}
	return f(dir, slots)
}

func newReleaseChange(name, short string, change func(*ota.Slots) (string, error)) *cobra.Command {
	s := &settings{}
	c := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.slots(func(dir string, slots *ota.Slots) error {
				said, err := change(slots)
				if err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", said, present(slots))
				return ota.Note(dir, "release "+name, present(slots), time.Now())
			})
		},
	}
	c.Flags().StringVar(&s.file, "config", "", "configuration file")
	return c
}

func present(s *ota.Slots) string {
	if s.Current == nil {
		return "the release that came with the program scores"
	}
	return fmt.Sprintf("release %s scores", s.Current.Name)
}

func newReleaseList() *cobra.Command {
	s := &settings{}
	c := &cobra.Command{
		Use: "list", Short: "Show which release scores, which were before it, and which failed", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return s.slots(func(_ string, slots *ota.Slots) error {
				list(c.OutOrStdout(), slots)
				return nil
			})
		},
	}
	c.Flags().StringVar(&s.file, "config", "", "configuration file")
	return c
}

func list(out io.Writer, s *ota.Slots) {
	fmt.Fprintln(out, present(s))
	show := func(what string, i *ota.Installed) {
		if i != nil {
			fmt.Fprintf(out, "%-8s %s  counter %d  %.12s  since %s\n", what, i.Name, i.Counter, i.Digest, i.Since.Format("2006-01-02 15:04"))
		}
	}
	show("current", s.Current)
	show("former", s.Former)
	show("trial", s.Trial)
	for _, f := range s.Failed {
		show("failed", &f.Installed)
		fmt.Fprintf(out, "         %s\n", f.Reason)
	}
	if s.Pinned {
		fmt.Fprintln(out, "pinned: nothing is installed until `lungbox release unpin`")
	}
}

func newReleaseInstall() *cobra.Command {
	s := &settings{}
	var name string
	c := &cobra.Command{
		Use:   "install REPOSITORY",
		Short: "Install the newest release of a signed repository, such as on a stick",
		Long: `Install the newest release of a signed repository (lungtrain publish), such as on a stick:
the same tree that the hub hands out. It is checked, tried on this machine's engine, and
then scores; a box that runs takes it up within seconds.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return s.install(c.Context(), c.OutOrStdout(), args[0], name)
		},
	}
	c.Flags().StringVar(&s.file, "config", "", "configuration file")
	c.Flags().StringVar(&name, "release", "", "name of the release; the newest without")
	return c
}

func (s *settings) install(ctx context.Context, out io.Writer, repository, name string) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	source, err := ota.OpenFolder(repository)
	if err != nil {
		return err
	}
	return s.slots(func(dir string, slots *ota.Slots) error {
		trust, err := openTrust(ctx, dir, c.Updates.Root, source)
		if err != nil {
			return err
		}
		all, err := trust.Refresh(ctx, source)
		if err != nil {
			return err
		}
		r, ok := ota.Newest(all)
		if name != "" {
			r, ok = all[name]
		}
		if !ok {
			return fmt.Errorf("%s has no such release", repository)
		}
		if err := slots.May(r); err != nil {
			return err
		}
		folder, err := (&ota.Fetcher{Source: source, Dir: dir}).Fetch(ctx, r)
		if err != nil {
			return err
		}
		placed, err := slots.Place(r, folder, time.Now())
		if err != nil {
			return err
		}
		if err := s.tryRelease(ctx, slots.Folder(placed)); err != nil {
			return errors.Join(err, slots.Reject(err.Error()), slots.Clean())
		}
		if err := slots.Commit(); err != nil {
			return err
		}
		fmt.Fprintf(out, "release %s is installed\n", r.Name)
		return ota.Note(dir, "release install", r.Name+" from "+repository, time.Now())
	})
}

// tryRelease has an engine answer a release's golden frames, as on the box.
func (s *settings) tryRelease(ctx context.Context, folder string) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	c.Engine.Release = folder
	w, err := workerConfig(c.Engine)
	if err != nil {
		return err
	}
	child, err := worker.New(ctx, w)
	if err != nil {
		return err
	}
	return child.Close()
}

// verify opens the release here, then runs it in a worker as scoring would.
func (s *settings) verify(ctx context.Context) error {
	c, err := s.load()
	if err != nil {
		return err
	}
	opened, err := openRelease(c.Engine.Release)
	if err != nil {
		return err
	}
	defer opened.Close()
	w, err := workerConfig(c.Engine)
	if err != nil {
		return err
	}
	child, err := worker.New(ctx, w)
	if err != nil {
		return err
	}
	defer child.Close()
	ready := child.Ready()
	fmt.Printf("release %s (%.12s), counter %d, licence %s: all files as the manifest says\n", opened.Name, opened.Digest, opened.Counter, opened.Licence)
	if opened.Notice != "" {
		fmt.Printf("notice: %s\n", opened.Notice)
	}
	for _, n := range opened.Nets {
		fmt.Printf("%-10s width %g, input %d, %.1f MB, temperature %g\n", n.Arch, n.Width, n.Input, float64(n.Bytes)/1e6, n.Temperature)
	}
	fmt.Printf("%d golden frames on %s: probabilities differ by %.4f at most, %.4f is allowed\n", len(opened.Golden), ready.Engine, ready.GoldenOff, opened.GoldenTolerance)
	return nil
}
