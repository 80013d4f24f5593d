package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"lungbox/ensemble/worker"
)

func newRelease() *cobra.Command {
	group := &cobra.Command{Use: "release", Short: "Check releases"}
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
	group.AddCommand(verify)
	return group
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
