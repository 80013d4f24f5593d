package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"lungbox/daemon/commandline"
	"lungbox/training/dataset/clips"
	"lungbox/training/simulate"
)

func newData() *cobra.Command {
	group := &cobra.Command{Use: "data", Short: "Make and import datasets"}
	group.AddCommand(newSimulate(), newImport(), newCheck())
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

func newImport() *cobra.Command {
	var o clips.Options
	var out string
	c := &cobra.Command{
		Use:   "import CLIPS -o DIR",
		Short: "Make a dataset from a folder of scored clips with a clips.csv",
		Long: `Make a dataset from a folder of clips that two readers have scored
(clips.csv: file,patient,reader_a,reader_b,probe,findings,license,source). Each
picture is cropped to the ultrasound fan and masked. Clips on which the readers
differ are left out and listed. DIR appears when it is complete; an import that was
interrupted starts again.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return importClips(c.Context(), args[0], out, o) },
	}
	flags := c.Flags()
	flags.StringVarP(&out, "output", "o", "", "folder to write")
	flags.IntVar(&o.Every, "every", 10, "frames between two pictures of a clip")
	flags.IntVar(&o.Most, "most", 50, "pictures of a clip at most")
	flags.StringSliceVar(&o.Test, "test-patients", nil, "patients for the test split")
	commandline.Require(c, "output")
	return c
}

func importClips(ctx context.Context, from, out string, o clips.Options) error {
	if o.Every < 1 || o.Most < 1 {
		return commandline.Usagef("--every and --most: want at least 1")
	}
	bar := newProgress("import")
	report, err := clips.Import(ctx, from, out, o, func(done, total int) { bar.Show(done, total, "clips") })
	if err != nil {
		return err
	}
	fmt.Fprint(os.Stderr, report)
	return nil
}
