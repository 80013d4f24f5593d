package main

import (
	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/training/simulate"
)

func newData() *cobra.Command {
	group := &cobra.Command{Use: "data", Short: "Make, import and check datasets"}
	group.AddCommand(newSimulate(), newOthers(), newImport(), newCheck())
	return group
}

func newSimulate() *cobra.Command {
	var o simulate.Options
	var out string
	c := &cobra.Command{
		Use:   "simulate -o DIR",
		Short: "Draw a dataset with the phantom of lung ultrasound",
		Long: `Draw pictures with a phantom of lung ultrasound made from physics. Every file is
marked as simulated. The same settings give the same bytes; a folder that was
left half-way is completed.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkSimulate(c, o); err != nil {
				return err
			}
			bar := newProgress("simulate")
			return simulate.Write(c.Context(), out, o, func(done, total int) { bar.Show(done, total, "pictures") })
		},
	}
	flags := c.Flags()
	flags.StringVarP(&out, "output", "o", "", "folder to write")
	flags.Uint64Var(&o.Seed, "seed", 1, "seed of everything random")
	flags.IntVar(&o.Patients, "patients", 40, "patients")
	flags.IntVar(&o.Loops, "loops", 12, "cine loops of each patient")
	flags.IntVar(&o.Frames, "frames", 4, "pictures of each loop")
	flags.IntVar(&o.Every, "every", 10, "frames between two pictures of a loop")
	flags.IntVar(&o.Side, "size", 256, "side of the pictures in pixels")
	flags.Float64Var(&o.Test, "test", 0, "share of patients in the test split")
	flags.StringSliceVar(&o.Looks, "look", nil, "families of scanners to draw from; all without")
	flags.Float64Var(&o.ReaderNoise, "reader-noise", 0, "how unsure the two simulated readers are, in scores")
	flags.BoolVar(&o.Screens, "screens", false, "write the whole screens with burned-in text too")
	commandline.Require(c, "output")
	return c
}

// checkSimulate refuses counts that mean something else to package simulate (0 is its
// default), and shares that are none.
func checkSimulate(c *cobra.Command, o simulate.Options) error {
	for _, name := range []string{"patients", "loops", "frames", "every", "size"} {
		if n, err := c.Flags().GetInt(name); err != nil || n < 1 {
			return commandline.Usagef("--%s %d: want at least 1", name, n)
		}
	}
	if !(o.Test >= 0 && o.Test < 1) {
		return commandline.Usagef("--test %v: want a share from 0 to below 1", o.Test)
	}
	return nil
}
